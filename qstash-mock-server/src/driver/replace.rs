//! Taking a snapshot of everything that the engine holds, and going back to it.

use super::advance::ClockBusy;
use super::handle::Driver;
use crate::engine::{BodyId, Engine, Entity, Meta, RestoreError, Timestamp};
use bytes::Bytes;

/// Why there is no going back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplaceError {
    /// Somebody moves the clock.
    #[error("the clock is being moved")]
    Clock(#[from] ClockBusy),
    /// The server is stopped.
    #[error("the server is stopped")]
    Stopped,
    /// The snapshot does not fit together.
    #[error("the state does not fit together")]
    State(#[from] RestoreError),
}

impl Driver {
    /// Everything that storage would remember, and the time.
    pub(crate) fn snapshot(&self) -> (Timestamp, Vec<Entity>, Vec<(BodyId, Bytes)>) {
        let core = self.lock();
        (self.now(), core.engine.entities(), self.bodies().all())
    }

    /// Nothing is there but the secrets of the start, and a manual clock stands where it began. Ids do not
    /// come again.
    pub(crate) fn reset(&self) -> Result<(), ReplaceError> {
        let nothing = Entity::Meta(Meta::new());
        let accounts = self.shared().first_accounts.iter().cloned();
        let entities = [nothing].into_iter().chain(accounts).collect();
        self.replace(self.shared().start, entities, &[])
    }

    /// Goes on with `entities`; a manual clock is put to `at`. What is under way is given up.
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
        // Commits what is new and what is gone.
        self.input(&mut core, Engine::handle_timeout);
        drop(core);
        self.shared().earlier.notify_one();
        Ok(())
    }
}
