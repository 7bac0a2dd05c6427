//! Instruments: the parts by which tests observe and control the driver and the delivery.
//!
//! The driver and the delivery read the time from the instruments and report every attempt to them. The tools that a
//! test uses are in [`testing`](crate::testing), above the API; they read the instruments.
//!
//! - `clock` gives the server's time: that of the operating system, or that of a manual clock. `real_sleep` sleeps in
//!   real time, whatever the clock shows.
//! - `captured` keeps the newest attempts with their requests, answers and times.
//! - `parking` has the attempts that wait for a manual clock, so that a call that moves the clock does not wait for
//!   them.
//! - `faults` decides what goes wrong with deliveries and with calls of the API.
//! - `refused` keeps the newest calls of the API that were refused; `masked` leaves out what may be secret in reports.
//! - `set` has one of each for one server.
//!
//! The driver reports each attempt under the engine's lock, so captured attempts and decisions on faults are in the
//! order of the attempts.

mod captured;
mod clock;
mod faults;
mod masked;
mod parking;
mod real_sleep;
mod refused;
mod set;

pub(crate) use captured::{Bounds, Captured, Cursor, End, Record};
pub use clock::SignatureClock;
pub(crate) use clock::{Clock, wall_time};
pub use faults::FaultId;
pub(crate) use faults::{
    ApiCall, ApiFault, Faults, Forgery, Kind, ListedFault, Plan, Rule, Scope, When, fits,
};
pub(crate) use masked::{beginning, masked};
pub(crate) use parking::UnderWay;
pub(crate) use real_sleep::RealSleep;
pub(crate) use refused::Refused;
pub(crate) use set::{Instruments, Job, Recorder};
