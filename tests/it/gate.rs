//! A store that commits when it is told to: at once, later, or never.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use qstash_mock_server::storage::{
    Acknowledge, Changes, Commit, Durability, Image, Loaded, Store, StoreError,
};
use tokio::sync::watch;

/// Clones share what is stored, so that a test keeps one and the server the other.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<Shared>);

#[derive(Default)]
struct Shared {
    inner: Mutex<Inner>,
    /// The number of the newest commit that was handed over.
    handed: watch::Sender<u64>,
}

#[derive(Default)]
struct Inner {
    durable: Image,
    /// Commits that are not durable yet, oldest first.
    held: VecDeque<(u64, Changes)>,
    holding: bool,
    failing: bool,
    acknowledge: Option<Acknowledge>,
}

impl Gate {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on no commit is durable until [`Gate::release`] says so.
    pub(crate) fn hold(&self) {
        self.inner().holding = true;
    }

    /// Makes the oldest `count` held commits durable.
    pub(crate) fn release(&self, count: usize) {
        for _ in 0..count {
            let (number, acknowledge) = {
                let mut inner = self.inner();
                let (number, changes) = inner.held.pop_front().expect("a commit is held");
                inner.durable.apply(changes);
                (number, inner.acknowledge.clone())
            };
            // Not under the lock: the driver may commit again.
            acknowledge.expect("the store was started").durable(number);
        }
    }

    /// Makes all that is held durable, and from now on everything at once.
    pub(crate) fn open(&self) {
        self.inner().holding = false;
        while self.held() > 0 {
            self.release(1);
        }
    }

    /// From now on every commit is refused.
    pub(crate) fn fail(&self) {
        self.inner().failing = true;
    }

    /// Says that a held commit was lost.
    pub(crate) fn lose(&self) {
        let acknowledge = self.inner().acknowledge.clone();
        acknowledge
            .expect("the store was started")
            .failed(StoreError("the disk is gone".to_owned()));
    }

    pub(crate) fn held(&self) -> usize {
        self.inner().held.len()
    }

    /// The number of the newest commit.
    pub(crate) fn commits(&self) -> u64 {
        *self.0.handed.borrow()
    }

    /// Returns once there are that many commits.
    pub(crate) async fn until(&self, commits: u64) {
        let mut handed = self.0.handed.subscribe();
        let reached = handed.wait_for(|it| *it >= commits);
        // Only a commit that never comes takes this long.
        let reached = tokio::time::timeout(Duration::from_secs(60), reached).await;
        reached.expect("the commit comes").unwrap();
    }

    /// What a machine that crashed now would find on its disk: the durable commits and nothing else.
    pub(crate) fn after_crash(&self) -> Self {
        let gate = Self::default();
        gate.inner().durable = self.inner().durable.clone();
        gate
    }
}

impl Store for Gate {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        Ok(self.inner().durable.load())
    }

    fn start(&mut self, acknowledge: Acknowledge) {
        self.inner().acknowledge = Some(acknowledge);
    }

    fn commit(&mut self, commit: Commit<'_>) -> Result<Durability, StoreError> {
        let (number, changes) = (commit.number(), commit.into_changes());
        let mut inner = self.inner();
        if inner.failing {
            return Err(StoreError("the disk is full".to_owned()));
        }
        let durability = if inner.holding || !inner.held.is_empty() {
            inner.held.push_back((number, changes));
            Durability::Later
        } else {
            inner.durable.apply(changes);
            Durability::Now
        };
        drop(inner);
        self.0.handed.send_replace(number);
        Ok(durability)
    }
}
