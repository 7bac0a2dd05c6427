//! Delivering: an attempt starts, ends, and leads to the next one, to a dead letter or to the end.

pub(super) mod bury;
pub(super) mod callback;
pub(super) mod carried_attempt;
pub(super) mod queue_attempt;
pub(super) mod retry;
