//! Pulling: messages are handed out to consumers that ask for them, under leases (v1.md section 4).

pub(super) mod lease;
pub(super) mod receive;
