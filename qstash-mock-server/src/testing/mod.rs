//! What a test holds in its hand: time, deliveries, consumers, expectations, faults, state.
//!
//! Everything begins at the [`MockServer`](crate::MockServer):
//!
//! | to | use |
//! |---|---|
//! | move time | `advance`, `advance_to`, `advance_to_next`, `settle`; `auto_clock` skips idle time |
//! | have somebody to deliver to | `consumer()`: answers by a script, records, verifies signatures |
//! | look at what was delivered | `deliveries()`: [`Deliveries`], each a [`Delivery`] |
//! | say what must happen | `expect()`: [`Expectation`], judged by `verify()` |
//! | break things | `inject()`: [`Fault`] |
//! | begin anew, or from somewhere | `reset()`, `snapshot()`, `restore()`, `load()`: [`Fixture`] |
//! | verify in the same time | `clock()`: a clock that `qstash-verify` takes |
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
//! The engine knows nothing of all this. The driver and the delivery tell the server's `instruments` what they do, and
//! meet there the faults that a test has set; this module reads the instruments and calls the driver. An attempt counts
//! as over only once the engine has its outcome, so that a test that saw a delivery also sees what it led to.
//!
//! # What is the same in every run
//!
//! With the same seed, on a manual clock, with the same calls in the same order and consumers that answer
//! by script, all ids, times, faults and outcomes are the same; [`Deliveries::journal`] is a text to
//! compare. Real durations, ports, and the order in which a consumer sees requests that are under way
//! together are not.
//!
//! # Bounds
//!
//! Captured attempts: 10,000 or as set, and 64 MiB of published bodies. A consumer keeps as much. Faults:
//! 1,000, with scripts of 10,000 entries. Over a bound the oldest are forgotten; faults are refused.

mod clock;
mod consumer;
mod deliveries;
mod delivery;
mod expect;
mod faults;
mod fixture;
mod journal;
mod seed;
mod snapshot;
mod tally;
mod watch;

pub use clock::ServerClock;
pub use consumer::{Answer, Consumer, ConsumerBuilder, Received};
pub use deliveries::{Deliveries, TooFew};
pub use delivery::Delivery;
pub(crate) use expect::Ledger;
pub use expect::{Expectation, Times, Unmet};
pub use faults::{Fault, FaultHandle, InvalidFault};
pub use fixture::{Fixture, FixtureError};
pub(crate) use seed::Seed;
pub use snapshot::Snapshot;
pub(crate) use watch::Watch;

pub use crate::instruments::{FaultId, SignatureClock};
