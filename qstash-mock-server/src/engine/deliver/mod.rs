//! Delivering: one way for every message, by the rules that are resolved in `rules`.
//!
//! `gate` decides who may start, `start` starts an attempt, `finish` takes its outcome, `retry` makes it wait for
//! the next one, `bury` gives it up. `callback` and the log observe, and do nothing where nobody asked for them.

pub(super) mod bury;
pub(super) mod callback;
pub(super) mod finish;
pub(super) mod gate;
pub(super) mod retry;
pub(super) mod rules;
pub(super) mod start;
