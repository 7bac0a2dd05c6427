//! What storage remembers: one entity for each thing that changes on its own.

use std::sync::Arc;

use bytes::Bytes;

use crate::engine::command::{QueueSettings, QueueView};
use crate::engine::manage::dead_letters::DlqEntry;
use crate::engine::manage::flow_control::FlowKey;
use crate::engine::manage::log::LogRow;
use crate::engine::manage::schedules::Schedule;
use crate::engine::manage::url_groups::UrlGroup;
use crate::engine::model::id::{
    AccountName, BodyId, FlowKeyId, GroupName, MessageId, QueueId, QueueName, RowId, ScheduleId,
};
use crate::engine::model::message::Message;
use crate::engine::model::time::Timestamp;

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
    /// A URL group.
    UrlGroup(UrlGroup),
    /// A schedule.
    Schedule(Box<Schedule>),
    /// A flow-control key.
    FlowKey(FlowKey),
    /// A dead letter of an account.
    Dlq(Box<DlqEntry>),
    /// A row of the log.
    Log(Box<LogRow>),
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
    /// See [`Entity::UrlGroup`].
    UrlGroup(AccountName, GroupName),
    /// See [`Entity::Schedule`].
    Schedule(AccountName, ScheduleId),
    /// See [`Entity::FlowKey`].
    FlowKey(FlowKeyId),
    /// See [`Entity::Dlq`].
    Dlq(AccountName, RowId),
    /// See [`Entity::Log`].
    Log(AccountName, RowId),
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
            Self::UrlGroup(it) => EntityKey::UrlGroup(it.account.clone(), it.name.clone()),
            Self::Schedule(it) => EntityKey::Schedule(it.account.clone(), it.id.clone()),
            Self::FlowKey(it) => EntityKey::FlowKey(it.id.clone()),
            Self::Dlq(it) => EntityKey::Dlq(it.message.account.clone(), it.id),
            Self::Log(it) => EntityKey::Log(it.account.clone(), it.id),
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
    /// Signs every attempt of a message that carries its own rules.
    pub signing_key: Arc<str>,
    /// Its successor.
    pub next_signing_key: Arc<str>,
    /// How often the signing keys were rotated.
    pub key_rotations: u64,
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
    /// Made by the hosted protocol: counts for its quotas.
    pub hosted: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its settings were last changed.
    pub updated_at: Timestamp,
}

impl Queue {
    pub(crate) fn view(&self, pending: u64) -> QueueView {
        QueueView {
            name: self.name.clone(),
            settings: self.settings.clone(),
            created_at: self.created_at,
            updated_at: self.updated_at,
            pending,
        }
    }
}

/// How far an idempotency key reaches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DedupScope {
    /// One queue.
    Queue(QueueId),
    /// Everything that carries its own rules.
    Account(AccountName),
}

/// Names an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DedupKeyId {
    /// Where it is good.
    pub scope: DedupScope,
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
