//! Faults: failures that a test causes on purpose.
//!
//! 1. `rule` says what goes wrong, where, and how often.
//! 2. `rules` keeps the rules in force on one server and decides when a fault strikes. Decisions on deliveries derive
//!    from the seed, the message and the attempt, so they are the same in every run, whatever the order of messages.
//! 3. `plan` has the faults that strike one attempt; `delivery/faulty.rs` carries them out. `overtaking` holds back
//!    requests that are to be overtaken. `api/fault_gate.rs` carries out the faults that strike a call of the API.
//!
//! While no fault is in force, a request costs one relaxed load.

mod overtaking;
mod plan;
mod rule;
mod rules;

pub(crate) use overtaking::Overtaking;
pub(crate) use plan::{Forgery, Plan};
pub(crate) use rule::{Kind, Rule, Scope, When, fits};
pub use rules::FaultId;
pub(crate) use rules::{ApiCall, ApiFault, Faults, ListedFault};
