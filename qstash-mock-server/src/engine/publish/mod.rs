//! Publishing: a command becomes messages.

pub(super) mod destination;
pub(super) mod queue;
