//! What a plan allows. quotas limit what carries its rules and count what it made
//! (v2.md section 7); nothing else knows of them.

use std::time::Duration;

/// What a plan limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaKind {
    /// Bytes of a message's body.
    MessageSize,
    /// Retries of a message.
    Retries,
    /// How far in the future a message may be due.
    Delay,
    /// How long an attempt may take.
    Timeout,
    /// Queues of the account.
    Queues,
    /// Parallelism of one queue.
    QueueParallelism,
    /// URL groups of the account.
    UrlGroups,
    /// Endpoints of one URL group.
    Endpoints,
    /// Schedules of the account.
    Schedules,
}

impl QuotaKind {
    /// What is limited, for a sentence.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MessageSize => "the size of a message",
            Self::Retries => "retries",
            Self::Delay => "the delay of a message",
            Self::Timeout => "the timeout of an attempt",
            Self::Queues => "queues",
            Self::QueueParallelism => "the parallelism of a queue",
            Self::UrlGroups => "URL groups",
            Self::Endpoints => "the endpoints of a URL group",
            Self::Schedules => "schedules",
        }
    }
}

/// The limits of a plan; `None` is no limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Messages of one account a day (UTC).
    pub messages_per_day: Option<u64>,
    /// Bytes of a message's body.
    pub message_size: Option<u64>,
    /// Retries of a message.
    pub retries: Option<u64>,
    /// How far in the future a message may be due.
    pub delay: Option<Duration>,
    /// How long an attempt may take, and does take where the publisher names no timeout.
    pub timeout: Duration,
    /// URL groups.
    pub url_groups: Option<u64>,
    /// Endpoints of one URL group.
    pub endpoints: Option<u64>,
    /// Schedules.
    pub schedules: Option<u64>,
    /// Queues.
    pub queues: Option<u64>,
    /// Parallelism of one queue.
    pub queue_parallelism: Option<u64>,
    /// Deliveries of one account at once.
    pub global_parallelism: Option<u64>,
    /// How long a dead letter is kept.
    pub dead_letter_retention: Duration,
    /// How long a log row is kept.
    pub log_retention: Duration,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);

impl Quotas {
    /// No plan: only the server's own bounds.
    #[must_use]
    pub const fn unlimited() -> Self {
        Self {
            messages_per_day: None,
            message_size: None,
            retries: None,
            delay: None,
            timeout: HOUR.saturating_mul(2),
            url_groups: None,
            endpoints: None,
            schedules: None,
            queues: None,
            queue_parallelism: None,
            global_parallelism: None,
            dead_letter_retention: DAY.saturating_mul(7),
            log_retention: DAY.saturating_mul(7),
        }
    }

    /// The free plan.
    #[must_use]
    pub const fn free() -> Self {
        Self {
            messages_per_day: Some(1_000),
            message_size: Some(1 << 20),
            retries: Some(5),
            delay: Some(DAY.saturating_mul(7)),
            timeout: Duration::from_secs(15 * 60),
            url_groups: Some(1),
            endpoints: Some(100),
            schedules: Some(10),
            queues: Some(10),
            queue_parallelism: Some(2),
            global_parallelism: Some(10),
            dead_letter_retention: DAY.saturating_mul(3),
            log_retention: DAY.saturating_mul(3),
        }
    }

    /// Pay as you go.
    #[must_use]
    pub const fn payg() -> Self {
        Self {
            messages_per_day: None,
            message_size: Some(10 << 20),
            retries: None,
            delay: Some(DAY.saturating_mul(365)),
            timeout: HOUR.saturating_mul(2),
            url_groups: Some(100),
            endpoints: Some(100),
            schedules: Some(1_000),
            queues: Some(100),
            queue_parallelism: Some(10),
            global_parallelism: Some(100),
            dead_letter_retention: DAY.saturating_mul(7),
            log_retention: DAY.saturating_mul(7),
        }
    }

    /// The fixed plan of a million messages a day.
    #[must_use]
    pub const fn pro() -> Self {
        Self {
            messages_per_day: Some(1_000_000),
            message_size: Some(50 << 20),
            retries: None,
            delay: None,
            timeout: HOUR.saturating_mul(6),
            url_groups: Some(1_000),
            endpoints: Some(1_000),
            schedules: Some(10_000),
            queues: Some(1_000),
            queue_parallelism: Some(10),
            global_parallelism: Some(200),
            dead_letter_retention: DAY.saturating_mul(30),
            log_retention: DAY.saturating_mul(14),
        }
    }
}
