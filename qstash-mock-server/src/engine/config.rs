//! Every setting and every bound of the engine.

use std::sync::Arc;
use std::time::Duration;

use super::command::{OnAccepted, QueueSettings};
use super::id::Seed;

/// What an engine is made with.
#[derive(Clone, Debug)]
pub struct Config {
    /// The source of all randomness.
    pub seed: Seed,
    /// `defaultUser`'s signing secret; derived from the seed if absent. Treat as a secret.
    pub signing_secret: Option<Secret>,
    /// How long an idempotency key is remembered.
    pub deduplication_window: Duration,
    /// How long a finished message stays readable.
    pub retention: Duration,
    /// The bounds.
    pub limits: Limits,
}

impl Config {
    /// The defaults of v1.md with this seed.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self {
            seed,
            signing_secret: None,
            deduplication_window: Duration::from_secs(600),
            retention: Duration::from_secs(600),
            limits: Limits::default(),
        }
    }
}

/// A text that never appears in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub Arc<str>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Bounds on what the engine holds. Over one of them it refuses or forgets; it never grows on.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of unfinished messages and idempotency keys, their bookkeeping included.
    pub held_bytes: usize,
    /// Finished messages that stay readable; the oldest are forgotten first.
    pub finished_messages: usize,
    /// Queues of one account.
    pub queues: usize,
    /// Attempts remembered of one message; the oldest are forgotten first.
    pub history: usize,
    /// Entities changed by one step of a bulk operation.
    pub bulk_step: usize,
    /// Messages looked at for one page of a list.
    pub list_scan: usize,
    /// Callers that wait on one queue.
    pub waiters: usize,
}

impl Limits {
    /// What a message costs beside its body and headers, for [`Limits::held_bytes`].
    pub const MESSAGE_OVERHEAD: usize = 512;
    /// What an idempotency key costs beside its text.
    pub const KEY_OVERHEAD: usize = 192;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            held_bytes: 1 << 30,
            finished_messages: 100_000,
            queues: 10_000,
            history: 100,
            bulk_step: 1_000,
            list_scan: 10_000,
            waiters: 10_000,
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
