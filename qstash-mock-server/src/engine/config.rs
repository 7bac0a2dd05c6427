//! Every setting and every bound of the engine.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

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
    /// By how much the time that the engine was told may lie behind the true one when a delay began. So much later
    /// everything is due, and no delay is over early.
    pub clock_step: Duration,
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
            clock_step: Duration::ZERO,
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
    /// Bytes of all that is kept until somebody or something ends it, its bookkeeping included: unfinished
    /// messages, listed dead letters, deduplication keys, queues, URL groups, schedules, flow-control keys.
    /// A body counts for each message that has it. Over it, what would add is refused.
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
    /// Entries looked at for one page of a list.
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
    /// Listed dead letters of one account; the oldest are forgotten first.
    pub dead_letters: usize,
    /// Listed dead letters of all accounts; the oldest are forgotten first.
    pub all_dead_letters: usize,
    /// Bytes of the answers that listed dead letters keep; the oldest are cut down to their status first.
    pub answer_bytes: usize,
    /// Rows of one account's log, of either kind of messages; those written first are forgotten first.
    pub log_rows: usize,
    /// Bytes of one account's log, of either kind of messages.
    pub log_bytes: usize,
    /// Bytes of the logs of all accounts; the rows written first are forgotten first.
    pub all_log_bytes: usize,
    /// Accounts.
    pub accounts: usize,
    /// Deduplication keys that are remembered.
    pub dedup_keys: usize,
    /// Bulk operations under way.
    pub bulk_jobs: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            held_bytes: 1 << 30,
            finished_messages: 100_000,
            finished_bytes: 128 << 20,
            queues: 10_000,
            history: 100,
            bulk_step: 100,
            list_scan: 2_000,
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
            all_dead_letters: 500_000,
            answer_bytes: 256 << 20,
            all_log_bytes: 512 << 20,
            accounts: 10_000,
            dedup_keys: 2_000_000,
            bulk_jobs: 1_000,
        }
    }
}
