#![doc = include_str!("../README.md")]

#[cfg(feature = "axum")]
pub mod axum;
mod error;
mod hmac_hex;
pub mod jws;
mod key;
mod verifier;

pub use error::{KeyError, VerifyError};
pub use hmac_hex::SIGNATURE_HEADER;
pub use key::SigningKey;
pub use verifier::{Verifier, VerifierBuilder};
