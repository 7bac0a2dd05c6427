//! Tools for tests: they move time, look at deliveries, run consumers, judge expectations, cause faults, and save
//! state.
//!
//! A test gets all of them from its [`MockServer`](crate::MockServer):
//!
//! | to | use |
//! |---|---|
//! | move a manual clock | `advance`, `advance_to`, `advance_to_next`, `settle`; `auto_clock` skips idle time |
//! | run a consumer | `consumer()`: it gives scripted answers, records requests, verifies signatures |
//! | look at what was delivered | `deliveries()`: [`Deliveries`], each a [`Delivery`] |
//! | say what must be delivered | `expect()`: an [`Expectation`], which `verify()` judges |
//! | make something go wrong | `inject()`: a [`Fault`] |
//! | start again, or from a known state | `reset()`, `snapshot()`, `restore()`, and `load()` with a [`Fixture`] |
//! | verify signatures in the server's time | `clock()`: a clock that `qstash-verify` accepts |
//!
//! ```
//! use std::time::Duration;
//! use qstash_mock_server::MockServer;
//! use qstash_mock_server::engine::Timestamp;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let start = Timestamp::from_millis(1_800_000_000_000);
//! let server = MockServer::builder().manual_clock(start).start().await?;
//! let orders = server.consumer().respond([503, 503, 200]).start();
//! server.expect().message_to("order-events").to_url(orders.url()).delivered().times(1);
//! // … publish to `order-events`, then let two retries' worth of time pass:
//! # let publish = |path: &str, body: String| {
//! #     reqwest::Client::new().post(format!("{}{path}", server.uri()))
//! #         .bearer_auth(server.token()).header("content-type", "application/json").body(body).send()
//! # };
//! # publish("/v1/queues", format!(r#"{{"name":"order-events","webhook_url":"{}"}}"#, orders.url())).await?;
//! # publish("/v1/publish", r#"{"queue":"order-events","message":{"order_id":42}}"#.into()).await?;
//! server.advance(Duration::from_secs(60)).await?;
//! server.verify().await;
//! assert_eq!(orders.count(), 3);
//! # Ok(())
//! # }
//! ```
//!
//! # How it is built
//!
//! The engine knows nothing of tests. The driver and the delivery report what they do to the server's `instruments`,
//! and get the faults that a test has injected from there. This module reads the instruments and calls the driver. An
//! attempt counts as over only once the engine has its outcome, so a test that sees a delivery also sees its effects.
//!
//! # What is the same in every run
//!
//! With the same seed, a manual clock, the same calls in the same order, and consumers with scripted answers, all ids,
//! times, faults and outcomes are the same in every run; [`Deliveries::journal`] writes a text that can be compared.
//! Real durations, ports, and the order in which a consumer gets requests that are under way at the same time differ.
//!
//! # What reports tell
//!
//! A report of an expectation that is not met, and of a wait that saw too few deliveries, tells which deliveries came
//! near, with times and the beginning of the answer, what is in the queues and what is due next, which clock the server
//! has, and the last five calls of the API that were refused. It tells no tokens, and of URLs neither users nor queries.
//!
//! # Bounds
//!
//! The server keeps the newest 10,000 requests that it sent (or as many as
//! [`MockServerBuilder::capture`](crate::MockServerBuilder::capture) sets), with at most 64 MiB of bodies. A consumer
//! keeps the newest 10,000 requests, with at most 64 MiB of bodies. The oldest are forgotten first. At most 1,000
//! faults can be in force, with scripts of at most 10,000 entries; further ones are refused.

mod clock;
mod consumer;
mod deliveries;
mod delivery;
mod expect;
mod faults;
mod filter;
mod fixture;
mod journal;
mod scene;
mod seed;
mod snapshot;
mod tally;
mod too_few;
mod watch;

pub use clock::ServerClock;
pub use consumer::{Answer, Consumer, ConsumerBuilder, Received};
pub use deliveries::Deliveries;
pub use delivery::Delivery;
pub(crate) use expect::Judged;
pub(crate) use expect::Ledger;
pub use expect::{Expectation, Times, Unmet};
pub use faults::{Fault, FaultHandle, InvalidFault};
pub use fixture::{Fixture, FixtureError};
pub(crate) use scene::RefusedCalls;
pub(crate) use seed::Seed;
pub use snapshot::Snapshot;
pub use too_few::TooFew;
pub(crate) use watch::{Ended, Watch};

pub use crate::instruments::{FaultId, SignatureClock};
