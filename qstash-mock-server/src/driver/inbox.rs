//! What the store tells of its progress, until somebody with the lock looks at it.
//!
//! A store may tell it from any thread and at any time, also inside `commit`, when the lock is held: so it is only
//! noted here, and whoever holds the lock looks at it, at the latest after letting the lock go.

use std::sync::atomic::{AtomicBool, Ordering, fence};

use parking_lot::Mutex;

use crate::storage::StoreError;

/// What the store has told and nobody has looked at yet.
#[derive(Default)]
pub(super) struct Inbox {
    any: AtomicBool,
    told: Mutex<Told>,
}

/// How far the store has come.
#[derive(Default)]
pub(super) struct Told {
    /// All commits up to this number are durable.
    pub(super) durable: u64,
    /// A commit was lost.
    pub(super) failed: Option<StoreError>,
}

impl Inbox {
    pub(super) fn note(&self, result: Result<u64, StoreError>) {
        let mut told = self.told.lock();
        match result {
            Ok(number) => told.durable = told.durable.max(number),
            Err(error) => drop(told.failed.get_or_insert(error)),
        }
        self.any.store(true, Ordering::SeqCst);
    }

    /// Whether there is something to look at. Called before trying the lock, and after letting it go: of two threads of
    /// which one notes and then tries the lock, while the other one lets it go and then asks, at least one succeeds.
    pub(super) fn has_some(&self) -> bool {
        fence(Ordering::SeqCst);
        self.any.load(Ordering::SeqCst)
    }

    pub(super) fn take(&self) -> Option<Told> {
        if !self.has_some() {
            return None;
        }
        let mut told = self.told.lock();
        self.any.store(false, Ordering::SeqCst);
        Some(std::mem::take(&mut *told))
    }
}
