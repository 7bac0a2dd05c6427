//! The engine's memory and its only writer.
//!
//! Every method that changes an entity notes its key; what was noted between two inputs is the change
//! set that storage commits. Indices (`lines`, `gates`, `timers`, `targets`, `finished`) follow from the
//! entities and are kept here too, so that recovery cannot drift from running.
//!
//! Queues, messages and bodies are here; `traffic` has attempts and the gates before them, `records` all
//! that is only stored and looked up.

pub(crate) mod gates;
pub(crate) mod queue_index;
mod records;
pub(crate) mod timers;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;

use crate::engine::model::entity::{Account, Change, Entity, EntityKey, Meta, Queue};
use crate::engine::model::id::{AccountName, BodyId, MessageId, QueueId, QueueName};
use crate::engine::model::message::{Message, Policy, State};
use crate::engine::model::time::Timestamp;
use crate::engine::state::queue_index::QueueIndex;
use crate::engine::state::timers::{Timer, Timers};
use gates::{Gates, Room};
pub(crate) use gates::{Lane, NextOfAccount, OpenAttempt};
use records::Records;

/// A stored body and how many messages and dead letters share it.
#[derive(Debug)]
struct SharedBody {
    bytes: Bytes,
    holders: usize,
}

/// Sequence numbers are reserved in blocks, so that not every publish stores how far they have come.
const SEQUENCE_BLOCK: u64 = 1 << 16;

/// All entities, and the indices over them.
#[derive(Debug)]
pub(crate) struct EngineState {
    meta: Meta,
    next_sequence: u64,
    accounts: BTreeMap<AccountName, Account>,
    queues: BTreeMap<QueueId, Queue>,
    /// Boxed: they are large, and half of the places of a tree that grows at its end stay empty.
    messages: BTreeMap<MessageId, Box<Message>>,
    bodies: BTreeMap<BodyId, SharedBody>,
    records: Records,
    gates: Gates,
    /// Queue ids by account and name.
    names: BTreeMap<AccountName, BTreeMap<QueueName, QueueId>>,
    /// Which queues name a queue as their dead-letter queue.
    targets: BTreeMap<(AccountName, QueueName), BTreeSet<QueueName>>,
    queue_indices: BTreeMap<QueueId, QueueIndex>,
    /// Finished messages, the oldest first.
    finished: BTreeSet<(Timestamp, MessageId)>,
    pub(crate) timers: Timers,
    held_bytes: usize,
    /// Bytes of finished messages whose body is still there to be looked at.
    kept_bytes: usize,
    retention: Duration,
    carried_retention: Duration,
    changed: Vec<EntityKey>,
    /// Queues in which something may be handed out.
    stirred: BTreeSet<QueueId>,
    /// Messages that go on without anybody doing anything: see [`State::goes_on`].
    going_on: usize,
}

impl EngineState {
    pub(crate) fn new(meta: Meta, retention: Duration, carried_retention: Duration) -> Self {
        Self {
            next_sequence: meta.next_sequence,
            meta,
            accounts: BTreeMap::new(),
            queues: BTreeMap::new(),
            messages: BTreeMap::new(),
            bodies: BTreeMap::new(),
            records: Records::default(),
            gates: Gates::default(),
            names: BTreeMap::new(),
            targets: BTreeMap::new(),
            queue_indices: BTreeMap::new(),
            finished: BTreeSet::new(),
            timers: Timers::default(),
            held_bytes: 0,
            kept_bytes: 0,
            retention,
            carried_retention,
            changed: vec![EntityKey::Meta],
            stirred: BTreeSet::new(),
            going_on: 0,
        }
    }

    // ----- reading -----

    pub(crate) fn account(&self, name: &AccountName) -> Option<&Account> {
        self.accounts.get(name)
    }

    pub(crate) fn account_names(&self) -> impl Iterator<Item = &AccountName> {
        self.names.keys()
    }

    pub(crate) fn queue(&self, id: QueueId) -> Option<&Queue> {
        self.queues.get(&id)
    }

    pub(crate) fn queue_id(&self, account: &AccountName, name: &QueueName) -> Option<QueueId> {
        self.names.get(account)?.get(name).copied()
    }

    /// The account's queues by name.
    pub(crate) fn queue_names(
        &self,
        account: &AccountName,
    ) -> Option<&BTreeMap<QueueName, QueueId>> {
        self.names.get(account)
    }

    pub(crate) fn queue_index(&self, id: QueueId) -> Option<&QueueIndex> {
        self.queue_indices.get(&id)
    }

    pub(crate) fn message(&self, id: MessageId) -> Option<&Message> {
        self.messages.get(&id).map(Box::as_ref)
    }

    pub(crate) fn body(&self, id: BodyId) -> Option<&Bytes> {
        self.bodies.get(&id).map(|body| &body.bytes)
    }

    /// Messages that go on without anybody doing anything, but for those that wait for a flow-control key.
    pub(crate) const fn going_on(&self) -> usize {
        self.going_on
    }

    pub(crate) fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// A queue that names `queue` as its dead-letter queue.
    pub(crate) fn dead_letter_source(&self, queue: &Queue) -> Option<&QueueName> {
        self.targets
            .get(&(queue.account.clone(), queue.name.clone()))?
            .first()
    }

    /// The oldest finished message, if there are more or larger ones than may be kept.
    pub(crate) fn finished_over(&self, limit: usize, bytes: usize) -> Option<MessageId> {
        let over = self.finished.len() > limit || self.kept_bytes > bytes;
        over.then(|| self.finished.first().map(|(_, id)| *id))?
    }

    // ----- writing -----

    pub(crate) fn next_sequence(&mut self) -> u64 {
        if self.next_sequence == self.meta.next_sequence {
            self.meta.next_sequence += SEQUENCE_BLOCK;
            self.changed.push(EntityKey::Meta);
        }
        self.next_sequence += 1;
        self.next_sequence - 1
    }

    pub(crate) fn put_account(&mut self, account: Account) {
        self.changed.push(EntityKey::Account(account.name.clone()));
        self.accounts.insert(account.name.clone(), account);
    }

    pub(crate) fn put_queue(&mut self, queue: Queue) {
        self.changed.push(EntityKey::Queue(queue.id));
        self.stirred.insert(queue.id);
        if let Some(old) = self.queues.get(&queue.id) {
            let old = old.clone();
            self.unlink(&old);
        }
        if let Some(target) = &queue.settings.dead_letter_queue {
            let target = (queue.account.clone(), target.clone());
            self.targets
                .entry(target)
                .or_default()
                .insert(queue.name.clone());
        }
        self.names
            .entry(queue.account.clone())
            .or_default()
            .insert(queue.name.clone(), queue.id);
        self.queue_indices.entry(queue.id).or_default();
        // Whether a message waits in its queue or at a gate depends on whether the queue is paused.
        let held: Vec<_> = self.queue_indices[&queue.id].slot_holders().collect();
        for id in &held {
            self.reindex(*id, Self::unindex);
        }
        let id = queue.id;
        self.queues.insert(id, queue);
        for id in &held {
            self.reindex(*id, Self::index);
        }
        self.stirred.insert(id);
    }

    fn reindex(&mut self, id: MessageId, step: fn(&mut Self, &Message)) {
        if let Some(message) = self.messages.remove(&id) {
            step(self, &message);
            self.messages.insert(id, message);
        }
    }

    /// Takes a queue away at once; its messages are orphans until they are removed too.
    pub(crate) fn remove_queue(&mut self, id: QueueId) -> Option<QueueIndex> {
        let queue = self.queues.remove(&id)?;
        self.changed.push(EntityKey::Queue(id));
        self.unlink(&queue);
        if let Some(names) = self.names.get_mut(&queue.account) {
            names.remove(&queue.name);
        }
        self.queue_indices.remove(&id)
    }

    fn unlink(&mut self, queue: &Queue) {
        let Some(target) = &queue.settings.dead_letter_queue else {
            return;
        };
        let target = (queue.account.clone(), target.clone());
        if let Some(sources) = self.targets.get_mut(&target) {
            sources.remove(&queue.name);
            if sources.is_empty() {
                self.targets.remove(&target);
            }
        }
    }

    pub(crate) fn pop_dirty(&mut self) -> Option<QueueId> {
        self.stirred.pop_first()
    }

    /// The part of a queue that is not stored: waiters, counters, calls.
    pub(crate) fn queue_index_mut(&mut self, id: QueueId) -> Option<&mut QueueIndex> {
        self.queue_indices.get_mut(&id)
    }

    pub(crate) fn put_body(&mut self, id: BodyId, bytes: Bytes) {
        self.changed.push(EntityKey::Body(id));
        self.bodies.insert(id, SharedBody { bytes, holders: 0 });
    }

    /// Adds a message whose body is there.
    pub(crate) fn insert_message(&mut self, message: Message) {
        self.changed.push(EntityKey::Message(message.id));
        if message.keeps_body() {
            self.hold(&message, message.state.stage().is_finished());
        }
        self.index(&message);
        self.messages.insert(message.id, Box::new(message));
    }

    /// Changes a message; its indices, timer and body follow.
    pub(crate) fn update_message(&mut self, id: MessageId, change: impl FnOnce(&mut Message)) {
        let Some(mut message) = self.messages.remove(&id) else {
            return;
        };
        let kept_body = message.keeps_body();
        let was_finished = message.state.stage().is_finished();
        self.unindex(&message);
        if kept_body {
            self.count_bytes(&message, was_finished, false);
        }
        change(&mut message);
        self.index(&message);
        if kept_body && !message.keeps_body() {
            self.release_body(message.body);
        } else if kept_body {
            self.count_bytes(&message, message.state.stage().is_finished(), true);
        }
        self.changed.push(EntityKey::Message(id));
        self.messages.insert(id, message);
    }

    pub(crate) fn remove_message(&mut self, id: MessageId) {
        let Some(message) = self.messages.remove(&id) else {
            return;
        };
        self.changed.push(EntityKey::Message(id));
        self.unindex(&message);
        if message.keeps_body() {
            self.let_go(&message, message.state.stage().is_finished());
        }
    }

    /// A message, or a dead letter (`finished` is false then), takes hold of its body.
    fn hold(&mut self, message: &Message, finished: bool) {
        if let Some(body) = self.bodies.get_mut(&message.body) {
            body.holders += 1;
            self.count_bytes(message, finished, true);
        }
    }

    fn let_go(&mut self, message: &Message, finished: bool) {
        self.count_bytes(message, finished, false);
        self.release_body(message.body);
    }

    fn release_body(&mut self, id: BodyId) {
        let Some(body) = self.bodies.get_mut(&id) else {
            return;
        };
        body.holders -= 1;
        if body.holders == 0 {
            self.bodies.remove(&id);
            self.changed.push(EntityKey::Body(id));
        }
    }

    /// What is finished and only looked at counts for another bound: it makes room, it refuses nobody.
    fn count_bytes(&mut self, message: &Message, finished: bool, add: bool) {
        let Some(body) = self.bodies.get(&message.body) else {
            return;
        };
        let cost = message.cost(&body.bytes);
        let bytes = if finished {
            &mut self.kept_bytes
        } else {
            &mut self.held_bytes
        };
        if add {
            *bytes += cost;
        } else {
            *bytes -= cost;
        }
    }

    fn index(&mut self, message: &Message) {
        let room = self.room(message);
        self.enter(&room, message);
        self.going_on += usize::from(message.state.goes_on());
        if let Some(id) = message.queue_id()
            && let Some(queue_index) = self.queue_indices.get_mut(&id)
        {
            queue_index.add(message, room == Some(Room::QueueIndex));
            self.stirred.insert(id);
        }
        self.hold_slot(message, true);
        if let Some(at) = self.message_timer(message) {
            self.timers.set(at, Timer::Message(message.id));
        }
        if let State::Finished { at, .. } = message.state {
            self.finished.insert((at, message.id));
        }
    }

    fn unindex(&mut self, message: &Message) {
        let room = self.room(message);
        self.leave(&room, message);
        self.going_on -= usize::from(message.state.goes_on());
        if let Some(id) = message.queue_id()
            && let Some(queue_index) = self.queue_indices.get_mut(&id)
        {
            queue_index.remove(message, room == Some(Room::QueueIndex));
            self.stirred.insert(id);
        }
        self.hold_slot(message, false);
        if let Some(at) = self.message_timer(message) {
            self.timers.clear(at, Timer::Message(message.id));
        }
        if let State::Finished { at, .. } = message.state {
            self.finished.remove(&(at, message.id));
        }
    }

    /// A message that is not finished counts for the slot that it or its source took.
    fn hold_slot(&mut self, message: &Message, holds: bool) {
        let Some(slot) = message
            .slot
            .filter(|_| !message.state.stage().is_finished())
        else {
            return;
        };
        if let Some(queue_index) = self.queue_indices.get_mut(&slot.queue) {
            queue_index.hold_slot(slot.source, holds);
            self.stirred.insert(slot.queue);
        }
    }

    pub(crate) fn message_timer(&self, message: &Message) -> Option<Timestamp> {
        match message.state {
            State::Delayed { until } | State::Leased { until, .. } => Some(until),
            State::Finished { at, .. } => Some(match message.policy {
                Policy::QueueRules { .. } => at + self.retention,
                Policy::CarriedRules(_) => at + self.carried_retention,
            }),
            State::Ready | State::InFlight { .. } => None,
        }
    }

    /// What changed since the last call, each entity once.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        let mut keys = std::mem::take(&mut self.changed);
        keys.sort_unstable();
        keys.dedup();
        keys.into_iter()
            .map(|key| self.entity(&key).map_or(Change::Delete(key), Change::Put))
            .collect()
    }

    pub(crate) fn forget_changes(&mut self) {
        self.changed.clear();
    }

    fn entity(&self, key: &EntityKey) -> Option<Entity> {
        match key {
            EntityKey::Meta => Some(Entity::Meta(self.meta)),
            EntityKey::Account(name) => self.accounts.get(name).cloned().map(Entity::Account),
            EntityKey::Queue(id) => self.queues.get(id).cloned().map(Entity::Queue),
            EntityKey::Body(id) => self
                .body(*id)
                .cloned()
                .map(|bytes| Entity::Body(*id, bytes)),
            EntityKey::Message(id) => self.messages.get(id).cloned().map(Entity::Message),
            other => self.records.entity(other),
        }
    }

    // ----- for the invariants -----

    pub(crate) fn messages(&self) -> impl Iterator<Item = &Message> {
        self.messages.values().map(Box::as_ref)
    }

    pub(crate) fn queue_indices(&self) -> impl Iterator<Item = (QueueId, &QueueIndex)> {
        self.queue_indices
            .iter()
            .map(|(id, queue_index)| (*id, queue_index))
    }

    pub(crate) fn bodies(&self) -> impl Iterator<Item = (BodyId, usize)> {
        self.bodies.iter().map(|(id, body)| (*id, body.holders))
    }
}

impl EngineState {
    // ----- for recovery -----

    /// A stored message that is not taken over.
    pub(crate) fn note_removed(&mut self, id: MessageId) {
        self.changed.push(EntityKey::Message(id));
    }

    /// Removes bodies that no message holds.
    pub(crate) fn drop_orphan_bodies(&mut self) {
        let orphans: Vec<_> = self
            .bodies()
            .filter(|(_, holders)| *holders == 0)
            .map(|(id, _)| id)
            .collect();
        for id in orphans {
            self.bodies.remove(&id);
            self.changed.push(EntityKey::Body(id));
        }
    }

    /// The names of all entities.
    pub(crate) fn keys(&self) -> Vec<EntityKey> {
        let accounts = self.accounts.keys().cloned().map(EntityKey::Account);
        let queues = self.queues.keys().copied().map(EntityKey::Queue);
        let bodies = self.bodies.keys().copied().map(EntityKey::Body);
        let messages = self.messages.keys().copied().map(EntityKey::Message);
        [EntityKey::Meta]
            .into_iter()
            .chain(accounts)
            .chain(queues)
            .chain(bodies)
            .chain(messages)
            .chain(self.records.entity_keys())
            .collect()
    }

    /// All entities.
    pub(crate) fn entities(&self) -> Vec<Entity> {
        self.keys()
            .iter()
            .filter_map(|key| self.entity(key))
            .collect()
    }

    /// All accounts.
    pub(crate) fn accounts(&self) -> Vec<Entity> {
        self.accounts
            .values()
            .cloned()
            .map(Entity::Account)
            .collect()
    }

    pub(crate) const fn epoch(&self) -> u64 {
        self.meta.epoch
    }

    /// Entities that may be gone: those that are not here are deleted.
    pub(crate) fn note_gone(&mut self, keys: Vec<EntityKey>) {
        self.changed.extend(keys);
    }
}
