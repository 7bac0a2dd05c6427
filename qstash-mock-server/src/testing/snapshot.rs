//! Snapshots: everything that a server stores at one moment.

use std::sync::Arc;

use bytes::Bytes;

use crate::driver::{Driver, ReplaceError};
use crate::engine::{BodyId, Entity, Timestamp};

/// Everything that a server stored at one moment, for [`MockServer::restore`](crate::MockServer::restore).
/// [`MockServer::snapshot`](crate::MockServer::snapshot) makes it. Cheap to clone. It cannot be saved to a file.
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

    /// The bytes of memory that the snapshot takes beyond what it may share with the server.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// An empty snapshot that claims to take this many bytes.
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

    /// The server's time when the snapshot was taken.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }
}

fn bytes(entities: &[Entity], bodies: &[(BodyId, Bytes)]) -> u64 {
    let lengths = bodies.iter().map(|(_, bytes)| bytes.len() as u64);
    size_of_val(entities) as u64 + lengths.sum::<u64>()
}
