//! What storage remembers: one entity for each value that changes independently of the others.

use std::sync::Arc;

use super::dead_letter::ListedDeadLetter;
use super::flow_key::FlowKey;
use super::id::{AccountName, BodyId, FlowKeyId, GroupName, MessageId, QueueId, RowId, ScheduleId};
use super::keys::Account;
use super::log_row::LogRow;
use super::message::{AttemptRecord, DeadLetter, MessageState, Sequence};
use super::queue::Queue;
use super::schedule::Schedule;
use super::spec::MessageSpec;
use super::time::Timestamp;
use super::url_group::UrlGroup;

/// One stored value.
#[derive(Clone, Debug, PartialEq)]
pub enum Entity {
    /// The engine's counters.
    Meta(Meta),
    /// An account.
    Account(Account),
    /// How many messages an account has published in a day.
    Day(DayCounter),
    /// A queue.
    Queue(Queue),
    /// The body store keeps the bytes of a body under this id.
    Body(BodyId),
    /// What a publisher asked for, for one endpoint.
    Spec(Box<MessageSpec>),
    /// How far a message has come.
    State(Sequence, MessageState),
    /// How an attempt of a message ended. The number is [`MessageState::leases`] at the time of the attempt.
    Record(Sequence, u32, AttemptRecord),
    /// The beginning of a consumer's newest answer to a message that follows its queue's rules.
    Answer(Sequence, bytes::Bytes),
    /// Why a message is in a dead-letter queue.
    DeadLetter(Sequence, Box<DeadLetter>),
    /// A remembered deduplication key.
    DedupKey(DedupKey),
    /// A URL group.
    UrlGroup(Box<UrlGroup>),
    /// A schedule.
    Schedule(Box<Schedule>),
    /// A flow-control key.
    FlowKey(FlowKey),
    /// A dead letter in the account's dead-letter list.
    Listed(Box<ListedDeadLetter>),
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
    /// See [`Entity::Day`].
    Day(AccountName),
    /// See [`Entity::Queue`].
    Queue(QueueId),
    /// See [`Entity::Body`].
    Body(BodyId),
    /// See [`Entity::Spec`].
    Spec(Sequence),
    /// See [`Entity::State`].
    State(Sequence),
    /// See [`Entity::Record`].
    Record(Sequence, u32),
    /// See [`Entity::Answer`].
    Answer(Sequence),
    /// See [`Entity::DeadLetter`].
    DeadLetter(Sequence),
    /// See [`Entity::DedupKey`].
    DedupKey(DedupKeyId),
    /// See [`Entity::UrlGroup`].
    UrlGroup(AccountName, GroupName),
    /// See [`Entity::Schedule`].
    Schedule(AccountName, ScheduleId),
    /// See [`Entity::FlowKey`].
    FlowKey(FlowKeyId),
    /// See [`Entity::Listed`].
    Listed(AccountName, RowId),
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
            Self::Day(day) => EntityKey::Day(day.account.clone()),
            Self::Queue(queue) => EntityKey::Queue(queue.id),
            Self::Body(id) => EntityKey::Body(*id),
            Self::Spec(spec) => EntityKey::Spec(spec.sequence),
            Self::State(sequence, _) => EntityKey::State(*sequence),
            Self::Record(sequence, number, _) => EntityKey::Record(*sequence, *number),
            Self::Answer(sequence, _) => EntityKey::Answer(*sequence),
            Self::DeadLetter(sequence, _) => EntityKey::DeadLetter(*sequence),
            Self::DedupKey(key) => EntityKey::DedupKey(key.id.clone()),
            Self::UrlGroup(it) => EntityKey::UrlGroup(it.account.clone(), it.name.clone()),
            Self::Schedule(it) => EntityKey::Schedule(it.account.clone(), it.id.clone()),
            Self::FlowKey(it) => EntityKey::FlowKey(it.id.clone()),
            Self::Listed(it) => EntityKey::Listed(it.account.clone(), it.id),
            Self::Log(it) => EntityKey::Log(it.account.clone(), it.id),
        }
    }
}

/// What one input of the engine did to one entity.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The entity now has this value.
    Put(Entity),
    /// The entity is deleted.
    Delete(EntityKey),
}

/// The counters from which the engine makes ids and numbers. They are stored once for many numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// How often the state was restored. It is mixed into all randomness, so no id occurs twice.
    pub epoch: u64,
    /// A number above all sequence numbers given so far.
    pub next_sequence: u64,
    /// A number above all numbers of bodies given so far.
    pub next_body: u64,
    /// A number above all numbers of rows given so far.
    pub next_row: u64,
}

impl Meta {
    /// The counters of an engine that stores nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            epoch: 0,
            next_sequence: 1,
            next_body: 1,
            next_row: 1,
        }
    }
}

impl Default for Meta {
    fn default() -> Self {
        Self::new()
    }
}

/// How many messages an account has published in a day (v2.md section 1.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayCounter {
    /// The account that published them.
    pub account: AccountName,
    /// The day in UTC, as days since the Unix epoch.
    pub day: u64,
    /// How many messages.
    pub messages: u64,
}

/// Among which publishes a deduplication key is compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DedupScope {
    /// Publishes to one queue, whose rules the messages follow.
    Queue(QueueId),
    /// Publishes of messages of the account that carry their rules.
    Account(AccountName),
    /// The creation of schedules of the account.
    Schedules(AccountName),
}

/// Names a deduplication key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DedupKeyId {
    /// Among which publishes the key is compared.
    pub scope: DedupScope,
    /// The key's text.
    pub text: Arc<str>,
}

/// What was made with a deduplication key first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FirstWithKey {
    /// The first message that was published with the key.
    Message(MessageId),
    /// The first schedule that was created with the key.
    Schedule(ScheduleId),
}

/// A remembered deduplication key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DedupKey {
    /// The key's scope and text.
    pub id: DedupKeyId,
    /// What was made with the key first.
    pub first: FirstWithKey,
    /// When the key is forgotten.
    pub expires_at: Timestamp,
}
