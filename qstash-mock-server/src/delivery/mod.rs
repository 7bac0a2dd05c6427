//! Delivery: an attempt becomes a signed HTTP request, the answer becomes an [`Outcome`](crate::engine::Outcome).
//!
//! 1. `request` writes the request: the body as published, the headers of v1.md section 5. Pure.
//! 2. `signature` signs the body; prepared keys are kept, because every attempt needs one.
//! 3. `http` sends it over pooled connections and reads the beginning of the answer.
//! 4. `outcome` says what the answer, or its absence, means. Pure.
//! 5. `courier` is what the driver calls: it writes down what is sent for the test toolkit, and lets go
//!    wrong what a test wants to go wrong. `payload` is a body that can break off.
//!
//! Delivery knows no queues, retries or timeouts: the engine decides what an outcome leads to, and gives
//! up an attempt whose time is over by having its future dropped. Only `http`
//! reads a clock, for dates in answers.

mod courier;
mod http;
mod outcome;
mod payload;
mod request;
mod signature;

pub(crate) use self::courier::Courier;
pub(crate) use self::payload::Payload;
pub(crate) use self::request::headers;
#[cfg(test)]
pub(crate) use self::request::tests::attempt as test_attempt;
