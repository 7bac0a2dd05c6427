//! The body store: the bytes of bodies, of which the engine knows only ids.
//!
//! A body that a reply or an attempt names stays readable until the reply or the attempt has left the server, even if
//! the engine deletes the body meanwhile. For this the driver takes a [`Hold`] under the engine's lock, and bodies
//! that are deleted later stay until the hold is dropped. The driver reads the bytes outside the lock.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::StoreError;
use crate::engine::{BodyChange, BodyId, BodySource, CallbackReport};

/// Writes the bytes of a callback's report, given the bytes of the body that it quotes. A pure function.
pub(crate) type WriteCallback = fn(&CallbackReport, &Bytes) -> Bytes;

/// A body store in memory. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Bodies {
    inner: Arc<Mutex<Inner>>,
    write_callback: WriteCallback,
}

/// How many bodies of adjacent ids share one entry of the map. Bodies that are published together have adjacent ids.
const CHUNK: u64 = 16;

/// A body of at most so many bytes is copied: sharing it would take 48 bytes more than the copy.
const SMALL: usize = 512;

/// The small bodies among [`CHUNK`] adjacent ids.
type Chunk = Box<[Option<Box<[u8]>>; CHUNK as usize]>;

#[derive(Default)]
struct Inner {
    small: BTreeMap<u64, Chunk>,
    large: BTreeMap<BodyId, Bytes>,
    /// How many deletions there were.
    deletions: u64,
    /// Deleted bodies that a hold may keep readable, each with the number of its deletion.
    doomed: VecDeque<(u64, BodyId)>,
    /// How many holds there are, by the number of the newest deletion when they began.
    holds: BTreeMap<u64, usize>,
}

impl Inner {
    fn put(&mut self, id: BodyId, bytes: &Bytes) {
        if self.has(id) {
            // A restored snapshot can bring a body back whose deletion still waits for a hold.
            self.doomed.retain(|(_, doomed)| *doomed != id);
            self.remove(id);
        }
        if bytes.len() > SMALL {
            self.large.insert(id, bytes.clone());
            return;
        }
        let chunk = self.small.entry(id.0 / CHUNK).or_default();
        chunk[(id.0 % CHUNK) as usize] = Some(Box::from(&bytes[..]));
    }

    fn has(&self, id: BodyId) -> bool {
        let chunk = self.small.get(&(id.0 / CHUNK));
        let small = chunk.is_some_and(|chunk| chunk[(id.0 % CHUNK) as usize].is_some());
        small || self.large.contains_key(&id)
    }

    fn get(&self, id: BodyId) -> Option<Bytes> {
        let chunk = self.small.get(&(id.0 / CHUNK));
        let small = chunk.and_then(|chunk| chunk[(id.0 % CHUNK) as usize].as_deref());
        match small {
            Some(small) => Some(Bytes::copy_from_slice(small)),
            None => self.large.get(&id).cloned(),
        }
    }

    fn remove(&mut self, id: BodyId) {
        let key = id.0 / CHUNK;
        if let Some(chunk) = self.small.get_mut(&key) {
            chunk[(id.0 % CHUNK) as usize] = None;
            if chunk.iter().all(Option::is_none) {
                self.small.remove(&key);
            }
        }
        self.large.remove(&id);
    }

    fn delete(&mut self, id: BodyId) {
        self.deletions += 1;
        self.doomed.push_back((self.deletions, id));
    }

    /// Removes the deleted bodies that no hold keeps.
    fn sweep(&mut self) {
        let oldest = self.holds.keys().next().copied().unwrap_or(u64::MAX);
        while let Some((deletion, id)) = self.doomed.front().copied()
            && deletion <= oldest
        {
            self.doomed.pop_front();
            self.remove(id);
        }
    }
}

impl Bodies {
    pub(crate) fn new(
        bodies: impl IntoIterator<Item = (BodyId, Bytes)>,
        write_callback: WriteCallback,
    ) -> Self {
        let mut inner = Inner::default();
        for (id, bytes) in bodies {
            inner.put(id, &bytes);
        }
        Self {
            inner: Arc::new(Mutex::new(inner)),
            write_callback,
        }
    }

    /// Applies the changes of one input. If it deletes bodies, they stay readable until the returned hold is dropped,
    /// because the input's own reply may name them.
    pub(crate) fn apply(&self, changes: &[BodyChange]) -> Option<Arc<Hold>> {
        if changes.is_empty() {
            return None;
        }
        let mut inner = self.inner.lock();
        let deletes = changes
            .iter()
            .any(|change| matches!(change, BodyChange::Delete(_)));
        let hold = deletes.then(|| self.begin_hold(&mut inner));
        for change in changes {
            match change {
                BodyChange::Put(id, bytes) => inner.put(*id, bytes),
                BodyChange::Delete(id) => inner.delete(*id),
            }
        }
        hold
    }

    /// Keeps bodies that are deleted from now on readable until the hold is dropped.
    pub(crate) fn hold(&self) -> Arc<Hold> {
        self.begin_hold(&mut self.inner.lock())
    }

    fn begin_hold(&self, inner: &mut Inner) -> Arc<Hold> {
        let since = inner.deletions;
        *inner.holds.entry(since).or_default() += 1;
        let bodies = self.clone();
        Arc::new(Hold { since, bodies })
    }

    /// Reads or writes the bytes of a body.
    ///
    /// # Errors
    /// The bytes are not in the store, which should never happen.
    pub(crate) fn read(&self, source: &BodySource) -> Result<Bytes, StoreError> {
        match source {
            BodySource::Bytes(bytes) => Ok(bytes.clone()),
            BodySource::Stored(id) => self.stored(*id),
            BodySource::Callback(report) => {
                let quoted = self.stored(report.source.body.stored())?;
                Ok((self.write_callback)(report, &quoted))
            }
        }
    }

    fn stored(&self, id: BodyId) -> Result<Bytes, StoreError> {
        let found = self.inner.lock().get(id);
        found.ok_or_else(|| StoreError(format!("body {} is lost", id.0)))
    }

    /// All bodies with their bytes, without deleted ones that a hold keeps readable.
    pub(crate) fn all(&self) -> Vec<(BodyId, Bytes)> {
        let inner = self.inner.lock();
        let doomed: BTreeSet<_> = inner.doomed.iter().map(|(_, id)| *id).collect();
        let large = inner.large.iter().map(|(id, bytes)| (*id, bytes.clone()));
        let mut all: Vec<_> = large.collect();
        for (chunk, slots) in &inner.small {
            for (offset, slot) in (0..).zip(slots.iter()) {
                if let Some(bytes) = slot {
                    let bytes = Bytes::copy_from_slice(bytes);
                    all.push((BodyId(chunk * CHUNK + offset), bytes));
                }
            }
        }
        all.retain(|(id, _)| !doomed.contains(id));
        all
    }
}

/// Keeps bodies readable that are deleted while it lives. See [`Bodies::hold`].
pub(crate) struct Hold {
    since: u64,
    bodies: Bodies,
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut inner = self.bodies.inner.lock();
        if let Some(count) = inner.holds.get_mut(&self.since) {
            *count -= 1;
            if *count == 0 {
                inner.holds.remove(&self.since);
            }
        }
        inner.sweep();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that is copied, and one that is shared.
    const SIZES: [usize; 2] = [SMALL, SMALL + 1];

    fn store(size: usize) -> Bodies {
        let bodies = Bodies::new([], |_, _| Bytes::new());
        drop(bodies.apply(&[BodyChange::Put(BodyId(17), body(size))]));
        bodies
    }

    fn body(size: usize) -> Bytes {
        vec![b'x'; size].into()
    }

    fn read(bodies: &Bodies) -> Option<Bytes> {
        bodies.read(&BodySource::Stored(BodyId(17))).ok()
    }

    #[test]
    fn a_deleted_body_is_gone_and_its_chunk_with_it() {
        for size in SIZES {
            let bodies = store(size);
            assert_eq!(read(&bodies), Some(body(size)));
            assert_eq!(bodies.all(), [(BodyId(17), body(size))]);
            drop(bodies.apply(&[BodyChange::Delete(BodyId(17))]));
            assert_eq!(read(&bodies), None);
            assert!(bodies.all().is_empty());
            assert!(bodies.inner.lock().small.is_empty());
        }
    }

    #[test]
    fn a_body_that_is_deleted_while_somebody_reads_stays_until_then() {
        let bodies = store(SMALL);
        let (early, late) = (bodies.hold(), bodies.hold());
        drop(bodies.apply(&[BodyChange::Delete(BodyId(17))]));
        let after = bodies.hold();
        drop(early);
        assert!(read(&bodies).is_some(), "another one still reads");
        drop(late);
        assert!(read(&bodies).is_none(), "whoever came later reads others");
        drop(after);
        assert!(bodies.inner.lock().holds.is_empty());
    }

    #[test]
    fn a_body_that_is_stored_again_outlives_the_hold_on_its_deletion() {
        for (before, after) in [(SIZES[0], SIZES[1]), (SIZES[1], SIZES[0])] {
            let bodies = store(before);
            let hold = bodies.hold();
            drop(bodies.apply(&[BodyChange::Delete(BodyId(17))]));
            assert!(bodies.all().is_empty(), "a snapshot leaves it out");
            assert_eq!(read(&bodies), Some(body(before)));
            drop(bodies.apply(&[BodyChange::Put(BodyId(17), body(after))]));
            drop(hold);
            assert_eq!(bodies.all(), [(BodyId(17), body(after))]);
        }
    }
}
