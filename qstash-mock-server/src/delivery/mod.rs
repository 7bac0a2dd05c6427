//! Delivery turns an attempt into a signed HTTP request and an answer into an outcome.
//!
//! It does not know queues. `request.rs` and `outcome.rs` are pure; `http.rs` is the only one that
//! opens a connection. Time limits are the engine's: an attempt that takes too long is dropped.

mod http;
mod outcome;
mod request;

pub(crate) use self::http::Deliverer;
