//! Test control: the snapshots that were taken over HTTP.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::super::error::ApiError;
use super::super::limits::{SNAPSHOT_BYTES, SNAPSHOTS};
use crate::testing::Snapshot;

/// Keeps snapshots within bounds. Over a bound the next snapshot is refused.
pub(in crate::api) struct Shelf {
    most: usize,
    most_bytes: u64,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    last: u64,
    bytes: u64,
    snapshots: BTreeMap<u64, Snapshot>,
}

impl Default for Shelf {
    fn default() -> Self {
        Self::new(SNAPSHOTS, SNAPSHOT_BYTES)
    }
}

impl Shelf {
    fn new(most: usize, most_bytes: u64) -> Self {
        Self {
            most,
            most_bytes,
            kept: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the snapshot that `take` makes, unless there are too many, and returns its name.
    pub(super) fn keep(
        &self,
        take: impl FnOnce() -> Snapshot,
    ) -> Result<(u64, Snapshot), ApiError> {
        let mut kept = self.lock();
        if kept.snapshots.len() >= self.most {
            return Err(ApiError::too_many_snapshots(self.most));
        }
        let snapshot = take();
        let bytes = kept.bytes.saturating_add(snapshot.bytes());
        if bytes > self.most_bytes {
            return Err(ApiError::too_large_snapshots(self.most_bytes));
        }
        kept.bytes = bytes;
        kept.last += 1;
        let id = kept.last;
        kept.snapshots.insert(id, snapshot.clone());
        Ok((id, snapshot))
    }

    pub(super) fn find(&self, id: u64) -> Option<Snapshot> {
        self.lock().snapshots.get(&id).cloned()
    }

    /// Forgets a snapshot; `None` if it does not exist.
    pub(super) fn forget(&self, id: u64) -> Option<Snapshot> {
        let mut kept = self.lock();
        let snapshot = kept.snapshots.remove(&id)?;
        kept.bytes -= snapshot.bytes();
        Some(snapshot)
    }

    pub(super) fn all(&self) -> Vec<(u64, Snapshot)> {
        let kept = self.lock();
        let named = |(id, snapshot): (&u64, &Snapshot)| (*id, snapshot.clone());
        kept.snapshots.iter().map(named).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(shelf: &Shelf, bytes: u64) -> Result<u64, &'static str> {
        let kept = shelf.keep(|| Snapshot::of_bytes(bytes));
        kept.map(|(id, _)| id).map_err(|error| error.parts().1)
    }

    #[test]
    fn snapshots_are_kept_up_to_their_number_and_no_more() {
        let shelf = Shelf::new(2, 100);
        assert_eq!((keep(&shelf, 1), keep(&shelf, 1)), (Ok(1), Ok(2)));
        assert_eq!(keep(&shelf, 1), Err("too_many_snapshots"));
        assert!(shelf.forget(1).is_some() && shelf.forget(1).is_none());
        assert_eq!(keep(&shelf, 1), Ok(3), "a name does not come again");
        let names: Vec<_> = shelf.all().into_iter().map(|(id, _)| id).collect();
        assert_eq!(names, [2, 3]);
    }

    #[test]
    fn snapshots_are_kept_up_to_their_bytes_and_no_more() {
        let shelf = Shelf::new(10, 100);
        assert_eq!(keep(&shelf, 101), Err("too_many_snapshots"));
        assert_eq!((keep(&shelf, 60), keep(&shelf, 40)), (Ok(1), Ok(2)));
        assert_eq!(keep(&shelf, 1), Err("too_many_snapshots"));
        shelf.forget(2);
        assert_eq!(keep(&shelf, 41), Err("too_many_snapshots"));
        assert_eq!(keep(&shelf, 40), Ok(3));
        assert!(shelf.find(3).is_some() && shelf.find(2).is_none());
    }
}
