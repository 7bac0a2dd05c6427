//! Storage keeps what the engine changes, so that a server can continue after a restart.
//!
//! Each input of the engine makes one change set, which the driver commits to the [`Store`] under a number: 1 for the
//! first one of the process, then one higher each. A store takes change sets in this order and keeps each whole or
//! not at all. The server sends a reply or starts a delivery only once the change set of the same input, and all
//! earlier ones, are durable. So a slow store delays answers and never loses what the server has acknowledged. While
//! 10,000 change sets are not durable yet, the server refuses calls with status 503. A failed commit stops the
//! server, because its memory is then ahead of the store.

mod bodies;
mod memory;

pub(crate) use bodies::{Bodies, Hold};
pub use memory::{Image, MemoryStore, Volatile};

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::engine::{BodyChange, BodyId, Change, Engine, Entity};

/// Keeps change sets. A server has one store, set by [`MockServerBuilder::store`](crate::MockServerBuilder::store).
pub trait Store: Send + 'static {
    /// Returns everything that the store holds. The server calls it once, before [`Store::start`] and the first commit.
    ///
    /// # Errors
    /// The stored state cannot be read. The server does not start.
    fn load(&mut self) -> Result<Loaded, StoreError>;

    /// Gives the store a handle with which it reports that commits which it answered with [`Durability::Later`] are
    /// durable. The server calls it once, before the first commit. The default drops the handle, for stores that
    /// always answer [`Durability::Now`].
    fn start(&mut self, acknowledge: Acknowledge) {
        drop(acknowledge);
    }

    /// Takes the next change set. It is called under the engine's lock, so it must not block: a store that writes to
    /// a disk or a network passes the changes on and answers [`Durability::Later`].
    ///
    /// # Errors
    /// The change set cannot be kept. The server stops.
    fn commit(&mut self, commit: Commit<'_>) -> Result<Durability, StoreError>;
}

/// Everything that a store holds.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The entities, in any order.
    pub entities: Vec<Entity>,
    /// The bodies of messages and schedules, in any order.
    pub bodies: Vec<(BodyId, Bytes)>,
}

/// What one input of the engine changed. A store keeps it whole or not at all.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The changes of entities, each entity at most once.
    pub entities: Vec<Change>,
    /// The changes of bodies, in the order in which they were made.
    pub bodies: Vec<BodyChange>,
}

/// Whether a commit is durable, that is: whether it outlives a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The commit and all earlier ones are durable.
    Now,
    /// The store will report it by [`Acknowledge::durable`].
    Later,
}

/// The commit of one input. The server collects the changes of entities only when the store calls
/// [`Commit::into_changes`], which every store must do that keeps anything.
#[derive(Debug)]
pub struct Commit<'a> {
    pub(crate) number: u64,
    pub(crate) engine: &'a mut Engine,
    pub(crate) bodies: Vec<BodyChange>,
}

impl Commit<'_> {
    /// The commit's number: 1 for the first one of this process, then one higher each.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Collects the change set.
    #[must_use]
    pub fn into_changes(self) -> Changes {
        Changes {
            entities: self.engine.take_changes(),
            bodies: self.bodies,
        }
    }
}

/// The handle with which a store reports how far commits are durable. Its methods may be called from any thread and
/// at any time, also inside [`Store::commit`]; they never wait for the engine. Cheap to clone.
#[derive(Clone)]
pub struct Acknowledge(Arc<dyn Fn(Result<u64, StoreError>) + Send + Sync>);

impl Acknowledge {
    pub(crate) fn new(tell: impl Fn(Result<u64, StoreError>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// Reports that all commits up to `number` are durable.
    pub fn durable(&self, number: u64) {
        (self.0)(Ok(number));
    }

    /// Reports that a commit was lost. The server stops.
    pub fn failed(&self, error: StoreError) {
        (self.0)(Err(error));
    }
}

impl fmt::Debug for Acknowledge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Acknowledge(..)")
    }
}

/// Why a store failed, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("storage failed: {0}")]
pub struct StoreError(pub String);
