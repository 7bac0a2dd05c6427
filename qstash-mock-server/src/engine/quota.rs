//! What a plan allows. Quotas limit commands of the hosted protocol and count what it made
//! (v2.md section 7); nothing else knows of them.

use std::time::Duration;

use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::model::carried_rules::Settings;
use crate::engine::model::time::Timestamp;

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

impl Engine {
    /// What a quota forbids, before anything is stored.
    pub(crate) fn check_quotas(
        &self,
        now: Timestamp,
        body: usize,
        settings: &Settings,
    ) -> Result<(), Error> {
        let quotas = &self.config.quotas;
        check("maxMessageSize", body as u64, quotas.message_size)?;
        let check_rules = |retries: Option<u32>, delay, timeout: Option<Duration>| {
            let retries = retries.unwrap_or_default();
            check("maxRetries", retries.into(), quotas.retries)?;
            check_duration("maxDelay", delay, quotas.delay)?;
            let timeout = timeout.unwrap_or_default();
            check_duration("timeout", timeout, Some(quotas.timeout))
        };
        let delay = settings.due_at(now).since(now);
        check_rules(settings.max_retries, delay, settings.timeout)?;
        let callbacks = [&settings.callback, &settings.failure_callback];
        for callback in callbacks.into_iter().flatten() {
            check_rules(callback.max_retries, callback.delay, callback.timeout)?;
        }
        Ok(())
    }
}

/// Refuses `value` over `limit`; `name` is the quota's name in answers.
pub(crate) fn check(name: &'static str, value: u64, limit: Option<u64>) -> Result<(), Error> {
    match limit {
        Some(limit) if value > limit => Err(Error::Quota { name, limit }),
        _ => Ok(()),
    }
}

/// As [`check`], for a duration, told in whole seconds.
pub(crate) fn check_duration(
    name: &'static str,
    value: Duration,
    limit: Option<Duration>,
) -> Result<(), Error> {
    match limit {
        Some(limit) if value > limit => Err(Error::Quota {
            name,
            limit: limit.as_secs(),
        }),
        _ => Ok(()),
    }
}
