//! Queues and their settings (v1.md section 3, v2.md section 2.7).

use std::sync::Arc;
use std::time::Duration;

use super::id::{AccountName, QueueId, QueueName};
use super::time::Timestamp;

/// A queue with its settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Queue {
    /// The queue's id.
    pub id: QueueId,
    /// The account that owns the queue.
    pub account: AccountName,
    /// The queue's name, unique in the account.
    pub name: QueueName,
    /// The queue's settings.
    pub settings: QueueSettings,
    /// Whether the queue counts towards the account's quota on queues.
    pub counts_for_quota: bool,
    /// When the queue was created.
    pub created_at: Timestamp,
    /// When the settings last changed.
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

/// A queue as callers see it.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueView {
    /// The queue's name.
    pub name: QueueName,
    /// The queue's settings.
    pub settings: QueueSettings,
    /// When the queue was created.
    pub created_at: Timestamp,
    /// When the settings last changed.
    pub updated_at: Timestamp,
    /// How many messages in the queue are not finished.
    pub pending: u64,
}

/// Settings to change. `None` leaves a setting as it is, `Some(None)` removes it.
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

impl QueuePatch {
    pub(crate) fn apply(self, settings: &mut QueueSettings) {
        fn set<T>(setting: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *setting = value;
            }
        }
        set(&mut settings.dead_letter_queue, self.dead_letter_queue);
        let webhook = self.webhook_url.map(|url| url.map(Into::into));
        set(&mut settings.webhook_url, webhook);
        set(&mut settings.max_retries, self.max_retries);
        set(&mut settings.retry_backoff, self.retry_backoff);
        set(&mut settings.visibility_timeout, self.visibility_timeout);
        set(&mut settings.delivery_timeout, self.delivery_timeout);
        set(&mut settings.parallelism, self.parallelism);
        set(&mut settings.on_accepted, self.on_accepted);
        set(&mut settings.paused, self.paused);
    }
}

/// A queue's settings (v1.md section 3).
#[derive(Clone, Debug, PartialEq)]
pub struct QueueSettings {
    /// The queue that takes messages which are out of retries.
    pub dead_letter_queue: Option<QueueName>,
    /// Where messages are pushed. Without it, messages wait until a consumer receives them.
    pub webhook_url: Option<Arc<str>>,
    /// How many attempts may follow the first one. When the last of them fails, the message moves to the dead-letter
    /// queue or fails.
    pub max_retries: u32,
    /// The wait before each retry of a push.
    pub retry_backoff: Backoff,
    /// How long the lease on a received or accepted message lasts.
    pub visibility_timeout: Duration,
    /// How long a push may wait for the answer.
    pub delivery_timeout: Duration,
    /// How many messages may be on their way at the same time: pushes in flight, and messages that carry their rules
    /// and hold a slot of the queue. With 1, delivery is strictly first-in first-out.
    pub parallelism: u32,
    /// What a 202 answer means.
    pub on_accepted: OnAccepted,
    /// Whether the queue accepts messages and hands out none.
    pub paused: bool,
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self {
            dead_letter_queue: None,
            webhook_url: None,
            max_retries: 3,
            retry_backoff: Backoff::Exponential {
                base: Duration::from_secs(1),
                factor: 2.0,
                max: Duration::from_secs(300),
                jitter: 0.0,
            },
            visibility_timeout: Duration::from_secs(30),
            delivery_timeout: Duration::from_secs(30),
            parallelism: 16,
            on_accepted: OnAccepted::Pending,
            paused: false,
        }
    }
}

/// The wait before a retry.
#[derive(Clone, Debug, PartialEq)]
pub enum Backoff {
    /// `base * factor^n` before retry `n` (from 0), at most `max`, then shortened at random by up to the fraction
    /// `jitter`.
    Exponential {
        /// The wait before the first retry.
        base: Duration,
        /// The factor by which each wait is longer than the one before.
        factor: f64,
        /// The longest wait.
        max: Duration,
        /// The largest fraction, from 0 to 1, by which a wait is shortened.
        jitter: f64,
    },
    /// The same wait before every retry.
    Fixed(Duration),
    /// One wait for each retry; the last one is used for all further retries.
    List(Arc<[Duration]>),
}

/// What the engine does with a message that a consumer accepted with a 202 answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnAccepted {
    /// The message stays pending under a lease until the consumer acknowledges it.
    Pending,
    /// The message is delivered.
    Done,
}

/// Commands on queues and on all messages of one.
#[derive(Clone, Debug, PartialEq)]
pub enum QueueAction {
    /// Create a queue, or change the given settings of an existing one. Answers `Reply::QueuePut`.
    Put(QueueName, Box<QueuePatch>),
    /// Create or change a queue within the account's quotas. Answers `Reply::Done`.
    Upsert {
        /// The queue's name.
        name: QueueName,
        /// See [`QueueSettings::parallelism`].
        parallelism: u32,
        /// Whether to pause the queue or to resume it.
        paused: bool,
    },
    /// Read one queue. Answers `Reply::Queue`.
    Get(QueueName),
    /// Read a page of queues, ordered by name. Answers `Reply::Queues`.
    List {
        /// Only queues whose name begins with this text.
        prefix: String,
        /// Only queues after this name.
        after: Option<String>,
        /// The most queues of the page.
        limit: usize,
    },
    /// Remove a queue and its messages. Answers `Reply::Removed`, perhaps after `Reply::Waiting`.
    Delete(QueueName),
    /// Pause or resume a queue. Answers `Reply::Queue`.
    SetPaused(QueueName, bool),
    /// Cancel all messages of a queue that are not finished. Answers `Reply::Removed`, perhaps after
    /// `Reply::Waiting`.
    Purge {
        /// The queue.
        queue: QueueName,
        /// Whether to forget the queue's deduplication keys, too. Without it, a publish with a key that was used before
        /// the purge is still a duplicate.
        forget_keys: bool,
    },
    /// Move dead letters out of a dead-letter queue. Answers `Reply::Redriven`, perhaps after `Reply::Waiting`.
    Redrive {
        /// The dead-letter queue.
        queue: QueueName,
        /// The queue that receives them; `None` sends each back to the queue in which it failed.
        to: Option<QueueName>,
        /// The most messages to move, the first published first; `None` means all.
        max_messages: Option<usize>,
    },
}

impl QueueAction {
    /// Whether the command changes nothing.
    pub(crate) const fn is_read(&self) -> bool {
        match self {
            Self::Get(_) | Self::List { .. } => true,
            Self::Put(..)
            | Self::Upsert { .. }
            | Self::Delete(_)
            | Self::SetPaused(..)
            | Self::Purge { .. }
            | Self::Redrive { .. } => false,
        }
    }
}
