//! Things that go wrong on purpose.
//!
//! 1. `rule` says what goes wrong, where, and how often.
//! 2. `rules` keeps the rules in force on one server and decides; every decision derives from the seed, so that
//!    the same seed and the same messages meet the same faults, whatever order they come in.
//! 3. `plan` is what was decided for one attempt; `delivery/faulty.rs` carries it out. `overtaking` holds
//!    back what is to be overtaken. What was decided for one API call is carried out by `api/fault_gate.rs`.
//!
//! While no fault is set, a request costs one relaxed load more.

mod overtaking;
mod plan;
mod rule;
mod rules;

pub(crate) use overtaking::Overtaking;
pub(crate) use plan::{Forgery, Plan};
pub(crate) use rule::{Kind, Rule, Scope, When, fits};
pub use rules::FaultId;
pub(crate) use rules::{ApiCall, ApiFault, Faults, ListedFault};
