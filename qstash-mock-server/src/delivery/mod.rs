//! Delivery: an attempt becomes a signed HTTP request, the answer becomes an [`Outcome`](crate::engine::Outcome).
//!
//! 1. `route` says where the request really goes, `scope` how far it may go.
//! 2. `request` writes it: the body as published, the headers of v1.md section 5 or of v2.md section 3.1. Pure.
//! 3. `sign` signs it; prepared keys are kept, because every attempt needs one.
//! 4. `send` sends it over pooled connections and reads the beginning of the answer.
//! 5. `outcome` says what the answer, or its absence, means; `retry_hint` when it asks to come back. Pure.
//! 6. `faulty` is what the driver calls: it writes down what is sent in the instruments, and lets go
//!    wrong what a test wants to go wrong. `payload` is a body that can break off.
//!
//! Delivery knows no queues, retries or timeouts: the engine decides what an outcome leads to, and gives
//! up an attempt whose time is over by having its future dropped. Only `send`
//! reads a clock, for dates in answers.

mod faulty;
mod outcome;
mod payload;
mod request;
mod retry_hint;
mod route;
mod scope;
mod send;
mod sign;

pub(crate) use self::faulty::FaultyTransport;
pub(crate) use self::payload::Payload;
pub(crate) use self::request::headers;
#[cfg(test)]
pub(crate) use self::request::tests::attempt as test_attempt;
pub use self::route::{Route, RouteError};
pub use self::scope::DeliveryScope;
pub(crate) use self::send::{Deliverer, Settings};
