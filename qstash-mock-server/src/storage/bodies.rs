//! The bodies of messages, outside the engine: it knows their ids, this has their bytes.
//!
//! A body that a reply or an attempt names stays readable until that has left, even if the engine lets it go
//! meanwhile: whoever carries something out takes a [`Hold`] under the engine's lock, and what is deleted later waits
//! for it. Bytes are read outside that lock.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::StoreError;
use crate::engine::{BodyChange, BodyId, BodySource, CallbackReport};

/// Writes what a callback reports, given the body that it quotes: a pure function of both.
pub(crate) type WriteCallback = fn(&CallbackReport, &Bytes) -> Bytes;

/// A body store in memory. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Bodies {
    inner: Arc<Mutex<Inner>>,
    write_callback: WriteCallback,
}

/// Ids are given one after the other, so that bodies that were published together stand together.
const CHUNK: u64 = 16;

#[derive(Default)]
struct Inner {
    chunks: BTreeMap<u64, Box<[Option<Bytes>; CHUNK as usize]>>,
    /// How often something was deleted.
    deletions: u64,
    /// Deleted, but perhaps still to be read: with the number of the deletion.
    doomed: VecDeque<(u64, BodyId)>,
    /// Who reads, by the number of the newest deletion when they began.
    holds: BTreeMap<u64, usize>,
}

impl Inner {
    fn put(&mut self, id: BodyId, bytes: Bytes) {
        let chunk = self.chunks.entry(id.0 / CHUNK).or_default();
        chunk[(id.0 % CHUNK) as usize] = Some(bytes);
    }

    fn get(&self, id: BodyId) -> Option<Bytes> {
        let chunk = self.chunks.get(&(id.0 / CHUNK))?;
        chunk[(id.0 % CHUNK) as usize].clone()
    }

    fn remove(&mut self, id: BodyId) {
        let key = id.0 / CHUNK;
        if let Some(chunk) = self.chunks.get_mut(&key) {
            chunk[(id.0 % CHUNK) as usize] = None;
            if chunk.iter().all(Option::is_none) {
                self.chunks.remove(&key);
            }
        }
    }

    fn delete(&mut self, id: BodyId) {
        self.deletions += 1;
        self.doomed.push_back((self.deletions, id));
    }

    /// Removes what nobody reads any more.
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
            inner.put(id, bytes);
        }
        Self {
            inner: Arc::new(Mutex::new(inner)),
            write_callback,
        }
    }

    /// Does what an input did to bodies. What it deleted can be read until the hold is dropped: the input's own
    /// reply may name it.
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
                BodyChange::Put(id, bytes) => inner.put(*id, bytes.clone()),
                BodyChange::Delete(id) => inner.delete(*id),
            }
        }
        hold
    }

    /// What is deleted from now on can be read until the hold is dropped.
    pub(crate) fn hold(&self) -> Arc<Hold> {
        self.begin_hold(&mut self.inner.lock())
    }

    fn begin_hold(&self, inner: &mut Inner) -> Arc<Hold> {
        let since = inner.deletions;
        *inner.holds.entry(since).or_default() += 1;
        let bodies = self.clone();
        Arc::new(Hold { since, bodies })
    }

    /// The bytes of a body.
    ///
    /// # Errors
    /// The store has lost them.
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

    /// Everything that is stored.
    pub(crate) fn all(&self) -> Vec<(BodyId, Bytes)> {
        let inner = self.inner.lock();
        let mut all = Vec::new();
        for (chunk, slots) in &inner.chunks {
            for (offset, slot) in (0..).zip(slots.iter()) {
                if let Some(bytes) = slot {
                    all.push((BodyId(chunk * CHUNK + offset), bytes.clone()));
                }
            }
        }
        all
    }
}

/// Keeps bodies readable that are deleted while it lives.
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

    fn store() -> Bodies {
        let bodies = Bodies::new([], |_, _| Bytes::new());
        drop(bodies.apply(&[BodyChange::Put(BodyId(17), Bytes::from_static(b"one"))]));
        bodies
    }

    fn read(bodies: &Bodies) -> Option<Bytes> {
        bodies.read(&BodySource::Stored(BodyId(17))).ok()
    }

    #[test]
    fn a_deleted_body_is_gone_and_its_chunk_with_it() {
        let bodies = store();
        assert_eq!(read(&bodies), Some(Bytes::from_static(b"one")));
        drop(bodies.apply(&[BodyChange::Delete(BodyId(17))]));
        assert_eq!(read(&bodies), None);
        assert!(bodies.inner.lock().chunks.is_empty());
    }

    #[test]
    fn a_body_that_is_deleted_while_somebody_reads_stays_until_then() {
        let bodies = store();
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
}
