#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "actix")]
pub mod actix;
#[cfg(feature = "axum")]
pub mod axum;
mod builder;
mod claims;
mod clock;
mod config_error;
mod delivery;
mod env;
mod error;
mod head;
mod hmac_hex;
pub mod idempotency;
pub mod jws;
mod jwt;
mod key;
mod keys;
mod keyset;
#[cfg(any(feature = "axum", feature = "tower"))]
mod receive;
mod reject;
mod rotation;
mod scheme;
mod sign;
mod slip;
mod spelling;
#[cfg(feature = "tower")]
pub mod tower;
mod url;
mod verifier;

pub use builder::VerifierBuilder;
pub use claims::Claims;
pub use clock::{Clock, SystemClock, Timestamp};
pub use config_error::{ConfigError, KeyError};
pub use delivery::{Delivery, OwnedDelivery};
pub use error::VerifyError;
pub use head::RequestHead;
pub use key::SigningKey;
pub use keys::Keys;
pub use keyset::{KeyName, KeyRole, Region};
pub use scheme::Scheme;
pub use sign::{NewToken, Signer};
pub use verifier::Verifier;
