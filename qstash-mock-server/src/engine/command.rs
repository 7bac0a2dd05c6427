//! Everything that can be asked of the engine, and everything it can answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::engine::config::Backoff;
use crate::engine::error::Error;
use crate::engine::manage::cancel::Selection;
use crate::engine::manage::dead_letters::{DlqAction, DlqView};
use crate::engine::manage::flow_control::{FlowAction, FlowKeyView};
use crate::engine::manage::log::{LogQuery, LogRow};
use crate::engine::manage::schedules::{Schedule, ScheduleAction};
use crate::engine::manage::url_groups::{UrlGroup, UrlGroupAction};
use crate::engine::model::caller::Caller;
use crate::engine::model::carried_rules::CarriedRules;
use crate::engine::model::id::{LeaseId, MessageId, QueueName, RowId, ScheduleId, WaiterId};
use crate::engine::model::message::{AttemptRecord, DeadLetter, Message, Stage};
use crate::engine::model::metrics::Metrics;
use crate::engine::model::time::Timestamp;
use crate::engine::publish::destination::{Send, Sent, SentTo};

/// What a caller wants, and who it is.
#[derive(Clone, Debug)]
pub struct Command {
    /// On whose behalf.
    pub caller: Arc<Caller>,
    /// What to do.
    pub action: Action,
}

/// What to do.
#[derive(Clone, Debug)]
pub enum Action {
    /// Store one message. Answers [`Reply::Published`].
    Publish(Publish),
    /// Store many; one that is refused does not stop the others. Answers [`Reply::Batch`].
    PublishBatch(Vec<Publish>),
    /// Make a queue or change the given settings of one. Answers [`Reply::QueuePut`].
    PutQueue(QueueName, QueuePatch),
    /// Answers [`Reply::Queue`].
    GetQueue(QueueName),
    /// Queues by name. Answers [`Reply::Queues`].
    ListQueues {
        /// Only names that begin with this.
        prefix: String,
        /// Only names after this one.
        after: Option<String>,
        /// At most so many.
        limit: usize,
    },
    /// Remove a queue with its messages. Answers [`Reply::Removed`].
    DeleteQueue(QueueName),
    /// Answers [`Reply::Queue`].
    SetPaused(QueueName, bool),
    /// Remove all messages that are not finished. Answers [`Reply::Removed`], perhaps after [`Reply::Waiting`].
    Purge(QueueName),
    /// Hand out messages under a lease. Answers [`Reply::Received`], perhaps after [`Reply::Waiting`].
    Receive(Receive),
    /// Hide a message for a duration from now. Answers [`Reply::Extended`].
    Extend(MessageId, Option<LeaseId>, Duration),
    /// The work is done. Answers [`Reply::Message`].
    Acknowledge(MessageId, Option<LeaseId>),
    /// The work is not done; visible again after the delay. Answers [`Reply::Message`].
    Release(MessageId, Option<LeaseId>, Duration),
    /// Answers [`Reply::Message`].
    GetMessage(MessageId),
    /// Answers [`Reply::Cancelled`].
    CancelMessage(MessageId),
    /// Look without leasing. Answers [`Reply::Messages`].
    ListMessages {
        /// Where to look.
        queue: QueueName,
        /// Only messages in this state.
        state: Option<Stage>,
        /// Only messages after this sequence.
        after: Option<u64>,
        /// At most so many.
        limit: usize,
    },
    /// Send dead letters back. Answers [`Reply::Redriven`], perhaps after [`Reply::Waiting`].
    Redrive {
        /// The queue that holds them.
        queue: QueueName,
        /// Where to; `None`: each to the queue it came from.
        to: Option<QueueName>,
        /// At most so many, oldest first.
        max_messages: Option<usize>,
    },
    /// Answers [`Reply::Metrics`].
    Metrics,
    /// Answers [`Reply::SigningSecret`].
    SigningSecret,
    /// Put a fresh signing secret in force. Answers [`Reply::SigningSecret`].
    RotateSigningSecret,
    /// The caller that waits is gone. Answers [`Reply::Abandoned`].
    Abandon {
        /// Who waited.
        waiter: WaiterId,
        /// What was handed to it but never arrived: goes back, and no attempt is counted.
        handed: Vec<(MessageId, LeaseId)>,
    },
    /// Store one message that carries its own rules. Answers [`Reply::Sent`].
    Send(Box<Send>),
    /// Store many; one that is refused does not stop the others. Answers [`Reply::SentBatch`].
    SendBatch(Vec<Send>),
    /// A message that carries its own rules, until shortly after it was delivered. Answers [`Reply::CarriedRules`].
    GetCarried(MessageId),
    /// Answers [`Reply::Removed`] with 1.
    CancelCarried(MessageId),
    /// Answers [`Reply::Removed`], perhaps after [`Reply::Waiting`].
    CancelMany(Selection),
    /// Make a queue or change it, within the quotas. Answers [`Reply::Done`].
    UpsertQueue {
        /// Its name.
        name: QueueName,
        /// How many messages it works on at once.
        parallelism: u32,
        /// Whether it is to be paused or resumed.
        paused: bool,
    },
    /// See [`DlqAction`].
    Dlq(DlqAction),
    /// Answers [`Reply::Log`].
    Log(LogQuery),
    /// See [`UrlGroupAction`].
    UrlGroups(UrlGroupAction),
    /// See [`ScheduleAction`].
    Schedules(ScheduleAction),
    /// See [`FlowAction`].
    FlowControl(FlowAction),
    /// Answers [`Reply::GlobalParallelism`].
    GlobalParallelism,
    /// Answers [`Reply::SigningKeys`].
    SigningKeys,
    /// The next key becomes the current one, and a fresh one the next. Answers [`Reply::SigningKeys`].
    RotateSigningKeys,
}

impl Action {
    /// Whether it only looks.
    #[must_use]
    pub const fn is_read(&self) -> bool {
        matches!(
            self,
            Self::GetQueue(_)
                | Self::ListQueues { .. }
                | Self::GetMessage(_)
                | Self::ListMessages { .. }
                | Self::Metrics
                | Self::SigningSecret
                | Self::GetCarried(_)
                | Self::Dlq(DlqAction::List(_) | DlqAction::Get(_))
                | Self::Log(_)
                | Self::UrlGroups(
                    UrlGroupAction::List | UrlGroupAction::Get(_) | UrlGroupAction::GetToSend(..)
                )
                | Self::Schedules(ScheduleAction::List | ScheduleAction::Get(_))
                | Self::FlowControl(FlowAction::List(_) | FlowAction::Get(_))
                | Self::GlobalParallelism
                | Self::SigningKeys
                | Self::Abandon { .. }
        )
    }
}

/// A message to be stored.
#[derive(Clone, Debug)]
pub struct Publish {
    /// Where to; made if absent.
    pub queue: QueueName,
    /// The bytes to deliver, unchanged.
    pub body: Bytes,
    /// Invisible for so long.
    pub delay: Duration,
    /// Names the logical operation: a second publish with it inside the window stores nothing.
    pub idempotency_key: Option<String>,
    /// Instead of the queue's own setting.
    pub max_retries: Option<u32>,
    /// Sent along with the webhook.
    pub headers: Headers,
}

/// The publisher's headers, shared by message, attempts and storage.
pub type Headers = Arc<[(String, String)]>;

/// Settings to change; `None` leaves one as it is, `Some(None)` takes one away.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueuePatch {
    /// See [`QueueSettings::dead_letter_queue`].
    pub dead_letter_queue: Option<Option<QueueName>>,
    /// See [`QueueSettings::webhook_url`].
    pub webhook_url: Option<Option<String>>,
    /// See [`QueueSettings::max_retries`].
    pub max_retries: Option<u32>,
    /// See [`QueueSettings::retry_backoff`].
    pub retry_backoff: Option<Backoff>,
    /// See [`QueueSettings::visibility_timeout`].
    pub visibility_timeout: Option<Duration>,
    /// See [`QueueSettings::delivery_timeout`].
    pub delivery_timeout: Option<Duration>,
    /// See [`QueueSettings::parallelism`].
    pub parallelism: Option<u32>,
    /// See [`QueueSettings::on_accepted`].
    pub on_accepted: Option<OnAccepted>,
    /// See [`QueueSettings::paused`].
    pub paused: Option<bool>,
}

/// A queue's settings (v1.md section 3).
#[derive(Clone, Debug, PartialEq)]
pub struct QueueSettings {
    /// Takes messages which ran out of retries.
    pub dead_letter_queue: Option<QueueName>,
    /// Set: each message is pushed there. Not set: messages wait to be received.
    pub webhook_url: Option<Arc<str>>,
    /// Failed deliveries after the first before a message is dead-lettered.
    pub max_retries: u32,
    /// How long to wait before each retry of a push.
    pub retry_backoff: Backoff,
    /// How long a received or accepted message stays hidden.
    pub visibility_timeout: Duration,
    /// How long a webhook may take to answer.
    pub delivery_timeout: Duration,
    /// Webhook calls in flight at once; 1 is strictly first-in first-out.
    pub parallelism: u32,
    /// What an "accepted" answer means.
    pub on_accepted: OnAccepted,
    /// Accepts messages, hands out none.
    pub paused: bool,
}

/// What it means that a consumer accepted a message without having processed it (a 202 answer).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnAccepted {
    /// It stays pending under a lease.
    Pending,
    /// It is done.
    Done,
}

/// A request for messages.
#[derive(Clone, Debug)]
pub struct Receive {
    /// Where from.
    pub queue: QueueName,
    /// At most so many.
    pub max_messages: usize,
    /// How long to wait for the first one; zero answers at once.
    pub wait: Duration,
    /// Instead of the queue's own setting.
    pub visibility_timeout: Option<Duration>,
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// See [`Action::Publish`].
    Published(Published),
    /// See [`Action::PublishBatch`].
    Batch(Vec<Result<Published, Error>>),
    /// See [`Action::PutQueue`].
    QueuePut {
        /// Whether the queue is new.
        created: bool,
        /// As it now is.
        queue: QueueView,
    },
    /// One queue.
    Queue(QueueView),
    /// See [`Action::ListQueues`].
    Queues {
        /// By name.
        queues: Vec<QueueView>,
        /// Whether there are more after the last one.
        more: bool,
    },
    /// So many messages were removed.
    Removed(usize),
    /// See [`Action::Receive`].
    Received(Vec<Received>),
    /// The answer comes later, as an effect with this id.
    Waiting(WaiterId),
    /// See [`Action::Extend`].
    Extended {
        /// Which message.
        id: MessageId,
        /// Until when it is hidden.
        expires_at: Timestamp,
    },
    /// One message.
    Message(MessageView),
    /// See [`Action::CancelMessage`].
    Cancelled {
        /// Which message.
        id: MessageId,
        /// False if it was finished already.
        cancelled: bool,
    },
    /// See [`Action::ListMessages`].
    Messages {
        /// By sequence.
        messages: Vec<MessageView>,
        /// Where to go on, if the end was not reached. A page may be short, even empty, and still have one.
        next: Option<u64>,
    },
    /// See [`Action::Redrive`].
    Redriven(usize),
    /// See [`Action::Metrics`].
    Metrics(Box<Metrics>),
    /// See [`Action::SigningSecret`].
    SigningSecret(SigningSecret),
    /// See [`Action::Abandon`].
    Abandoned,
    /// It is done, and there is nothing to tell.
    Done,
    /// See [`Action::Send`].
    Sent(Sent),
    /// See [`Action::SendBatch`].
    SentBatch(Vec<Result<Sent, Error>>),
    /// See [`Action::GetCarried`].
    CarriedRules(Box<MessageWithBody>),
    /// See [`DlqAction::List`].
    Dlq {
        /// In the order asked for.
        entries: Vec<DlqView>,
        /// Where to go on.
        next: Option<RowId>,
    },
    /// See [`DlqAction::Get`].
    DlqEntry(Box<DlqView>),
    /// See [`DlqAction::DeleteMany`].
    DlqDeleted {
        /// So many were there.
        deleted: usize,
        /// Where to go on.
        next: Option<RowId>,
    },
    /// See [`DlqAction::RetryMany`].
    DlqRetried {
        /// The fresh messages.
        sent: Vec<SentTo>,
        /// Where to go on.
        next: Option<RowId>,
    },
    /// See [`Action::Log`].
    Log {
        /// In the order asked for.
        rows: Vec<LogRow>,
        /// Where to go on.
        next: Option<RowId>,
    },
    /// See [`UrlGroupAction::Get`].
    UrlGroup(Box<UrlGroup>),
    /// See [`UrlGroupAction::List`].
    UrlGroups(Vec<UrlGroup>),
    /// See [`ScheduleAction::Put`].
    ScheduleId(ScheduleId),
    /// See [`ScheduleAction::List`].
    Schedules(Vec<Schedule>),
    /// See [`FlowAction::List`].
    FlowKeys(Vec<FlowKeyView>),
    /// Deliveries of the account.
    GlobalParallelism {
        /// At most so many at once; `None`: no limit.
        max: Option<u64>,
        /// Under way.
        count: u32,
    },
    /// See [`Action::SigningKeys`].
    SigningKeys(SigningKeys),
}

/// A message that carries its own rules, with its body.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageWithBody {
    /// The message.
    pub message: Message,
    /// What was published.
    pub body: Bytes,
}

/// What became of a publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// The new message, or the first one with the same key.
    pub id: MessageId,
    /// Whether it was the first one's id.
    pub deduplicated: bool,
}

/// A queue as callers see it.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueView {
    /// Its name.
    pub name: QueueName,
    /// Its settings.
    pub settings: QueueSettings,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its settings were last changed.
    pub updated_at: Timestamp,
    /// Messages in it that are not finished.
    pub pending: u64,
}

/// A message handed out under a lease.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// The message's id.
    pub id: MessageId,
    /// The queue it is in.
    pub queue: QueueName,
    /// The bytes that were published.
    pub body: Bytes,
    /// 1 for the first time it is handed out.
    pub attempt: u32,
    /// The hold on it.
    pub lease: LeaseId,
    /// When the hold ends.
    pub expires_at: Timestamp,
    /// When it was published.
    pub published_at: Timestamp,
    /// Why it is a dead letter, if it is one.
    pub dead_letter: Option<DeadLetter>,
}

/// A message as callers see it without taking it.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageView {
    /// Its id.
    pub id: MessageId,
    /// Its order among all messages; the cursor of lists.
    pub sequence: u64,
    /// The queue it is in, if it is in one.
    pub queue: Option<QueueName>,
    /// What it carries, if it carries its own rules.
    pub carried: Option<Arc<CarriedRules>>,
    /// Its state.
    pub stage: Stage,
    /// The bytes that were published; gone once it is finished.
    pub body: Option<Bytes>,
    /// When it was published.
    pub published_at: Timestamp,
    /// When it becomes due, its lease ends or its attempt times out.
    pub next_at: Option<Timestamp>,
    /// When it was finished.
    pub finished_at: Option<Timestamp>,
    /// Attempts made in this queue.
    pub attempts: u32,
    /// The newest attempts, oldest first, with those of earlier queues.
    pub history: Arc<[AttemptRecord]>,
    /// Why it is a dead letter, if it is one.
    pub dead_letter: Option<DeadLetter>,
    /// The publisher's headers.
    pub headers: Headers,
}

/// The account's shared secrets for v1 signatures. Not `Display`; `Debug` is redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret {
    /// Signs every attempt from now on.
    pub current: Arc<str>,
    /// Signed before the last rotation.
    pub previous: Option<Arc<str>>,
}

impl std::fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningSecret(..)")
    }
}

/// The account's signing keys of the hosted protocol. `Debug` is redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKeys {
    /// Signs every attempt from now on.
    pub current: Arc<str>,
    /// Becomes the current one with the next rotation.
    pub next: Arc<str>,
}

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKeys(..)")
    }
}
