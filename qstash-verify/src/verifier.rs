//! Keys in, a verdict out. No I/O.

use std::sync::Arc;

use http::HeaderMap;

use crate::{KeyError, SigningKey, VerifyError, hmac_hex};

/// Proves that a request came from QStash. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Verifier(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    keys: Vec<SigningKey>,
    body_limit: usize,
}

impl Verifier {
    /// A verifier to be configured.
    pub fn builder() -> VerifierBuilder {
        VerifierBuilder {
            keys: vec![],
            body_limit: 1 << 20,
            error: None,
        }
    }

    /// Checks the v1 signature of the raw body, exactly as it came over the wire.
    ///
    /// It proves origin and integrity, not freshness: consumers deduplicate by message id.
    ///
    /// # Errors
    /// The header is missing, repeated or malformed, or no key makes this signature.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), VerifyError> {
        let tag = hmac_hex::tag(headers)?;
        let matches = self.0.keys.iter().any(|key| key.verify(body, &tag));
        matches.then_some(()).ok_or(VerifyError::Mismatch)
    }

    /// The largest body that extractors read, in bytes.
    #[must_use]
    pub fn body_limit(&self) -> usize {
        self.0.body_limit
    }
}

/// Collects keys and limits; see [`Verifier::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until you `build` it"]
pub struct VerifierBuilder {
    keys: Vec<SigningKey>,
    body_limit: usize,
    error: Option<KeyError>,
}

impl VerifierBuilder {
    /// Accepts signatures made with this secret; call it again while secrets are rotated.
    pub fn secret(mut self, secret: impl AsRef<[u8]>) -> Self {
        match SigningKey::new(secret) {
            Ok(key) => self.keys.push(key),
            Err(error) => self.error = self.error.or(Some(error)),
        }
        self
    }

    /// The largest body that extractors read, in bytes. Default: 1 MiB.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// The verifier.
    ///
    /// # Errors
    /// A secret is too short, or there is none.
    pub fn build(self) -> Result<Verifier, KeyError> {
        match self.error {
            Some(error) => Err(error),
            None if self.keys.is_empty() => Err(KeyError::None),
            None => Ok(Verifier(Arc::new(Inner {
                keys: self.keys,
                body_limit: self.body_limit,
            }))),
        }
    }
}
