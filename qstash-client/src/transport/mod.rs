//! How the client's requests leave. [`Transport`] is a trait of two methods, so that the client runs over any HTTP
//! client, and in tests over a fake with virtual time.
//!
//! [`Reqwest`] is the default (feature `reqwest`). Give another one to
//! [`ClientBuilder::transport`](crate::ClientBuilder::transport).

mod exchange;
#[cfg(feature = "reqwest")]
mod reqwest;
pub(crate) mod retry;
pub(crate) mod setup;
pub(crate) mod tries;

pub(crate) use self::exchange::Stage;
pub use self::exchange::{BoxFuture, Transport, TransportError};
#[cfg(feature = "reqwest")]
pub use self::reqwest::Reqwest;
