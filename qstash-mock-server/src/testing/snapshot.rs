//! Snapshots: everything that a server holds at a moment.

use std::sync::Arc;

use bytes::Bytes;

use crate::driver::{Driver, ReplaceError};
use crate::engine::{BodyId, Entity, Timestamp};

/// What a server held at a moment; made by [`MockServer::snapshot`](crate::MockServer::snapshot). Cheap to
/// clone. Lives in memory only.
#[derive(Clone)]
pub struct Snapshot {
    at: Timestamp,
    bytes: u64,
    entities: Arc<[Entity]>,
    bodies: Arc<[(BodyId, Bytes)]>,
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
        let (at, entities, bodies) = driver.snapshot();
        Self {
            at,
            bytes: bytes(&entities, &bodies),
            entities: entities.into(),
            bodies: bodies.into(),
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
            bodies: Arc::new([]),
        }
    }

    pub(crate) fn restore(&self, driver: &Driver) -> Result<(), ReplaceError> {
        driver.replace(self.at, self.entities.to_vec(), &self.bodies)
    }

    /// The server's time when it was taken.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }
}

fn bytes(entities: &[Entity], bodies: &[(BodyId, Bytes)]) -> u64 {
    let lengths = bodies.iter().map(|(_, bytes)| bytes.len() as u64);
    size_of_val(entities) as u64 + lengths.sum::<u64>()
}
