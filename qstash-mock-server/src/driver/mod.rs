//! The driver owns the engine: it stamps the time on one input at a time, commits what the input
//! changed, and lets replies and effects go once that is durable.
//!
//! Read `lock.rs` (one input), `handle.rs` (what the rest of the server calls), `timer.rs` (the one
//! timer), `advance.rs` (moving a manual clock from deadline to deadline), `replace.rs` (going back to
//! a snapshot).

mod advance;

mod handle;
mod lock;
mod replace;
mod timer;

pub use advance::{Advanced, ClockBusy, Due};
pub(crate) use handle::{CallError, Driver};
pub use replace::ReplaceError;
