//! Storage that lives as long as the process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Commit, Durability, Store, StoreError};
use crate::engine::{Change, Entity, EntityKey};

/// Remembers nothing: the engine's own memory is all there is. The default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Volatile;

impl Store for Volatile {
    fn load(&mut self) -> Result<Vec<Entity>, StoreError> {
        Ok(Vec::new())
    }

    fn commit(&mut self, commit: Commit<'_>) -> Result<Durability, StoreError> {
        commit.engine.forget_changes();
        Ok(Durability::Now)
    }
}

/// Remembers as long as a clone of it lives, so that a test can stop a server and start another one
/// from what the first had committed.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<BTreeMap<EntityKey, Entity>>>);

impl MemoryStore {
    /// A store that holds nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Store for MemoryStore {
    fn load(&mut self) -> Result<Vec<Entity>, StoreError> {
        let entities = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(entities.values().cloned().collect())
    }

    fn commit(&mut self, commit: Commit<'_>) -> Result<Durability, StoreError> {
        let mut entities = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for change in commit.into_changes() {
            match change {
                Change::Put(entity) => entities.insert(entity.key(), entity),
                Change::Delete(key) => entities.remove(&key),
            };
        }
        Ok(Durability::Now)
    }
}
