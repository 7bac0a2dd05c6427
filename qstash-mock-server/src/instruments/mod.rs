//! What the driver and the delivery are played through in tests.
//!
//! Instruments stand below the driver and the delivery, which read the time here and tell here of every attempt. What
//! a test holds in its hand stands above the API, in [`testing`](crate::testing), and reads the instruments.
//!
//! - `clock` tells the server's time: that of the machine, or one that moves only when told. `real_sleep` sleeps in
//!   real time, whatever the clock says.
//! - `captured` keeps the newest attempts with their requests, answers and times.
//! - `parking` knows the attempts that wait for a manual clock, so that whoever moves it does not wait for them.
//! - `faults` decides what goes wrong, with deliveries and with calls of the API.
//! - `set` holds one of each for one server.
//!
//! The driver tells the instruments of each attempt under the engine's lock, so that their order and their decisions
//! are those of the attempts.

mod captured;
mod clock;
mod faults;
mod parking;
mod real_sleep;
mod set;

pub(crate) use captured::{Bounds, Captured, Cursor, End, Record};
pub use clock::SignatureClock;
pub(crate) use clock::{Clock, wall_time};
pub use faults::FaultId;
pub(crate) use faults::{
    ApiCall, ApiFault, Faults, Forgery, Kind, ListedFault, Plan, Rule, Scope, When, fits,
};
pub(crate) use parking::UnderWay;
pub(crate) use real_sleep::RealSleep;
pub(crate) use set::{Instruments, Job, Recorder};
