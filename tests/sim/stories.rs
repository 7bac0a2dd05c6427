//! One deterministic test for each rule of v1.md; a name is the rule.

mod clock;
mod deliver;
mod keep;
mod log;
mod manage;
mod publish;
mod receive;
mod restart;
