//! The engine's data types: names, times, what callers ask for, and what the engine stores.
//!
//! Types only: the folders beside this one decide what happens to a value, and `state` alone changes stored values.

pub(super) mod bulk;
pub(super) mod caller;
pub(super) mod carried_rules;
pub(super) mod cost;
pub(super) mod dead_letter;
pub(super) mod entity;
pub(super) mod filter;
pub(super) mod flow_key;
pub(super) mod headers;
pub(super) mod id;
pub(super) mod keys;
pub(super) mod log_row;
pub(super) mod lookup;
pub(super) mod message;
pub(super) mod metrics;
pub(super) mod partial_settings;
pub(super) mod publish;
pub(super) mod pull;
pub(super) mod queue;
pub(super) mod randomness;
pub(super) mod response;
pub(super) mod schedule;
pub(super) mod seed;
pub(super) mod spec;
pub(super) mod time;
pub(super) mod url_group;
