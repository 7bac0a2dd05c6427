//! Who has which body: specs and schedules. The bytes are elsewhere; the last one to let a body go has it deleted.

use bytes::Bytes;

use super::EngineState;
use crate::engine::model::id::BodyId;
use crate::engine::model::spec::BodyChange;

impl EngineState {
    /// Hands bytes to the body store. Whoever puts them has them, until [`EngineState::let_go_body`].
    pub(crate) fn put_body(&mut self, id: BodyId, bytes: Bytes) {
        self.body_changes.push(BodyChange::Put(id, bytes));
    }

    /// One more has a body.
    pub(crate) fn hold_body(&mut self, id: BodyId) {
        *self.messages.shared.entry(id).or_insert(1) += 1;
    }

    /// One less has a body; the last one takes it along.
    pub(crate) fn let_go_body(&mut self, id: BodyId) {
        match self.messages.shared.get_mut(&id) {
            None => self.body_changes.push(BodyChange::Delete(id)),
            Some(2) => {
                self.messages.shared.remove(&id);
            }
            Some(holders) => *holders -= 1,
        }
    }

    /// How many have a body, for the invariants.
    pub(crate) fn holders_of(&self, id: BodyId) -> u32 {
        self.messages.shared.get(&id).copied().unwrap_or(1)
    }

    /// Bodies that more than one has, for the invariants.
    pub(crate) fn shared_bodies(&self) -> usize {
        self.messages.shared.len()
    }
}
