//! Restoring an engine from stored entities: indices and timers are rebuilt.
//!
//! An attempt whose outcome was not stored is due again, under the same number, so every message is delivered at
//! least once. Leases outlive a restart. Counters, waiting callers and bulk operations do not, except the deletion of
//! a queue, which goes on.

use std::collections::BTreeSet;

use bytes::Bytes;

use crate::engine::config::Config;
use crate::engine::inputs::Engine;
use crate::engine::model::dead_letter::ListedDeadLetter;
use crate::engine::model::entity::{Entity, EntityKey, Meta};
use crate::engine::model::flow_key::FlowKey;
use crate::engine::model::id::{BodyId, MessageId};
use crate::engine::model::log_row::LogRow;
use crate::engine::model::message::{AttemptRecord, DeadLetter, MessageState, Sequence, State};
use crate::engine::model::schedule::Schedule;
use crate::engine::model::time::Timestamp;

/// Why an engine cannot be restored from the stored entities.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// The body of a message is not stored.
    #[error("message {} has no body", .0.0)]
    BodyMissing(MessageId),
    /// An entity belongs to a message whose spec is not stored.
    #[error("an entity belongs to message number {}, which is not stored", .0.0)]
    SpecMissing(Sequence),
}

/// Entities that can only be loaded once all specs are.
#[derive(Default)]
struct Waiting {
    states: Vec<(Sequence, MessageState)>,
    records: Vec<(Sequence, u32, AttemptRecord)>,
    answers: Vec<(Sequence, Bytes)>,
    dead_letters: Vec<(Sequence, DeadLetter)>,
    rows: Vec<LogRow>,
    listed: Vec<ListedDeadLetter>,
    schedules: Vec<Schedule>,
    flow_keys: Vec<FlowKey>,
    bodies: BTreeSet<BodyId>,
    /// Entities that the engine does not take over as they are stored.
    changed: Vec<EntityKey>,
}

impl Engine {
    /// An engine that continues from the stored entities. It raises the epoch, so that no id and no lease occurs
    /// twice.
    ///
    /// # Errors
    /// The entities do not fit together.
    pub fn restore(
        config: Config,
        now: Timestamp,
        entities: impl IntoIterator<Item = Entity>,
    ) -> Result<Self, RestoreError> {
        let entities: Vec<Entity> = entities.into_iter().collect();
        let stored = entities.iter().find_map(|entity| match entity {
            Entity::Meta(meta) => Some(*meta),
            _ => None,
        });
        let mut meta = stored.unwrap_or_default();
        meta.epoch += 1;
        for entity in &entities {
            skip_numbers(entity, &mut meta);
        }
        let mut engine = Self::with_meta(config, now, meta);
        let mut waiting = Waiting::default();
        engine.state.begin_loading();
        for entity in entities {
            engine.load(entity, &mut waiting);
        }
        engine.load_waiting(now, waiting)?;
        engine.adopt_signing_secret();
        for queue in engine.state.gone_queues() {
            engine.resume_removal(now, queue);
        }
        Ok(engine)
    }

    /// Replaces everything that the engine stores by `entities` and `bodies`, as a restart would, but within the
    /// process: it raises the epoch, and new attempts and waiters get ids that were not used before. The engine
    /// forgets attempts and waiting callers; its caller has to give them up.
    ///
    /// # Errors
    /// The entities do not fit together, and nothing has changed.
    pub fn replace(
        &mut self,
        now: Timestamp,
        entities: Vec<Entity>,
        bodies: &[(BodyId, Bytes)],
    ) -> Result<(), RestoreError> {
        let before = self.state.keys();
        let epoch = self.state.epoch();
        let raised = entities.into_iter().map(|entity| match entity {
            Entity::Meta(meta) => Entity::Meta(Meta { epoch, ..meta }),
            other => other,
        });
        let mut next = Self::restore(self.config.clone(), now, raised)?;
        next.continue_ids_of(self);
        next.state.bring_bodies(bodies);
        next.state.note_replaced(before);
        *self = next;
        Ok(())
    }

    /// Loads an entity that needs no other one, and puts the rest into `waiting`.
    fn load(&mut self, entity: Entity, waiting: &mut Waiting) {
        match entity {
            Entity::Meta(_) => {}
            Entity::Account(account) => self.state.put_account(account),
            Entity::Day(day) => self.state.put_day(day),
            Entity::Queue(queue) => self.state.put_queue(queue),
            Entity::Spec(spec) => self.state.insert_spec(*spec),
            Entity::DedupKey(key) => self.state.put_key(key),
            Entity::UrlGroup(group) => self.state.put_url_group(*group),
            Entity::FlowKey(key) => waiting.flow_keys.push(key),
            Entity::Body(id) => {
                waiting.bodies.insert(id);
            }
            Entity::State(sequence, state) => waiting.states.push((sequence, state)),
            Entity::Record(message, number, record) => {
                waiting.records.push((message, number, record));
            }
            Entity::Answer(message, answer) => waiting.answers.push((message, answer)),
            Entity::DeadLetter(message, letter) => waiting.dead_letters.push((message, *letter)),
            Entity::Schedule(schedule) => waiting.schedules.push(*schedule),
            Entity::Listed(entry) => waiting.listed.push(*entry),
            Entity::Log(row) => waiting.rows.push(*row),
        }
    }

    fn load_waiting(&mut self, now: Timestamp, mut waiting: Waiting) -> Result<(), RestoreError> {
        let mut specs: Vec<_> = waiting.states.iter().map(|(it, _)| *it).collect();
        for (sequence, state) in std::mem::take(&mut waiting.states) {
            self.load_state(sequence, state, &mut waiting.changed)?;
        }
        self.load_pasts(&mut waiting)?;
        waiting.listed.sort_by_key(|entry| entry.id);
        for entry in std::mem::take(&mut waiting.listed) {
            specs.push(entry.message);
            self.check_spec(entry.message)?;
            self.state.put_listed(entry);
        }
        waiting.rows.sort_by_key(|row| row.id.sequence);
        for row in std::mem::take(&mut waiting.rows) {
            specs.push(row.message);
            self.check_spec(row.message)?;
            self.state.put_row(row);
        }
        for key in std::mem::take(&mut waiting.flow_keys) {
            self.put_flow_key(key);
        }
        for schedule in std::mem::take(&mut waiting.schedules) {
            self.load_schedule(now, schedule, &mut waiting.changed);
        }
        self.check_bodies_of(specs, &waiting.bodies)?;
        self.state.end_loading(waiting.changed);
        for id in waiting.bodies {
            // Every message that needs the body holds it by now; without one the body is deleted here.
            self.state.let_go_body(id);
        }
        Ok(())
    }

    fn check_spec(&self, sequence: Sequence) -> Result<(), RestoreError> {
        let known = self.state.spec(sequence).is_some();
        known
            .then_some(())
            .ok_or(RestoreError::SpecMissing(sequence))
    }

    fn check_bodies_of(
        &self,
        specs: Vec<Sequence>,
        bodies: &BTreeSet<BodyId>,
    ) -> Result<(), RestoreError> {
        for sequence in specs {
            if let Some(spec) = self.state.spec(sequence)
                && self.state.keeps_body(sequence)
                && !bodies.contains(&spec.body.stored())
            {
                return Err(RestoreError::BodyMissing(spec.id));
            }
        }
        Ok(())
    }

    /// Runs that fell due while the server was stopped do not happen later.
    fn load_schedule(
        &mut self,
        now: Timestamp,
        mut schedule: Schedule,
        changed: &mut Vec<EntityKey>,
    ) {
        if let Some(due) = schedule.next_at.filter(|next| *next <= now) {
            let (account, id) = (schedule.account.clone(), schedule.id.clone());
            changed.push(EntityKey::Schedule(account, id));
            schedule.next_at = schedule.cron.next_run(due, now);
        }
        self.state.put_schedule(schedule);
    }

    fn load_state(
        &mut self,
        sequence: Sequence,
        mut state: MessageState,
        changed: &mut Vec<EntityKey>,
    ) -> Result<(), RestoreError> {
        self.check_spec(sequence)?;
        // If the queue was deleted before the restart, its messages are removed later: its index finds them.
        for queue in state
            .queue
            .into_iter()
            .chain(state.slot.map(|slot| slot.queue))
        {
            self.state.ensure_queue_index(queue);
        }
        if matches!(state.state, State::InFlight { .. }) {
            state.undo_attempt();
            changed.push(EntityKey::State(sequence));
        }
        self.state.insert_state(sequence, state);
        Ok(())
    }

    /// What has happened to messages, in the order in which it was written.
    fn load_pasts(&mut self, waiting: &mut Waiting) -> Result<(), RestoreError> {
        waiting
            .records
            .sort_by_key(|(message, number, _)| (*message, *number));
        for (message, number, record) in std::mem::take(&mut waiting.records) {
            self.check_spec(message)?;
            self.state.append_record(message, number, record);
        }
        for (message, answer) in std::mem::take(&mut waiting.answers) {
            self.check_spec(message)?;
            self.state.set_answer(message, answer);
        }
        for (message, letter) in std::mem::take(&mut waiting.dead_letters) {
            self.check_spec(message)?;
            self.state.set_dead_letter(message, Some(letter));
        }
        Ok(())
    }
}

/// Gives no number again that an entity shows to be taken.
fn skip_numbers(entity: &Entity, meta: &mut Meta) {
    let skip = |next: &mut u64, taken: u64| *next = (*next).max(taken.saturating_add(1));
    match entity {
        Entity::Queue(queue) => skip(&mut meta.next_sequence, queue.id.0.get()),
        Entity::Spec(spec) => skip(&mut meta.next_sequence, spec.sequence.0),
        Entity::Body(id) => skip(&mut meta.next_body, id.0),
        Entity::Listed(entry) => skip(&mut meta.next_row, entry.id.sequence),
        Entity::Log(row) => skip(&mut meta.next_row, row.id.sequence),
        Entity::State(..)
        | Entity::Record(..)
        | Entity::Answer(..)
        | Entity::DeadLetter(..)
        | Entity::Schedule(_)
        | Entity::Meta(_)
        | Entity::Account(_)
        | Entity::Day(_)
        | Entity::DedupKey(_)
        | Entity::UrlGroup(_)
        | Entity::FlowKey(_) => {}
    }
}
