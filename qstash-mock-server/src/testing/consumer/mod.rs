//! Consumers for tests: HTTP servers that give scripted answers, record requests, and verify signatures.
//!
//! `answer` has the answers, `script` decides which answer a request gets, `received` records requests, and `serve`
//! is the HTTP server. A consumer that waits for the clock parks the attempt, so that a call that moves the clock
//! does not wait for it.

mod answer;
mod handle;
mod received;
mod script;
mod serve;

pub use answer::Answer;
pub use handle::{Consumer, ConsumerBuilder};
pub use received::Received;
