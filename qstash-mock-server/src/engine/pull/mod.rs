//! Pulling: consumers ask for messages and hold them under leases (v1.md section 4).

pub(super) mod lease;
pub(super) mod receive;
