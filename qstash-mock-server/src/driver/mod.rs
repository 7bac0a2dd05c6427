//! The driver owns the engine: it gives the engine one input at a time, with the current time, commits the changes to
//! the store, and lets replies and effects leave once the commit is durable.
//!
//! Read `lock.rs` (one input), `inbox.rs` (the reports of the store), `handle.rs` (the calls of the rest of the
//! server), `timer.rs` (the timer task), `advance.rs` (moving a manual clock), `replace.rs` (restoring a snapshot),
//! `metrics.rs` (the metrics of the whole server, and what is due next), `silent.rs` (the warnings about consumers that
//! do not answer), `stopwatch.rs` (how long the lock is held, for the benchmark).

mod advance;

mod handle;
mod inbox;
mod limits;
mod lock;
mod metrics;
mod replace;
mod silent;
mod stopwatch;
#[cfg(test)]
mod tests;
mod timer;

pub use advance::{Advanced, ClockBusy, Due};
pub(crate) use handle::{CallError, Driver};
pub(crate) use limits::Limits;
pub use replace::ReplaceError;
