//! The changes of one input, for storage, and what restoring needs.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::EngineState;
use super::entry::Entry;
use super::held::Shelf;
use crate::engine::model::cost::Overhead;
use crate::engine::model::entity::{Change, Entity, EntityKey};
use crate::engine::model::id::BodyId;
use crate::engine::model::log_row::LogRow;
use crate::engine::model::message::Sequence;
use crate::engine::model::queue::Queue;
use crate::engine::model::spec::BodyChange;

impl EngineState {
    /// The entities that changed since the last call, each once. For bodies see [`EngineState::take_body_changes`].
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

    /// The bodies that were stored and deleted since the last call, in order.
    pub(crate) fn take_body_changes(&mut self) -> Vec<BodyChange> {
        std::mem::take(&mut self.body_changes)
    }

    /// The entity of this key, if it is stored.
    pub(super) fn entity(&self, key: &EntityKey) -> Option<Entity> {
        match key {
            EntityKey::Meta => Some(Entity::Meta(self.numbers.reserved)),
            EntityKey::Account(name) => self.records.account(name),
            EntityKey::Day(name) => self.records.day(name),
            EntityKey::Queue(id) => self.queues.get(id).cloned().map(Entity::Queue),
            EntityKey::Body(id) => Some(Entity::Body(*id)),
            EntityKey::Spec(sequence) => {
                let spec = self.spec(*sequence)?.clone();
                Some(Entity::Spec(Box::new(spec)))
            }
            EntityKey::State(sequence) => {
                let state = self.message(*sequence)?;
                Some(Entity::State(*sequence, state))
            }
            EntityKey::Record(sequence, number) => self.record(*sequence, *number),
            EntityKey::Answer(sequence) => {
                let answer = self.past(*sequence)?.answer();
                let answer = Some(answer).filter(|answer| !answer.is_empty())?;
                Some(Entity::Answer(*sequence, answer.clone()))
            }
            EntityKey::DeadLetter(sequence) => {
                let letter = self.past(*sequence)?.dead_letter()?.clone();
                Some(Entity::DeadLetter(*sequence, Box::new(letter)))
            }
            EntityKey::DedupKey(id) => self.records.dedup_key(id),
            EntityKey::UrlGroup(account, name) => self.records.url_group(account, name),
            EntityKey::Schedule(account, id) => self.records.schedule(account, id),
            EntityKey::FlowKey(id) => self.records.flow_key(id),
            EntityKey::Listed(account, id) => self.dead_letters.entity(account, *id),
            EntityKey::Log(account, id) => self.logs.entity(account, *id),
        }
    }

    fn record(&self, sequence: Sequence, number: u32) -> Option<Entity> {
        let mut records = self.past(sequence)?.numbered_records();
        let (_, record) = records.find(|(it, _)| *it == number)?;
        Some(Entity::Record(sequence, number, record.clone()))
    }

    // ----- for recovery -----

    /// The names of all entities.
    pub(crate) fn keys(&self) -> Vec<EntityKey> {
        let mut keys = vec![EntityKey::Meta];
        keys.extend(self.queues.keys().copied().map(EntityKey::Queue));
        keys.extend(self.body_ids().into_iter().map(EntityKey::Body));
        for (sequence, entry) in self.messages.entries.iter() {
            keys.push(EntityKey::Spec(sequence));
            if entry.state.is_some() {
                keys.push(EntityKey::State(sequence));
            }
            let Some(past) = self.past(sequence) else {
                continue;
            };
            let records = past.numbered_records();
            keys.extend(records.map(|(number, _)| EntityKey::Record(sequence, number)));
            if !past.answer().is_empty() {
                keys.push(EntityKey::Answer(sequence));
            }
            if past.dead_letter().is_some() {
                keys.push(EntityKey::DeadLetter(sequence));
            }
        }
        keys.extend(self.records.entity_keys());
        keys.extend(self.dead_letters.keys());
        keys.extend(self.logs.keys());
        keys
    }

    /// All entities.
    pub(crate) fn entities(&self) -> Vec<Entity> {
        let keys = self.keys();
        keys.iter().filter_map(|key| self.entity(key)).collect()
    }

    /// The bodies that have an owner.
    pub(crate) fn body_ids(&self) -> BTreeSet<BodyId> {
        let entries = self.messages.entries.values();
        let specs = entries.filter(|entry| entry.keeps_body());
        let specs = specs.map(|entry| entry.spec.body.stored());
        let schedules = self.all_schedules().map(|it| it.body.stored());
        specs.chain(schedules).collect()
    }

    /// Notes everything as changed, in place of the entities that were stored until now.
    pub(crate) fn note_replaced(&mut self, before: Vec<EntityKey>) {
        let kept = self.body_ids();
        let bodies = |key: &EntityKey| matches!(key, EntityKey::Body(_));
        self.changed
            .extend(self.keys().into_iter().filter(|key| !bodies(key)));
        for key in before {
            match key {
                // Changes of bodies are noted separately.
                EntityKey::Body(id) if kept.contains(&id) => {}
                EntityKey::Body(id) => self.body_changes.push(BodyChange::Delete(id)),
                key => self.changed.push(key),
            }
        }
    }

    /// Notes bodies that come with replaced entities, whether or not one of them needs the body.
    pub(crate) fn bring_bodies(&mut self, bodies: &[(BodyId, Bytes)]) {
        let brought = bodies.iter();
        let brought = brought.map(|(id, bytes)| BodyChange::Put(*id, bytes.clone()));
        let later = std::mem::take(&mut self.body_changes);
        self.body_changes = brought.chain(later).collect();
    }

    // ----- for the invariants -----

    /// The bytes of each shelf, counted again.
    pub(crate) fn count_bytes(&self) -> [(Shelf, usize); 4] {
        let entries = || self.messages.entries.values();
        let on = |shelf: Shelf| {
            let mine = entries().filter(move |entry| entry.shelf() == shelf);
            mine.map(Entry::cost).sum::<usize>()
        };
        let queues: usize = self.queues.values().map(Queue::cost).sum();
        let listed = self.all_listed().count() * Overhead::KEY;
        let answers = self.all_listed().filter_map(|it| it.response.as_ref());
        let rows: usize = self.all_rows().map(LogRow::cost).sum();
        [
            (
                Shelf::Held,
                on(Shelf::Held) + queues + listed + self.record_bytes(),
            ),
            (Shelf::Finished, on(Shelf::Finished)),
            (Shelf::Log, on(Shelf::Log) + rows),
            (Shelf::Answers, answers.map(|it| it.cost()).sum()),
        ]
    }
}
