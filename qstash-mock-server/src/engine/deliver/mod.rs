//! Delivering: one path for every message, under the rules that `rules` resolves.
//!
//! `gate` decides which message may start, `start` starts an attempt, `finish` takes its outcome, `retry` plans the
//! next attempt, `bury` gives the message up. `callback` and the log observe finished attempts; they do nothing if
//! nobody asked for them.

pub(super) mod bury;
pub(super) mod callback;
pub(super) mod finish;
pub(super) mod gate;
pub(super) mod retry;
pub(super) mod rules;
pub(super) mod start;
