//! Messages that carry their own rules: one deterministic test for each rule of v2.md, and what must
//! hold whatever happens. A name is the rule.

mod callback;
mod cancel;
mod dedup;
mod delay;
pub(crate) mod dlq;
mod dlq_retry;
mod flow;
mod flow_manage;
mod group;
mod group_defaults;
mod log;
mod mixed;
mod parallelism;
pub(crate) mod properties;
mod queue;
mod queue_manage;
mod quota;
mod restore;
mod retry;
pub(crate) mod run;
mod schedule;
mod schedule_keys;
mod schedule_last;
mod tenancy;
pub(crate) mod words;
mod world;
