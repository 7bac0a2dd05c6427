//! Coming back from storage: entities in, indices and timers rebuilt.
//!
//! An attempt whose outcome was never recorded is due again, under the same number: at-least-once
//! falls out of the design. Leases outlive a restart; counters, waiters and bulk operations do not.

use super::config::{Config, Secret};
use super::entity::{Account, Entity, Meta};
use super::id::{AccountName, MessageId};
use super::machine::Engine;
use super::message::{Message, State};
use super::time::Timestamp;

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
                    if let Entity::Queue(queue) = &other {
                        highest = highest.max(queue.id.0);
                    }
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
        engine.load(rest);
        engine.adopt_signing_secret();
        for message in messages {
            engine.load_message(message)?;
        }
        engine.state.drop_orphan_bodies();
        Ok(engine)
    }

    fn load(&mut self, entities: Vec<Entity>) {
        for entity in entities {
            match entity {
                Entity::Account(account) => self.state.put_account(account),
                Entity::Queue(queue) => self.state.put_queue(queue),
                Entity::Body(id, bytes) => self.state.put_body(id, bytes),
                Entity::DedupKey(key) => self.state.put_key(key),
                Entity::Meta(_) | Entity::Message(_) => {}
            }
        }
    }

    /// A secret that is configured, and that the account had neither now nor before, takes over, as after
    /// a rotation. Otherwise the stored one stands: it may have been rotated since it was configured.
    fn adopt_signing_secret(&mut self) {
        let stored = self
            .state
            .account(&AccountName::new(AccountName::DEFAULT))
            .cloned();
        let (Some(stored), Some(Secret(configured))) = (stored, self.config.signing_secret.clone())
        else {
            return;
        };
        if stored.secret != configured && stored.previous_secret.as_ref() != Some(&configured) {
            self.state.put_account(Account {
                secret: configured,
                previous_secret: Some(stored.secret),
                ..stored
            });
        }
    }

    fn load_message(&mut self, mut message: Message) -> Result<(), RestoreError> {
        if self.state.queue(message.queue).is_none() {
            // Its queue was deleted, and the crash came before the last step of that.
            self.state.note_removed(message.id);
            return Ok(());
        }
        if matches!(message.state, State::InFlight { .. }) {
            message.undo_attempt();
            message.state = State::Ready;
        }
        if !message.state.stage().is_finished() && self.state.body(message.body).is_none() {
            return Err(RestoreError::BodyMissing(message.id));
        }
        self.state.insert_message(message);
        Ok(())
    }
}
