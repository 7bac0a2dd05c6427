//! Snapshots: everything that a server holds at a moment.

use std::sync::Arc;

use crate::driver::{Driver, ReplaceError};
use crate::engine::{Entity, Timestamp};

/// What a server held at a moment; made by [`MockServer::snapshot`](crate::MockServer::snapshot). Cheap to
/// clone. Lives in memory only.
#[derive(Clone)]
pub struct Snapshot {
    at: Timestamp,
    bytes: u64,
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
            bytes: bytes(&entities),
            entities: entities.into(),
        }
    }

    /// What it holds in memory, where the server does not hold the same.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// One that holds nothing and says that it holds so much.
    #[cfg(test)]
    pub(crate) fn of_bytes(bytes: u64) -> Self {
        Self {
            at: Timestamp::from_millis(0),
            bytes,
            entities: Arc::new([]),
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

fn bytes(entities: &[Entity]) -> u64 {
    let bodies = entities.iter().map(|entity| match entity {
        Entity::Body(_, bytes) => bytes.len() as u64,
        _ => 0,
    });
    size_of_val(entities) as u64 + bodies.sum::<u64>()
}
