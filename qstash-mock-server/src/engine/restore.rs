//! Coming back from storage: entities in, indices and timers rebuilt.
//!
//! An attempt whose outcome was never recorded is due again, under the same number: at-least-once
//! falls out of the design. Leases outlive a restart; counters, waiters and bulk operations do not.

use crate::engine::config::Config;
use crate::engine::inputs::Engine;
use crate::engine::manage::dead_letters::DlqEntry;
use crate::engine::manage::schedules::Schedule;
use crate::engine::model::entity::{Entity, Meta};
use crate::engine::model::id::MessageId;
use crate::engine::model::message::{Message, State};
use crate::engine::model::time::Timestamp;

/// Why stored entities do not make an engine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// A message that is not finished has no body: the store has lost something.
    #[error("message {} has no body", .0.0)]
    BodyMissing(MessageId),
}

impl Engine {
    /// An engine that goes on where the stored entities left off. Raises the epoch, so that no id and
    /// no lease comes twice.
    ///
    /// # Errors
    /// The entities contradict each other.
    pub fn restore(
        config: Config,
        now: Timestamp,
        entities: impl IntoIterator<Item = Entity>,
    ) -> Result<Self, RestoreError> {
        let (mut meta, mut messages, mut rest) = (
            Meta {
                epoch: 0,
                next_sequence: 1,
            },
            vec![],
            vec![],
        );
        let mut highest = 0;
        for entity in entities {
            match entity {
                Entity::Meta(stored) => meta = stored,
                Entity::Message(message) => {
                    highest = highest.max(message.sequence);
                    messages.push(*message);
                }
                other => {
                    highest = highest.max(sequence_of(&other));
                    rest.push(other);
                }
            }
        }
        let next_sequence = meta.next_sequence.max(highest + 1);
        let mut engine = Self::with_meta(
            config,
            now,
            Meta {
                epoch: meta.epoch + 1,
                next_sequence,
            },
        );
        let dead = engine.load(now, rest);
        engine.adopt_signing_secret();
        for message in messages {
            engine.load_message(message)?;
        }
        for entry in dead {
            engine.load_dead(entry)?;
        }
        engine.state.drop_orphan_bodies();
        Ok(engine)
    }

    /// Goes on with `entities` instead of all that there is, as if they had been restored, but in the same
    /// process: the epoch rises, and attempts and waiters get ids that were not there before. What is under
    /// way is forgotten; whoever carries it out has to give it up.
    ///
    /// # Errors
    /// The entities contradict each other, and nothing has changed.
    pub fn replace(&mut self, now: Timestamp, entities: Vec<Entity>) -> Result<(), RestoreError> {
        let before = self.state.keys();
        let epoch = self.state.epoch();
        let raised = entities.into_iter().map(|entity| match entity {
            Entity::Meta(meta) => Entity::Meta(Meta { epoch, ..meta }),
            other => other,
        });
        let mut next = Self::restore(self.config.clone(), now, raised)?;
        next.continue_ids_of(self);
        next.state.note_gone(before);
        *self = next;
        Ok(())
    }

    /// Takes over what stands alone; hands back the dead letters, which need their bodies.
    fn load(&mut self, now: Timestamp, entities: Vec<Entity>) -> Vec<DlqEntry> {
        let mut dead = vec![];
        for entity in entities {
            match entity {
                Entity::Dlq(entry) => dead.push(*entry),
                Entity::Account(account) => self.state.put_account(account),
                Entity::Queue(queue) => self.state.put_queue(queue),
                Entity::Body(id, bytes) => self.state.put_body(id, bytes),
                Entity::DedupKey(key) => self.state.put_key(key),
                Entity::UrlGroup(group) => self.state.put_url_group(group),
                Entity::Schedule(schedule) => self.load_schedule(now, *schedule),
                Entity::FlowKey(key) => self.put_flow_key(key),
                Entity::Log(row) => self.state.put_log_row(*row),
                Entity::Meta(_) | Entity::Message(_) => {}
            }
        }
        dead
    }

    /// Times that passed while nobody was there are not made up for.
    fn load_schedule(&mut self, now: Timestamp, mut schedule: Schedule) {
        if schedule.next_at.is_some_and(|next| next <= now) {
            schedule.next_at = schedule.cron.next_after(now);
        }
        self.state.put_schedule(schedule);
    }

    fn load_dead(&mut self, entry: DlqEntry) -> Result<(), RestoreError> {
        if self.state.body(entry.message.body).is_none() {
            return Err(RestoreError::BodyMissing(entry.message.id));
        }
        self.state.put_dlq_entry(entry);
        Ok(())
    }

    fn load_message(&mut self, mut message: Message) -> Result<(), RestoreError> {
        if !self.is_there(&message) {
            // Its queue was deleted, and the crash came before the last step of that.
            self.state.note_removed(message.id);
            return Ok(());
        }
        if matches!(message.state, State::InFlight { .. }) {
            message.undo_attempt();
            message.state = State::Ready;
        }
        if message.keeps_body() && self.state.body(message.body).is_none() {
            return Err(RestoreError::BodyMissing(message.id));
        }
        self.state.insert_message(message);
        Ok(())
    }
}

/// The highest sequence number that an entity shows to be taken.
fn sequence_of(entity: &Entity) -> u64 {
    match entity {
        Entity::Queue(queue) => queue.id.0,
        Entity::Body(id, _) => id.0,
        Entity::Dlq(entry) => entry.id.sequence,
        Entity::Log(row) => row.id.sequence,
        _ => 0,
    }
}
