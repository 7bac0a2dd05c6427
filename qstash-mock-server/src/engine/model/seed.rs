//! Seeds, and the keys that derive from them.
//!
//! A seed leaves this file only as a [`Key`], and a key only as digests. SHA-256 cannot be reversed, so nobody who
//! sees ids learns the key, and nobody who learns a key learns the seed.

use std::fmt;

use sha2::{Digest, Sha256};

/// The value from which all randomness of an engine derives. `Debug` does not show it, and no method returns it.
#[derive(Clone)]
pub struct Seed([u8; 32]);

impl Seed {
    /// A seed of 32 bytes, normally from the operating system.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A number that derives from the seed, for the use outside the engine that `label` names. Nobody can compute the
    /// seed from it.
    #[must_use]
    pub fn number(&self, label: &str) -> u64 {
        self.key(&format!("number for {label}"), 0).number(&[])
    }

    /// The key for one use in one epoch. No other function reads the seed.
    pub(super) fn key(&self, label: &str, epoch: u64) -> Key {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(epoch.to_le_bytes());
        hash.update(label.as_bytes());
        Key(Sha256::new_with_prefix(hash.finalize()))
    }
}

/// A seed from a number, for runs that are to be repeated. Secrets that derive from it can be guessed.
impl From<u64> for Seed {
    fn from(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self(bytes)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// A keyed pseudo-random function: nobody without the key can tell its outputs from random ones. It is a SHA-256
/// state that has already hashed the 32 bytes of the key.
#[derive(Clone)]
pub(super) struct Key(Sha256);

impl Key {
    /// The output for `input`. All inputs of one key have the same length or begin with their length, so that no
    /// output is an intermediate state of another one.
    pub(super) fn digest(&self, input: &[u8]) -> [u8; 32] {
        self.0.clone().chain_update(input).finalize().into()
    }

    /// The first 64 bits of the output for `input`.
    pub(super) fn number(&self, input: &[u8]) -> u64 {
        let mut word = [0; 8];
        word.copy_from_slice(&self.digest(input)[..8]);
        u64::from_le_bytes(word)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}
