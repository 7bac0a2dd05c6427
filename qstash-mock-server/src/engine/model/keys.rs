//! An account's secrets: one signs the pushes of queues, a pair of keys signs messages that carry their rules.

use std::fmt;
use std::sync::Arc;

use super::id::AccountName;

/// Commands on an account's secrets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum KeyAction {
    /// Read the signing secret. Answers `Reply::SigningSecret`.
    Secret,
    /// Replace the signing secret by a new one. Answers `Reply::SigningSecret`.
    RotateSecret,
    /// Read the signing keys. Answers `Reply::SigningKeys`.
    Keys,
    /// Make the next key the current one and a new key the next one. Answers `Reply::SigningKeys`.
    RotateKeys,
}

impl KeyAction {
    /// Whether the command changes nothing.
    pub(crate) const fn is_read(&self) -> bool {
        match self {
            Self::Secret | Self::Keys => true,
            Self::RotateSecret | Self::RotateKeys => false,
        }
    }
}

/// The account's shared secrets, which sign the pushes of its queues. `Debug` does not show them.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret {
    /// The secret that signs attempts.
    pub current: Arc<str>,
    /// The secret that signed attempts before the last rotation.
    pub previous: Option<Arc<str>>,
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(..)")
    }
}

/// The account's keys, which sign messages that carry their rules. `Debug` does not show them.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKeys {
    /// The key that signs attempts.
    pub current: Arc<str>,
    /// The key that becomes the current one with the next rotation.
    pub next: Arc<str>,
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKeys(..)")
    }
}

/// An account, the owner of tokens, keys and all state. `Debug` shows its name alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// The account's name.
    pub name: AccountName,
    /// The secret that signs messages which follow their queue's rules.
    pub secret: Arc<str>,
    /// The secret that signed them before the last rotation.
    pub previous_secret: Option<Arc<str>>,
    /// How often the secret was rotated.
    pub rotations: u64,
    /// The key that signs messages which carry their rules.
    pub signing_key: Arc<str>,
    /// The key that becomes the current one with the next rotation.
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
