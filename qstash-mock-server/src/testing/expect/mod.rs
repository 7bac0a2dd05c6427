//! Expectations: what a test expects to be delivered.
//!
//! A test writes an `expectation`, `criteria` compares one delivery with it, `ledger` keeps the expectations of one
//! server, and `report` says which were not met and which deliveries came nearest.

mod criteria;
mod expectation;
mod ledger;
mod report;

pub use expectation::Expectation;
pub(crate) use ledger::Ledger;
pub use ledger::Times;
pub(crate) use report::Judged;
pub use report::Unmet;
