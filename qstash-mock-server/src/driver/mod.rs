//! The driver owns the engine: it stamps the time on one input at a time, commits what the input
//! changed, and lets replies and effects go once that is durable.
//!
//! Read `lock.rs` (one input), `inbox.rs` (what the store tells meanwhile), `handle.rs` (what the rest of the
//! server calls), `timer.rs` (the one timer), `advance.rs` (moving a manual clock from deadline to deadline),
//! `replace.rs` (going back to a snapshot), `metrics.rs` (those of the whole server), `stopwatch.rs` (how long the
//! lock is held, for the benchmark).

mod advance;

mod handle;
mod inbox;
mod limits;
mod lock;
mod metrics;
mod replace;
mod stopwatch;
#[cfg(test)]
mod tests;
mod timer;

pub use advance::{Advanced, ClockBusy, Due};
pub(crate) use handle::{CallError, Driver};
pub(crate) use limits::Limits;
pub use replace::ReplaceError;
