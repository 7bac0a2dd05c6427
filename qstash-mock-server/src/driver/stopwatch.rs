//! How long the lock is held at most. The benchmark `load` reads it; nobody else looks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The longest time that somebody held the lock, since it was last asked for.
#[derive(Default)]
pub(super) struct LongestHold(AtomicU64);

impl LongestHold {
    /// The longest time, which is forgotten by that.
    pub(super) fn take(&self) -> Duration {
        Duration::from_nanos(self.0.swap(0, Ordering::Relaxed))
    }

    /// Runs from now on until it is dropped.
    pub(super) fn watch(&self) -> Stopwatch<'_> {
        Stopwatch {
            longest: self,
            since: Instant::now(),
        }
    }
}

/// Notes, when it is dropped, how long it ran.
pub(super) struct Stopwatch<'a> {
    longest: &'a LongestHold,
    since: Instant,
}

impl Drop for Stopwatch<'_> {
    fn drop(&mut self) {
        let held = u64::try_from(self.since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let longest = &self.longest.0;
        // Nearly always a load of a line that no other core writes: cheaper than the swap that it saves.
        if held > longest.load(Ordering::Relaxed) {
            longest.fetch_max(held, Ordering::Relaxed);
        }
    }
}
