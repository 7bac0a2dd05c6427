//! The engine's memory and its only writer.
//!
//! Every method that changes an entity notes its key. The keys that one input noted are the change set that storage
//! commits. Indices derive from the entities and are kept here, too, by the same methods in a running and a restored
//! engine. The fields are private to this folder, so no other code can change them.
//!
//! `messages` has specs, states and records, each message as an `entry`; `footprint` computes where the indices have
//! a message; `queue_index` is the order within a queue; `gates` has the attempts under way and the messages that
//! wait before each gate; `queues`, `dead_letters`, `log` and `records` keep the rest; `held` counts bytes, `timers`
//! has all timers.

mod bodies;
mod by_sequence;
mod changes;
mod dead_letters;
mod entry;
mod flow_keys;
mod footprint;
mod gates;
mod held;
mod log;
mod messages;
mod numbers;
mod past;
mod queue_index;
mod queues;
mod records;
mod timers;
mod turns;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::engine::config::{Config, Limits};
use crate::engine::model::entity::{EntityKey, Meta};
use crate::engine::model::id::{AccountName, BodyId, QueueId, QueueName};
use crate::engine::model::log_row::LogKind;
use crate::engine::model::message::Sequence;
use crate::engine::model::queue::Queue;
use crate::engine::model::spec::BodyChange;
use crate::engine::model::time::Timestamp;
use dead_letters::DeadLetters;
use gates::Gates;
pub(crate) use gates::{Lane, NextOfAccount, OpenAttempt};
use held::Ledger;
pub(crate) use held::Shelf;
use log::Logs;
pub(crate) use log::Span;
use messages::Messages;
use numbers::Numbers;
pub(crate) use queue_index::{Next, QueueIndex};
use records::Records;
pub(crate) use timers::Timer;
use timers::Timers;
use turns::Turns;

/// All entities, and the indices over them.
#[derive(Debug)]
pub(crate) struct EngineState {
    limits: Limits,
    /// How long finished messages stay, for each of their lists.
    retentions: [Duration; 2],
    log_retention: Duration,
    numbers: Numbers,
    messages: Messages,
    dead_letters: DeadLetters,
    logs: Logs,
    records: Records,
    gates: Gates,
    queues: BTreeMap<QueueId, Queue>,
    /// Queue ids by account and name.
    names: BTreeMap<AccountName, BTreeMap<QueueName, QueueId>>,
    /// How many queues of an account count for its quota.
    counted_queues: BTreeMap<AccountName, u64>,
    /// Which queues name a queue as their dead-letter queue.
    targets: BTreeMap<(AccountName, QueueName), BTreeSet<QueueName>>,
    indices: BTreeMap<QueueId, QueueIndex>,
    timers: Timers,
    ledger: Ledger,
    changed: Vec<EntityKey>,
    body_changes: Vec<BodyChange>,
    /// True while the state is restored. Nothing is forgotten then, because the entity that needs it may be loaded
    /// later.
    loading: bool,
    /// Queues in which a message may have become able to start.
    dirty: Turns<QueueId>,
}

impl EngineState {
    pub(crate) fn new(meta: Meta, config: &Config) -> Self {
        Self {
            limits: config.limits.clone(),
            retentions: [config.retention, config.carried_retention],
            log_retention: config.quotas.log_retention,
            numbers: Numbers::new(meta),
            messages: Messages::default(),
            dead_letters: DeadLetters::default(),
            logs: Logs::default(),
            records: Records::default(),
            gates: Gates::default(),
            queues: BTreeMap::new(),
            names: BTreeMap::new(),
            counted_queues: BTreeMap::new(),
            targets: BTreeMap::new(),
            indices: BTreeMap::new(),
            timers: Timers::default(),
            ledger: Ledger::default(),
            changed: vec![EntityKey::Meta],
            body_changes: Vec::new(),
            loading: false,
            dirty: Turns::default(),
        }
    }

    /// The next number of the order in which messages and queues are made.
    pub(crate) fn next_sequence(&mut self) -> Sequence {
        let (number, more) = self.numbers.next_sequence();
        self.note_reserved(more);
        number
    }

    pub(crate) fn next_body_id(&mut self) -> BodyId {
        let (number, more) = self.numbers.next_body();
        self.note_reserved(more);
        number
    }

    /// The next number of a row of the log or of a dead-letter list.
    pub(crate) fn next_row(&mut self) -> u64 {
        let (number, more) = self.numbers.next_row();
        self.note_reserved(more);
        number
    }

    fn note_reserved(&mut self, more: bool) {
        if more {
            self.note(EntityKey::Meta);
        }
    }

    /// The newest message or queue has this number.
    pub(crate) const fn newest_sequence(&self) -> Sequence {
        self.numbers.newest_sequence()
    }

    /// Gives no number that `other` has given.
    pub(crate) fn continue_numbers_of(&mut self, other: &Self) {
        self.numbers.continue_from(&other.numbers);
    }

    pub(crate) const fn epoch(&self) -> u64 {
        self.numbers.reserved.epoch
    }

    fn note(&mut self, key: EntityKey) {
        self.changed.push(key);
    }

    // ----- recovery -----

    /// From now on nothing is forgotten, until [`EngineState::end_loading`].
    pub(crate) const fn begin_loading(&mut self) {
        self.loading = true;
    }

    /// Everything is there: what is over a bound, or needed by nobody, is forgotten. What was loaded is stored as it
    /// is and need not be written again, except for what has changed meanwhile.
    pub(crate) fn end_loading(&mut self, changed: Vec<EntityKey>) {
        self.loading = false;
        let noted = std::mem::replace(&mut self.changed, changed);
        let gone = noted.into_iter().filter(|key| self.entity(key).is_none());
        let gone: Vec<_> = gone.collect();
        self.changed.extend(gone);
        self.note(EntityKey::Meta);
        self.trim_logs();
        self.trim_dead_letters();
        self.drop_unneeded_specs();
    }

    // ----- bytes -----

    /// Bytes on a shelf.
    pub(crate) const fn bytes(&self, shelf: Shelf) -> usize {
        self.ledger.of(shelf)
    }

    /// Counts bytes; those that only the log keeps count for the account, too.
    fn charge(&mut self, account: &AccountName, kind: LogKind, shelf: Shelf, bytes: usize) {
        self.ledger.hold(shelf, bytes);
        if shelf == Shelf::Log {
            self.logs.hold(account, kind, bytes);
        }
    }

    fn refund(&mut self, account: &AccountName, kind: LogKind, shelf: Shelf, bytes: usize) {
        self.ledger.let_go(shelf, bytes);
        if shelf == Shelf::Log {
            self.logs.let_go(account, kind, bytes);
        }
    }

    // ----- time -----

    pub(crate) fn next_timer(&self) -> Option<Timestamp> {
        let lists = self.messages.finished.iter();
        let oldest = lists.zip(self.retentions).filter_map(|(list, retention)| {
            let (at, _) = list.first()?;
            Some(*at + retention)
        });
        self.timers.next().into_iter().chain(oldest).min()
    }

    /// The timers of messages, the first one first: those of delays and leases.
    pub(crate) fn message_timers(&self) -> impl Iterator<Item = (Timestamp, Sequence)> {
        self.timers.of_messages()
    }

    /// Takes the first timer that is due.
    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<(Timestamp, Timer)> {
        self.timers.pop_due(now)
    }

    /// The oldest finished message that is to be forgotten: by its age, or because there are more or larger ones
    /// than may be kept.
    pub(crate) fn finished_over(&self, now: Timestamp) -> Option<Sequence> {
        let lists = self.messages.finished.iter();
        for (list, retention) in lists.clone().zip(self.retentions) {
            if let Some((at, sequence)) = list.first()
                && *at + retention <= now
            {
                return Some(*sequence);
            }
        }
        let count: usize = lists.clone().map(BTreeSet::len).sum();
        let over = count > self.limits.finished_messages
            || self.bytes(Shelf::Finished) > self.limits.finished_bytes;
        let oldest = lists.filter_map(BTreeSet::first).min();
        over.then(|| oldest.map(|(_, sequence)| *sequence))?
    }

    pub(crate) fn set_timer(&mut self, at: Timestamp, timer: Timer) {
        self.timers.set(at, timer);
    }

    pub(crate) fn clear_timer(&mut self, at: Timestamp, timer: Timer) {
        self.timers.clear(at, timer);
    }

    /// Whether a timer is set, for the invariants.
    pub(crate) fn has_timer(&self, at: Timestamp, timer: Timer) -> bool {
        self.timers.contains(at, timer)
    }
}
