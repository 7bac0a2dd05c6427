//! Every setting and every bound of the engine.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::model::id::AccountName;
use crate::engine::model::seed::Seed;
use crate::engine::quota::Quotas;

/// The settings of an engine.
#[derive(Clone, Debug)]
pub struct Config {
    /// The seed of ids, leases and jitter.
    pub seed: Seed,
    /// The seed of the accounts' secrets. Treat it as a secret: whoever knows it can compute them.
    pub secret_seed: Seed,
    /// The signing secret of the account [`AccountName::DEFAULT`]; without it, one that derives from `secret_seed`.
    /// Treat it as a secret.
    pub signing_secret: Option<Secret>,
    /// How long a deduplication key is remembered, counted from the publish that brought it.
    pub deduplication_window: Duration,
    /// How long a finished message that followed its queue's rules stays readable.
    pub retention: Duration,
    /// How long a delivered message that carried its rules stays readable.
    pub carried_retention: Duration,
    /// The limits of the plan (v2.md section 7).
    pub quotas: Quotas,
    /// The current and the next signing key of accounts whose keys do not derive from `secret_seed`. Treat them as
    /// secrets.
    pub signing_keys: BTreeMap<AccountName, [Secret; 2]>,
    /// By how much the time that is passed to the engine may lie behind the true time. Everything is due later by
    /// this much, so that no delay ends early.
    pub clock_step: Duration,
    /// The bounds on what the engine stores.
    pub limits: Limits,
}

impl Config {
    /// The default settings of v1.md with this seed, without quotas. Secrets derive from the same seed: set
    /// `secret_seed` if anybody else knows the seed.
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

/// A text that `Debug` does not show.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub Arc<str>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The bounds on what the engine stores. When one is reached, the engine refuses what would exceed it or forgets the
/// oldest finished entry, as each field says.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of everything that stays until a command, an attempt or a timer ends it, including bookkeeping:
    /// unfinished messages, listed dead letters, accounts, deduplication keys, queues, URL groups, schedules and
    /// flow-control keys. A body counts once for each message that has it. The engine refuses commands that would
    /// exceed the bound.
    pub held_bytes: usize,
    /// Finished messages that stay readable. The engine forgets the oldest first.
    pub finished_messages: usize,
    /// Bytes of finished messages that stay readable, including bookkeeping. A message in a dead-letter list counts
    /// towards `held_bytes` instead. The engine forgets the oldest first.
    pub finished_bytes: usize,
    /// Queues of one account. The engine refuses further ones.
    pub queues: usize,
    /// Attempt records of one message. The engine forgets the oldest first.
    pub history: usize,
    /// The most messages that one step of a bulk operation looks at. Also the most timers that one input fires,
    /// together with the messages that schedules make; the most finished messages that it forgets; and the most rows of
    /// a log that it forgets because of their age.
    pub bulk_step: usize,
    /// The most attempts and leases that one input starts by itself. Giving a message a slot of its queue counts as
    /// one, too. The engine starts the others at the next input, for which it asks at once.
    pub starts: usize,
    /// After this many messages, one input publishes no further ones of a batch. A publish to a URL group counts for
    /// each endpoint and is not divided, so it may exceed the bound. The driver asks again for the others.
    pub publishes: usize,
    /// The most dead letters that one input publishes again, which takes longer. The driver asks again for the others.
    pub retried: usize,
    /// Entries that the engine looks at for one page of a list.
    pub list_scan: usize,
    /// Callers that wait for messages of one queue. The engine refuses further ones.
    pub waiters: usize,
    /// Bytes that are kept of a consumer's answer to a message that follows its queue's rules.
    pub queue_answer: usize,
    /// Bytes that are kept of a consumer's answer to a message that carries its rules.
    pub answer: usize,
    /// URL groups of one account. The engine refuses further ones.
    pub url_groups: usize,
    /// Endpoints of one URL group. The engine refuses further ones. One input publishes to all of them.
    pub endpoints: usize,
    /// Schedules of one account. The engine refuses further ones.
    pub schedules: usize,
    /// Flow-control keys of all accounts. The engine refuses further ones.
    pub flow_keys: usize,
    /// Listed dead letters of one account. The engine forgets the oldest first.
    pub dead_letters: usize,
    /// Listed dead letters of all accounts. The engine forgets the oldest first.
    pub all_dead_letters: usize,
    /// Bytes of the answers that listed dead letters keep. The engine cuts the oldest down to the status code
    /// first.
    pub answer_bytes: usize,
    /// Rows of each of an account's two logs. The engine forgets the row that was written first.
    pub log_rows: usize,
    /// Bytes of each of an account's two logs. The engine forgets the row that was written first.
    pub log_bytes: usize,
    /// Bytes of the logs of all accounts. The engine forgets the row that was written first.
    pub all_log_bytes: usize,
    /// Accounts. The engine refuses commands that would create further ones.
    pub accounts: usize,
    /// Deduplication keys that are remembered. The engine refuses publishes that bring further ones.
    pub dedup_keys: usize,
    /// Bulk operations under way. The engine refuses further ones.
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
            bulk_step: 64,
            starts: 25,
            publishes: 100,
            retried: 25,
            list_scan: 1_500,
            waiters: 10_000,
            queue_answer: 4 << 10,
            answer: 1 << 20,
            url_groups: 10_000,
            endpoints: 2_000,
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
