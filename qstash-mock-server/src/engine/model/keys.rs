//! The account's secrets: one for queues' webhooks, a pair of keys for messages that carry their rules.

use std::fmt;
use std::sync::Arc;

use super::id::AccountName;

/// What can be done with an account's secrets.
#[derive(Clone, Copy, Debug)]
pub enum KeyAction {
    /// Answers `Reply::SigningSecret`.
    Secret,
    /// Put a fresh signing secret in force. Answers `Reply::SigningSecret`.
    RotateSecret,
    /// Answers `Reply::SigningKeys`.
    Keys,
    /// The next key becomes the current one, and a fresh one the next. Answers `Reply::SigningKeys`.
    RotateKeys,
}

impl KeyAction {
    /// Whether it only looks.
    pub(crate) const fn is_read(&self) -> bool {
        match self {
            Self::Secret | Self::Keys => true,
            Self::RotateSecret | Self::RotateKeys => false,
        }
    }
}

/// The account's shared secrets, which sign what its queues push. Not `Display`; `Debug` is redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret {
    /// Signs every attempt from now on.
    pub current: Arc<str>,
    /// Signed before the last rotation.
    pub previous: Option<Arc<str>>,
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(..)")
    }
}

/// The account's signing keys for messages that carry their rules. `Debug` is redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKeys {
    /// Signs every attempt from now on.
    pub current: Arc<str>,
    /// Becomes the current one with the next rotation.
    pub next: Arc<str>,
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKeys(..)")
    }
}

/// The owner of tokens, keys and all state.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: AccountName,
    /// Signs every attempt of a message that follows its queue's rules.
    pub secret: Arc<str>,
    /// Signed before the last rotation.
    pub previous_secret: Option<Arc<str>>,
    /// How often it was rotated.
    pub rotations: u64,
    /// Signs every attempt of a message that carries its rules.
    pub signing_key: Arc<str>,
    /// Its successor.
    pub next_signing_key: Arc<str>,
    /// How often the signing keys were rotated.
    pub key_rotations: u64,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
