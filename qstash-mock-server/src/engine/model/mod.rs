//! What the engine knows: names, times, and the things it stores.

pub(super) mod caller;
pub(super) mod carried_rules;
pub(super) mod entity;
pub(super) mod id;
pub(super) mod message;
pub(super) mod metrics;
pub(super) mod randomness;
pub(super) mod seed;
pub(super) mod time;
