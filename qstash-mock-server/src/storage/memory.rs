//! Storage that lives as long as the process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::{Changes, Commit, Durability, Loaded, Store, StoreError};
use crate::engine::{BodyChange, BodyId, Change, Entity, EntityKey};

/// A store that keeps nothing. The state of the server is gone when the server stops. The default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Volatile;

impl Store for Volatile {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        Ok(Loaded::default())
    }

    fn commit(&mut self, commit: Commit<'_>) -> Result<Durability, StoreError> {
        commit.engine.forget_changes();
        Ok(Durability::Now)
    }
}

/// The result of applying change sets in order. Stores in memory, and test stores, are built with it.
#[derive(Clone, Debug, Default)]
pub struct Image {
    entities: BTreeMap<EntityKey, Entity>,
    bodies: BTreeMap<BodyId, Bytes>,
}

impl Image {
    /// Applies one change set.
    pub fn apply(&mut self, changes: Changes) {
        for change in changes.entities {
            match change {
                Change::Put(entity) => self.entities.insert(entity.key(), entity),
                Change::Delete(key) => self.entities.remove(&key),
            };
        }
        for change in changes.bodies {
            match change {
                BodyChange::Put(id, bytes) => self.bodies.insert(id, bytes),
                BodyChange::Delete(id) => self.bodies.remove(&id),
            };
        }
    }

    /// A copy of everything that the image holds.
    #[must_use]
    pub fn load(&self) -> Loaded {
        let bodies = self.bodies.iter();
        Loaded {
            entities: self.entities.values().cloned().collect(),
            bodies: bodies.map(|(id, bytes)| (*id, bytes.clone())).collect(),
        }
    }
}

/// A store in the memory of the process. Its clones share one state, so a test can stop a server and start another
/// one with a clone, which continues from what the first one committed.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<Image>>);

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Store for MemoryStore {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        let image = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(image.load())
    }

    fn commit(&mut self, commit: Commit<'_>) -> Result<Durability, StoreError> {
        let mut image = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        image.apply(commit.into_changes());
        Ok(Durability::Now)
    }
}
