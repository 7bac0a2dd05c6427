//! What randomness begins with, and the keys that are made of it.
//!
//! A seed leaves this file only as a [`Key`], and a key only as digests. SHA-256 leads back from neither, so
//! nobody who sees ids learns the key, and nobody who learns a key learns the seed.

use std::fmt;

use sha2::{Digest, Sha256};

/// What the randomness of an engine begins with. Nothing prints it and nothing reads it back.
#[derive(Clone)]
pub struct Seed([u8; 32]);

impl Seed {
    /// A seed of 32 bytes, normally from the operating system.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A number for a use outside the engine, which `label` names. The seed does not follow from it.
    #[must_use]
    pub fn number(&self, label: &str) -> u64 {
        self.key(&format!("number for {label}"), 0).number(&[])
    }

    /// The key of one use and one epoch. Nothing else reads the seed.
    pub(super) fn key(&self, label: &str, epoch: u64) -> Key {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(epoch.to_le_bytes());
        hash.update(label.as_bytes());
        Key(Sha256::new_with_prefix(hash.finalize()))
    }
}

/// A small seed, for what is to be repeated.
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

/// A keyed pseudo-random function: without the key nobody can tell its outputs from dice. It is a hash that
/// has the key's 32 bytes behind it.
#[derive(Clone)]
pub(super) struct Key(Sha256);

impl Key {
    /// The output for `input`. All inputs of one key have the same length or begin with it, so that no
    /// output is the intermediate state of another one.
    pub(super) fn digest(&self, input: &[u8]) -> [u8; 32] {
        self.0.clone().chain_update(input).finalize().into()
    }

    /// 64 bits of the output.
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
