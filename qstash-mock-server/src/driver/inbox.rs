//! The reports of a store on its progress, until a holder of the lock handles them.
//!
//! A store may report from any thread and at any time, also inside `commit`, while the lock is held. So a report is
//! only noted here. The holder of the lock handles it, at the latest after it has let the lock go.

use std::sync::atomic::{AtomicBool, Ordering, fence};

use parking_lot::Mutex;

use crate::storage::StoreError;

/// The reports that are not handled yet.
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

    /// Whether there is a report to handle. Called before trying the lock, and after letting it go. So of two
    /// threads, one of which notes a report and then tries the lock, while the other lets the lock go and then calls
    /// this, at least one handles the report.
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
