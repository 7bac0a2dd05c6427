//! Messages that carry their own rules: one deterministic test for each rule of v2.md, and what must
//! hold whatever happens. A name is the rule.

mod callback;
mod cancel;
mod dedup;
mod delay;
mod dlq;
mod flow;
mod flow_manage;
mod group;
mod log;
mod mixed;
mod parallelism;
mod properties;
mod queue;
mod queue_manage;
mod quota;
mod restore;
mod retry;
mod run;
mod schedule;
mod schedule_last;
mod tenancy;
mod words;
mod world;
