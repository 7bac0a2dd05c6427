//! One deterministic test for each rule of v1.md; a name is the rule.

mod deliver;
mod keep;
mod manage;
mod publish;
mod receive;
