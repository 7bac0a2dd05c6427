//! Every setting and every bound of the engine.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::engine::command::{OnAccepted, QueueSettings};
use crate::engine::deliver::callback::CallbackReport;
use crate::engine::model::id::AccountName;
use crate::engine::model::seed::Seed;
use crate::engine::quota::Quotas;

/// What an engine is made with.
#[derive(Clone, Debug)]
pub struct Config {
    /// What ids, leases and jitter derive from.
    pub seed: Seed,
    /// What the secrets of accounts derive from: who knows it knows them. Treat as a secret.
    pub secret_seed: Seed,
    /// `defaultUser`'s signing secret; derived from `secret_seed` if absent. Treat as a secret.
    pub signing_secret: Option<Secret>,
    /// How long an idempotency key is remembered.
    pub deduplication_window: Duration,
    /// How long a finished message stays readable.
    pub retention: Duration,
    /// How long a message that carries its own rules stays readable after it was delivered.
    pub carried_retention: Duration,
    /// What the plan allows.
    pub quotas: Quotas,
    /// Current and next signing keys of accounts that have fixed ones. Treat as secrets.
    pub signing_keys: BTreeMap<AccountName, [Secret; 2]>,
    /// How a callback's body is written.
    pub write_callback: fn(&CallbackReport<'_>) -> Bytes,
    /// The bounds.
    pub limits: Limits,
}

impl Config {
    /// The defaults of v1.md with this seed, also for secrets: set `secret_seed` where the seed is known to
    /// anybody.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self {
            secret_seed: seed.clone(),
            seed,
            signing_secret: None,
            deduplication_window: Duration::from_secs(600),
            retention: Duration::from_secs(600),
            carried_retention: Duration::from_secs(60),
            quotas: Quotas::unlimited(),
            signing_keys: BTreeMap::new(),
            write_callback: plain_callback,
            limits: Limits::default(),
        }
    }
}

/// The body of a callback where no dialect writes it: the source's id and the status.
fn plain_callback(report: &CallbackReport<'_>) -> Bytes {
    let status = report.response.map_or(0, |response| response.status);
    format!("{} {status}", report.source.id.0).into()
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
    /// Bytes of unfinished messages, dead letters, idempotency keys, URL groups, schedules and
    /// flow-control keys, their bookkeeping included.
    pub held_bytes: usize,
    /// Finished messages that stay readable; the oldest are forgotten first.
    pub finished_messages: usize,
    /// Bytes of finished messages whose body can still be looked at; the oldest are forgotten first.
    pub finished_bytes: usize,
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
    /// Bytes kept of an answer to a message that is delivered by its queue's rules.
    pub queue_answer: usize,
    /// Bytes kept of an answer to a message that carries its own rules.
    pub answer: usize,
    /// URL groups of one account.
    pub url_groups: usize,
    /// Endpoints of one URL group.
    pub endpoints: usize,
    /// Schedules of one account.
    pub schedules: usize,
    /// Flow-control keys.
    pub flow_keys: usize,
    /// Dead letters of one account; the oldest are forgotten first.
    pub dead_letters: usize,
    /// Rows of one account's log; the oldest are forgotten first.
    pub log_rows: usize,
    /// Bytes of one account's log.
    pub log_bytes: usize,
}

impl Limits {
    /// What a message costs beside its body and headers, for [`Limits::held_bytes`].
    pub const MESSAGE_OVERHEAD: usize = 512;
    /// What the record of an attempt costs.
    pub const RECORD_OVERHEAD: usize = 192;
    /// What an idempotency key, an endpoint or a flow-control key costs beside its text.
    pub const KEY_OVERHEAD: usize = 192;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            held_bytes: 1 << 30,
            finished_messages: 100_000,
            finished_bytes: 128 << 20,
            queues: 10_000,
            history: 100,
            bulk_step: 1_000,
            list_scan: 10_000,
            waiters: 10_000,
            queue_answer: 4 << 10,
            answer: 1 << 20,
            url_groups: 10_000,
            endpoints: 10_000,
            schedules: 100_000,
            flow_keys: 1_000_000,
            dead_letters: 100_000,
            log_rows: 100_000,
            log_bytes: 256 << 20,
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
