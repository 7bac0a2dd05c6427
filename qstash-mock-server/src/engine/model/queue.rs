//! Queues and their settings (v1.md section 3, v2.md section 2.7).

use std::sync::Arc;
use std::time::Duration;

use super::id::{AccountName, QueueId, QueueName};
use super::time::Timestamp;

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
    /// Whether it counts for the account's quota on queues.
    pub counts_for_quota: bool,
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

impl QueuePatch {
    pub(crate) fn apply(self, settings: &mut QueueSettings) {
        fn set<T>(place: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *place = value;
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

/// How long to wait before a retry.
#[derive(Clone, Debug, PartialEq)]
pub enum Backoff {
    /// `base * factor^retries`, at most `max`, less up to `jitter` of it at random.
    Exponential {
        /// Before the first retry.
        base: Duration,
        /// For each retry after it.
        factor: f64,
        /// Never longer.
        max: Duration,
        /// Up to this fraction is taken off, at random.
        jitter: f64,
    },
    /// Always the same.
    Fixed(Duration),
    /// One for each retry; the last one goes on.
    List(Arc<[Duration]>),
}

/// What it means that a consumer accepted a message without having processed it (a 202 answer).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnAccepted {
    /// It stays pending under a lease.
    Pending,
    /// It is done.
    Done,
}

/// What can be done with queues and with all that is in one.
#[derive(Clone, Debug)]
pub enum QueueAction {
    /// Make a queue or change the given settings of one. Answers `Reply::QueuePut`.
    Put(QueueName, Box<QueuePatch>),
    /// Make a queue or change it, within the quotas. Answers `Reply::Done`.
    Upsert {
        /// Its name.
        name: QueueName,
        /// How many messages it works on at once.
        parallelism: u32,
        /// Whether it is to be paused or resumed.
        paused: bool,
    },
    /// Answers `Reply::Queue`.
    Get(QueueName),
    /// Queues by name. Answers `Reply::Queues`.
    List {
        /// Only names that begin with this.
        prefix: String,
        /// Only names after this one.
        after: Option<String>,
        /// At most so many.
        limit: usize,
    },
    /// Remove a queue with its messages. Answers `Reply::Removed`, perhaps after `Reply::Waiting`.
    Delete(QueueName),
    /// Answers `Reply::Queue`.
    SetPaused(QueueName, bool),
    /// Cancel all messages that are not finished. Answers `Reply::Removed`, perhaps after `Reply::Waiting`.
    Purge(QueueName),
    /// Send dead letters back. Answers `Reply::Redriven`, perhaps after `Reply::Waiting`.
    Redrive {
        /// The queue that holds them.
        queue: QueueName,
        /// Where to; `None`: each to the queue it came from.
        to: Option<QueueName>,
        /// At most so many, those first that were published first.
        max_messages: Option<usize>,
    },
}

impl QueueAction {
    /// Whether it only looks.
    pub(crate) const fn is_read(&self) -> bool {
        match self {
            Self::Get(_) | Self::List { .. } => true,
            Self::Put(..)
            | Self::Upsert { .. }
            | Self::Delete(_)
            | Self::SetPaused(..)
            | Self::Purge(_)
            | Self::Redrive { .. } => false,
        }
    }
}
