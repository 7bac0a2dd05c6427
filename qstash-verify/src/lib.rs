#![doc = include_str!("../README.md")]

#[cfg(feature = "axum")]
pub mod axum;
mod clock;
mod error;
mod hmac_hex;
pub mod jws;
mod key;
mod scheme;
mod sign;
mod verifier;

pub use clock::{Clock, SystemClock, Timestamp};
pub use error::{KeyError, VerifyError};
pub use key::SigningKey;
pub use scheme::Scheme;
pub use sign::{NewToken, Signer};
pub use verifier::{Verifier, VerifierBuilder};
