//! Consumers that need no second server: they answer by a script, record, and verify signatures.
//!
//! `answer` is what can be answered, `script` decides which answer a request gets, `received` records, and
//! `serve` is the HTTP server. A consumer that waits for the clock parks the attempt, so that moving the
//! clock does not wait for it.

mod answer;
mod handle;
mod received;
mod script;
mod serve;

pub use answer::Answer;
pub use handle::{Consumer, ConsumerBuilder};
pub use received::Received;
