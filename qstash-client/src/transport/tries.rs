//! What one call has tried so far. If the time for all tries runs out, the error tells it.

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
    /// Returns how many tries followed the first one.
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

    /// Returns why the last finished try failed.
    pub(crate) fn last(&self) -> Option<Error> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.take()
    }
}
