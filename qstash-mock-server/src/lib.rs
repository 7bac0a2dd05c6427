#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod engine;

#[cfg(feature = "server")]
mod api;
#[cfg(feature = "server")]
mod connection;
#[cfg(feature = "server")]
mod delivery;
#[cfg(feature = "server")]
mod driver;
#[cfg(all(feature = "server", any(test, feature = "fuzzing")))]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "server")]
mod instruments;
#[cfg(feature = "server")]
mod percent;
#[cfg(feature = "program")]
mod program;
#[cfg(feature = "server")]
mod server;
#[cfg(feature = "server")]
pub mod storage;
#[cfg(feature = "server")]
pub mod testing;
#[cfg(feature = "server")]
mod text;

#[cfg(feature = "server")]
pub use api::{Origin, OriginError};
/// The former name of [`DeliveryScope`].
#[cfg(feature = "server")]
#[doc(hidden)]
pub use delivery::DeliveryScope as Reach;
#[cfg(feature = "server")]
pub use delivery::{DeliveryScope, Route, RouteError};
#[cfg(feature = "tls-no-provider")]
pub use delivery::{RootCertificates, RootsError};
#[cfg(feature = "server")]
pub use driver::{Advanced, ClockBusy, Due, ReplaceError};
#[cfg(feature = "program")]
pub use program::cli;
#[cfg(feature = "server")]
pub use server::{MockServer, MockServerBuilder, StartError};
