//! Handing messages out to consumers that ask for them.

pub(super) mod lease;
pub(super) mod receive;
