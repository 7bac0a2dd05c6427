//! Taking a snapshot of everything that the server stores, and restoring it.

use bytes::Bytes;

use super::advance::ClockBusy;
use super::handle::Driver;
use crate::engine::{BodyId, Engine, Entity, Meta, RestoreError, Timestamp};

/// Why a server could not be reset or restored from a snapshot.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplaceError {
    /// Another call is moving the clock.
    #[error("the clock is being moved")]
    Clock(#[from] ClockBusy),
    /// The server is stopped.
    #[error("the server is stopped")]
    Stopped,
    /// The entities of the snapshot do not fit together.
    #[error("the state does not fit together")]
    State(#[from] RestoreError),
}

impl Driver {
    /// Everything that storage would hold, and the server's time.
    pub(crate) fn snapshot(&self) -> (Timestamp, Vec<Entity>, Vec<(BodyId, Bytes)>) {
        let core = self.lock();
        (self.now(), core.engine.entities(), self.bodies().all())
    }

    /// Empties the engine, and puts a manual clock back to its first time. The accounts that existed when the server
    /// started keep the secrets and keys that they had then. No id is made a second time.
    pub(crate) fn reset(&self) -> Result<(), ReplaceError> {
        let nothing = Entity::Meta(Meta::new());
        let accounts = self.shared().first_accounts.iter().cloned();
        let entities = [nothing].into_iter().chain(accounts).collect();
        self.replace(self.shared().start, entities, &[])
    }

    /// Replaces the engine's state by `entities` and `bodies`, and sets a manual clock to `at`. The driver gives up
    /// deliveries under way, and waiting callers get no answer.
    pub(crate) fn replace(
        &self,
        at: Timestamp,
        entities: Vec<Entity>,
        bodies: &[(BodyId, Bytes)],
    ) -> Result<(), ReplaceError> {
        let _moving = self
            .shared()
            .moving
            .try_lock()
            .map_err(|_| ClockBusy::Moving)?;
        let mut core = self.lock();
        if core.stopped {
            return Err(ReplaceError::Stopped);
        }
        let now = if self.is_manual() { at } else { self.now() };
        core.engine.replace(now, entities, bodies)?;
        core.give_up_everything(self);
        self.shared().clock.rewind(at);
        // The input commits what was replaced and what is gone.
        self.input(&mut core, Engine::handle_timeout);
        drop(core);
        self.shared().earlier.notify_one();
        Ok(())
    }
}
