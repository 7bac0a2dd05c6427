//! A shared secret, ready for use.

use std::fmt;

use hmac::digest::zeroize::ZeroizeOnDrop;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{KeyError, Scheme, slip};

/// A shared secret: one that makes v1 signatures, or a signing key (`sig_…`) that signs v2 tokens.
///
/// The key does not store the secret's text, only what HMAC derives from it, which is wiped from memory when the key is
/// dropped. `Debug` shows nothing of it, and there is no way to read the secret back. A clone copies what HMAC derived.
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

/// An HMAC is wiped because its two hashes are, which takes a feature of `sha2` as well as one of `hmac`. With
/// that state a signature can be made as well as with the key.
const _: fn() = || {
    fn is_wiped<T: ZeroizeOnDrop>() {}
    is_wiped::<Sha256>();
};

impl SigningKey {
    /// The shortest secret that is accepted, in bytes (v1.md section 5).
    pub const MIN_LEN: usize = 16;

    /// Prepares a secret. The bytes are taken as they are, including the prefix `sig_` of a v2 key.
    ///
    /// # Errors
    /// [`KeyError::Empty`] when the secret is empty, [`KeyError::TooShort`] when it has fewer than
    /// [`SigningKey::MIN_LEN`] bytes, and others when it is text that somebody gave by mistake: with a byte-order mark,
    /// with white space at an end, with a line end, in quotes, or an API token.
    pub fn new(secret: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let secret = secret.as_ref();
        if secret.is_empty() {
            return Err(KeyError::Empty);
        }
        slip::check(secret)?;
        if secret.len() < Self::MIN_LEN {
            return Err(KeyError::TooShort);
        }
        Ok(Self(mac(secret)))
    }

    /// Prepares a secret of a scheme: a v2 signing key that is text must start with `sig_`.
    pub(crate) fn of(scheme: Scheme, secret: &[u8]) -> Result<Self, KeyError> {
        let key = Self::new(secret)?;
        if scheme == Scheme::Jwt {
            slip::check_signing_key(secret)?;
        }
        Ok(key)
    }

    /// Returns the v1 signature of `body`: its HMAC-SHA256 in 64 lower-case hexadecimal digits.
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

    /// Whether `tag` is the HMAC of `message`. The comparison takes the same time wherever the two differ.
    pub(crate) fn verify(&self, message: &[u8], tag: &[u8; 32]) -> bool {
        self.0
            .clone()
            .chain_update(message)
            .verify(tag.into())
            .is_ok()
    }

    /// Returns the HMAC-SHA256 of `message`.
    pub(crate) fn tag(&self, message: &[u8]) -> [u8; 32] {
        self.0
            .clone()
            .chain_update(message)
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

/// Starts an HMAC-SHA256 under a key of any length.
pub(crate) fn mac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}
