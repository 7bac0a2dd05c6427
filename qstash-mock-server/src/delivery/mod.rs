//! Delivery turns an attempt into a signed HTTP request, and the answer into an [`Outcome`](crate::engine::Outcome).
//!
//! 1. `route` gives the URL that the request goes to, `scope` decides whether its address is allowed.
//! 2. `request` makes the request: the body as published, the headers of v1.md section 5 or v2.md section 3.1. Pure.
//! 3. `sign` signs it; prepared keys are kept, because every attempt needs one.
//! 4. `send` sends it over pooled connections and reads the beginning of the answer. `connect` opens them, and `tls`
//!    protects those of https; `trust` has the settings, `certificates` checks certificates.
//! 5. `outcome` decides what the answer, or its absence, means; `retry_hint` reads the wait that it asks for. Pure.
//! 6. `faulty` is what the driver calls: it reports to the instruments what is sent, and carries out the faults of a
//!    test. `payload` is a body that can break off.
//!
//! Delivery knows no queues, retries or timeouts: the engine decides what follows from an outcome. When an attempt
//! reaches its timeout, the driver drops the future of its delivery. Only `send` reads a clock, for dates in answers.

#[cfg(feature = "tls-no-provider")]
mod certificates;
mod connect;
mod faulty;
mod outcome;
mod payload;
mod request;
mod retry_hint;
mod route;
mod scope;
mod send;
mod sign;
#[cfg(feature = "tls-no-provider")]
mod tls;
#[cfg(feature = "tls-no-provider")]
mod trust;

pub(crate) use self::faulty::FaultyTransport;
pub(crate) use self::payload::Payload;
pub(crate) use self::request::headers;
#[cfg(test)]
pub(crate) use self::request::tests::attempt as test_attempt;
pub use self::route::{Route, RouteError};
pub use self::scope::DeliveryScope;
pub(crate) use self::send::{Deliverer, Settings};
#[cfg(feature = "tls-no-provider")]
pub use self::trust::{RootCertificates, RootsError};
