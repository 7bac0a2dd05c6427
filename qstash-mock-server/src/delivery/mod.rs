//! Delivery: an attempt becomes a signed HTTP request, the answer becomes an [`Outcome`](crate::engine::Outcome).
//!
//! 1. `routes` says where the request really goes.
//! 2. `request` writes it: the body as published, the headers of v1.md section 5 or, in `hosted`, those of
//!    v2.md section 3.1. Pure.
//! 3. `signature` signs it; prepared keys are kept, because every attempt needs one.
//! 4. `http` sends it over pooled connections, not beyond `reach`, and reads the beginning of the answer.
//! 5. `outcome` says what the answer, or its absence, means; `retry_hint` when it asks to come back. Pure.
//! 6. `courier` is what the driver calls: it writes down what is sent in the instruments, and lets go
//!    wrong what a test wants to go wrong. `payload` is a body that can break off.
//!
//! Delivery knows no queues, retries or timeouts: the engine decides what an outcome leads to, and gives
//! up an attempt whose time is over by having its future dropped. Only `http`
//! reads a clock, for dates in answers.

mod courier;
mod hosted;
mod http;
mod outcome;
mod payload;
mod reach;
mod request;
mod retry_hint;
mod routes;
mod signature;

pub(crate) use self::courier::Courier;
pub(crate) use self::http::{Deliverer, Settings};
pub(crate) use self::payload::Payload;
pub use self::reach::Reach;
pub(crate) use self::request::headers;
#[cfg(test)]
pub(crate) use self::request::tests::attempt as test_attempt;
pub use self::routes::{Route, RouteError};
