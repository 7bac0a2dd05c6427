//! Snapshots: everything that a server holds at a moment.

use std::sync::Arc;

use crate::driver::{Driver, ReplaceError};
use crate::engine::{Entity, Timestamp};

/// What a server held at a moment; made by [`MockServer::snapshot`](crate::MockServer::snapshot). Cheap to
/// clone. Lives in memory only.
#[derive(Clone)]
pub struct Snapshot {
    at: Timestamp,
    entities: Arc<[Entity]>,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot")
            .field("at", &self.at)
            .field("entities", &self.entities.len())
            .finish_non_exhaustive()
    }
}

impl Snapshot {
    pub(crate) fn of(driver: &Driver) -> Self {
        let (at, entities) = driver.snapshot();
        Self {
            at,
            entities: entities.into(),
        }
    }

    pub(crate) fn restore(&self, driver: &Driver) -> Result<(), ReplaceError> {
        driver.replace(self.at, self.entities.to_vec())
    }

    /// The server's time when it was taken.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }
}
