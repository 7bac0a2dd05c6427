//! Quotas: the limits of a plan (v2.md section 7). They limit messages that carry their rules, and what was created for
//! such messages. They do not limit messages that follow their queue's rules; only `log_retention` holds for both.

use std::time::Duration;

/// Which limit of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaKind {
    /// The length of a message's body, in bytes.
    MessageSize,
    /// The retries of a message.
    Retries,
    /// How long after the publish a message may become due.
    Delay,
    /// How long an attempt may take.
    Timeout,
    /// The queues of the account.
    Queues,
    /// The parallelism of one queue.
    QueueParallelism,
    /// The URL groups of the account.
    UrlGroups,
    /// The endpoints of one URL group.
    Endpoints,
    /// The schedules of the account.
    Schedules,
}

impl QuotaKind {
    /// What is limited, as a phrase for an error text.
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

/// The limits of a plan. `None` means no limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// The most messages that an account may publish in a day (UTC).
    pub messages_per_day: Option<u64>,
    /// The most bytes of a message's body.
    pub message_size: Option<u64>,
    /// The most retries of a message.
    pub retries: Option<u64>,
    /// The longest time from the publish until a message becomes due.
    pub delay: Option<Duration>,
    /// The longest timeout of an attempt, and the timeout if the publisher names none.
    pub timeout: Duration,
    /// The most URL groups of an account.
    pub url_groups: Option<u64>,
    /// The most endpoints of one URL group.
    pub endpoints: Option<u64>,
    /// The most schedules of an account.
    pub schedules: Option<u64>,
    /// The most queues of an account.
    pub queues: Option<u64>,
    /// The largest parallelism of one queue.
    pub queue_parallelism: Option<u64>,
    /// The most deliveries of an account at the same time.
    pub global_parallelism: Option<u64>,
    /// How long a listed dead letter is kept.
    pub dead_letter_retention: Duration,
    /// How long a log row is kept.
    pub log_retention: Duration,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);

impl Quotas {
    /// No quotas: only the bounds of [`Limits`](crate::engine::Limits) apply.
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

    /// The pay-as-you-go plan.
    #[must_use]
    pub const fn payg() -> Self {
        Self {
            messages_per_day: None,
            message_size: Some(10 << 20),
            retries: Some(5),
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
