//! How long the lock is held at most. The benchmark `load` reads it; nobody else looks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The longest time that somebody held the lock, since it was last asked for.
#[derive(Default)]
pub(super) struct LongestHold(AtomicU64);

impl LongestHold {
    /// Returns the longest time and forgets it.
    pub(super) fn take(&self) -> Duration {
        Duration::from_nanos(self.0.swap(0, Ordering::Relaxed))
    }

    /// Starts a stopwatch, which runs until it is dropped.
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
        // Few times are longer than all before, and a load is cheaper than `fetch_max`.
        if held > longest.load(Ordering::Relaxed) {
            longest.fetch_max(held, Ordering::Relaxed);
        }
    }
}
