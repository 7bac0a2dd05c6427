//! Counts how many specs and schedules have each body. The bytes are in the body store; when the last owner lets a
//! body go, it is deleted there.

use bytes::Bytes;

use super::EngineState;
use crate::engine::model::id::BodyId;
use crate::engine::model::spec::BodyChange;

impl EngineState {
    /// Stores bytes in the body store. The caller holds the body until it calls [`EngineState::let_go_body`].
    pub(crate) fn put_body(&mut self, id: BodyId, bytes: Bytes) {
        self.body_changes.push(BodyChange::Put(id, bytes));
    }

    /// Counts one more owner of a body.
    pub(crate) fn hold_body(&mut self, id: BodyId) {
        *self.messages.shared.entry(id).or_insert(1) += 1;
    }

    /// Counts one owner of a body less. Without owners it is deleted.
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
