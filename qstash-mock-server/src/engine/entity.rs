//! What storage remembers: one entity for each thing that changes on its own.

use std::sync::Arc;

use bytes::Bytes;

use super::command::{QueueSettings, QueueView};
use super::id::{AccountName, BodyId, MessageId, QueueId, QueueName};
use super::message::Message;
use super::time::Timestamp;

/// One stored thing. A new attempt rewrites a message, never its body.
#[derive(Clone, Debug, PartialEq)]
pub enum Entity {
    /// The engine itself.
    Meta(Meta),
    /// An account.
    Account(Account),
    /// A queue.
    Queue(Queue),
    /// What was published.
    Body(BodyId, Bytes),
    /// A message without its body.
    Message(Box<Message>),
    /// A remembered idempotency key.
    DedupKey(DedupKey),
}

/// Names an entity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntityKey {
    /// See [`Entity::Meta`].
    Meta,
    /// See [`Entity::Account`].
    Account(AccountName),
    /// See [`Entity::Queue`].
    Queue(QueueId),
    /// See [`Entity::Body`].
    Body(BodyId),
    /// See [`Entity::Message`].
    Message(MessageId),
    /// See [`Entity::DedupKey`].
    DedupKey(DedupKeyId),
}

impl Entity {
    /// The entity's name.
    #[must_use]
    pub fn key(&self) -> EntityKey {
        match self {
            Self::Meta(_) => EntityKey::Meta,
            Self::Account(account) => EntityKey::Account(account.name.clone()),
            Self::Queue(queue) => EntityKey::Queue(queue.id),
            Self::Body(id, _) => EntityKey::Body(*id),
            Self::Message(message) => EntityKey::Message(message.id),
            Self::DedupKey(key) => EntityKey::DedupKey(key.id.clone()),
        }
    }
}

/// What one input did to one entity.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// It is now so.
    Put(Entity),
    /// It is gone.
    Delete(EntityKey),
}

/// What the engine knows of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// How often state was restored; mixed into all randomness, so that no id comes twice.
    pub epoch: u64,
    /// At least the next sequence number.
    pub next_sequence: u64,
}

/// The owner of tokens, keys and all state.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: AccountName,
    /// Signs every v1 attempt.
    pub secret: Arc<str>,
    /// Signed before the last rotation.
    pub previous_secret: Option<Arc<str>>,
    /// How often it was rotated.
    pub rotations: u64,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A queue and its settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Queue {
    /// Its id.
    pub id: QueueId,
    /// Whose it is.
    pub account: AccountName,
    /// Its name, unique in the account.
    pub name: QueueName,
    /// Its settings.
    pub settings: QueueSettings,
}

impl Queue {
    pub(crate) fn view(&self) -> QueueView {
        QueueView {
            name: self.name.clone(),
            settings: self.settings.clone(),
        }
    }
}

/// Names an idempotency key: it is good for one queue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DedupKeyId {
    /// Where it is good.
    pub queue: QueueId,
    /// Its text.
    pub text: Arc<str>,
}

/// A remembered idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DedupKey {
    /// Its name.
    pub id: DedupKeyId,
    /// The first message that came with it.
    pub message: MessageId,
    /// When it is forgotten.
    pub expires_at: Timestamp,
}
