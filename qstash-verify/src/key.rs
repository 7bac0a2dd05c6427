//! A shared secret, ready for use.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::KeyError;

/// A shared secret for v1 signatures. `Debug` is redacted, and there is no way to read it back.
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    /// The shortest secret that is accepted, in bytes (v1.md section 5).
    pub const MIN_LEN: usize = 16;

    /// Prepares a secret: its text is not kept, only what HMAC derives from it.
    ///
    /// # Errors
    /// [`KeyError::TooShort`] if it has fewer than [`SigningKey::MIN_LEN`] bytes.
    pub fn new(secret: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let secret = secret.as_ref();
        if secret.len() < Self::MIN_LEN {
            return Err(KeyError::TooShort);
        }
        Hmac::new_from_slice(secret)
            .map(Self)
            .map_err(|_| KeyError::TooShort)
    }

    /// The signature of `body`: 64 lower-case hexadecimal digits of its HMAC-SHA256.
    ///
    /// ```
    /// let key = qstash_verify::SigningKey::new("a secret of our own")?;
    /// assert_eq!(key.sign(b"{}").len(), 64);
    /// # Ok::<(), qstash_verify::KeyError>(())
    /// ```
    #[must_use]
    pub fn sign(&self, body: &[u8]) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = String::with_capacity(64);
        for byte in self.tag(body) {
            text.push(char::from(DIGITS[usize::from(byte >> 4)]));
            text.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        text
    }

    /// Whether `tag` is the HMAC of `body`. Takes the same time wherever they differ.
    pub(crate) fn verify(&self, body: &[u8], tag: &[u8; 32]) -> bool {
        self.0.clone().chain_update(body).verify_slice(tag).is_ok()
    }

    fn tag(&self, body: &[u8]) -> [u8; 32] {
        self.0
            .clone()
            .chain_update(body)
            .finalize()
            .into_bytes()
            .into()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}
