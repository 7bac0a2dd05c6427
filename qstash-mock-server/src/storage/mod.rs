//! Storage remembers what the engine changed.
//!
//! Each input of the engine makes one change set with a number, one higher than the last. A store takes
//! change sets in order and applies each whole or not at all. The driver lets a reply or an effect go
//! only when its commit is durable; a store that cannot keep up delays answers, never loses them. While
//! 10,000 change sets are not durable yet, calls are refused with 503. A failed commit stops the server,
//! because memory is then ahead of the disk.

mod bodies;
mod memory;

pub(crate) use bodies::{Bodies, Hold};
pub use memory::{Image, MemoryStore, Volatile};

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::engine::{BodyChange, BodyId, Change, Engine, Entity};

/// Remembers change sets.
pub trait Store: Send + 'static {
    /// Everything that is remembered, in any order. Called once, before the first commit.
    ///
    /// # Errors
    /// What is stored cannot be read; the server does not start.
    fn load(&mut self) -> Result<Loaded, StoreError>;

    /// Where to tell that commits answered with [`Durability::Later`] are durable. Called once, before
    /// the first commit.
    fn start(&mut self, acknowledge: Acknowledge) {
        drop(acknowledge);
    }

    /// Takes the next change set. Must not block: it is called under the engine's lock.
    ///
    /// # Errors
    /// The change set cannot be kept; the server stops.
    fn commit(&mut self, commit: Commit<'_>) -> Result<Durability, StoreError>;
}

/// Everything that a store remembers.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The entities, in any order.
    pub entities: Vec<Entity>,
    /// The bodies of messages.
    pub bodies: Vec<(BodyId, Bytes)>,
}

/// What one input changed, to be kept whole or not at all.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The entities, each at most once.
    pub entities: Vec<Change>,
    /// The bodies of messages, in order.
    pub bodies: Vec<BodyChange>,
}

/// Whether a commit outlives a crash already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It does, and so do all commits before it.
    Now,
    /// [`Acknowledge::durable`] will tell.
    Later,
}

/// One change set, made only if the store asks for it.
#[derive(Debug)]
pub struct Commit<'a> {
    pub(crate) number: u64,
    pub(crate) engine: &'a mut Engine,
    pub(crate) bodies: Vec<BodyChange>,
}

impl Commit<'_> {
    /// The commit's number: 1 for the first one of this process, then one more each.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The changes.
    #[must_use]
    pub fn into_changes(self) -> Changes {
        Changes {
            entities: self.engine.take_changes(),
            bodies: self.bodies,
        }
    }
}

/// Tells the driver how far commits are durable. May be called from any thread and at any time, also inside
/// [`Store::commit`]; it never waits for the engine.
#[derive(Clone)]
pub struct Acknowledge(Arc<dyn Fn(Result<u64, StoreError>) + Send + Sync>);

impl Acknowledge {
    pub(crate) fn new(tell: impl Fn(Result<u64, StoreError>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// All commits up to this number outlive a crash.
    pub fn durable(&self, number: u64) {
        (self.0)(Ok(number));
    }

    /// A commit was lost: the server stops.
    pub fn failed(&self, error: StoreError) {
        (self.0)(Err(error));
    }
}

impl fmt::Debug for Acknowledge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Acknowledge(..)")
    }
}

/// Why a store could not do its work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("storage failed: {0}")]
pub struct StoreError(pub String);
