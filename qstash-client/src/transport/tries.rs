//! How far a call has come, to be told also when its time runs out.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::Error;

/// What one call has tried so far.
#[derive(Default)]
pub(crate) struct Tries {
    retries: AtomicU32,
    last: Mutex<Option<Error>>,
}

impl Tries {
    /// Tries after the first one.
    pub(crate) fn retries(&self) -> u32 {
        self.retries.load(Ordering::Relaxed)
    }

    /// A retry begins.
    pub(crate) fn again(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// A try has failed, and there will be another one.
    pub(crate) fn note(&self, error: Error) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    /// Why the last try failed that is over.
    pub(crate) fn last(&self) -> Option<Error> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.take()
    }
}
