//! Messages that carry their own rules: one deterministic test for each rule of v2.md, and what must
//! hold whatever happens. A name is the rule.

mod dedup;
mod delay;
mod flow;
mod flow_manage;
mod group;
mod mixed;
mod parallelism;
mod queue;
mod queue_manage;
mod retry;
mod words;
mod world;
