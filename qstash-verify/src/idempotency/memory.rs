//! A store within the process.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Claim, Claimed, Store, StoreError};
use crate::clock::SharedClock;
use crate::{Clock, Timestamp};

/// Remembers messages within the process: for one instance of a service, and until it restarts.
///
/// The store is bounded. When it is full, it forgets the finished message that it would forget first anyway. If its
/// capacity is less than the number of messages delivered within [`keep`](super::Guard::keep), duplicates may get
/// through. If it is less than the number of messages in progress at once, the store refuses work.
#[derive(Debug)]
pub struct MemoryStore {
    capacity: usize,
    clock: SharedClock,
    state: Mutex<State>,
}

impl MemoryStore {
    /// Makes a store with room for `capacity` messages, which take some 200 bytes each.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            clock: SharedClock::default(),
            state: Mutex::default(),
        }
    }

    /// Sets the clock by which holds end and messages are forgotten. By default it is the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = SharedClock::new(clock);
        self
    }

    /// Returns how many messages the store remembers, in progress and finished.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state().0.entries.len()
    }

    /// Returns whether the store remembers no message.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the state without what has run out, and the time.
    fn state(&self) -> (MutexGuard<'_, State>, Timestamp) {
        let now = self.clock.now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.forget_until(now);
        (state, now)
    }
}

impl Store for MemoryStore {
    async fn claim(&self, id: &str, hold: Duration) -> Result<Claimed, StoreError> {
        let (mut state, now) = self.state();
        if let Some(entry) = state.entries.get(id) {
            return Ok(match &entry.phase {
                Phase::Claimed { kept, .. } => Claimed::InProgress {
                    remaining: kept.unwrap_or_else(|| entry.until.since(now)),
                },
                Phase::Finished(Some(answer)) => Claimed::Answered(answer.to_vec()),
                Phase::Finished(None) => Claimed::Finished,
            });
        }
        state.make_room(self.capacity)?;
        state.claims += 1;
        let fence = state.claims;
        state.put(id, now.plus(hold), Phase::Claimed { fence, kept: None });
        Ok(Claimed::Granted(Claim::new(id, fence)))
    }

    /// While somebody works on the message, the claim has no end: what could forget it dies with the process.
    async fn renew(&self, claim: &Claim, hold: Duration) {
        let _kept = Kept::new(self, claim, hold);
        std::future::pending::<()>().await;
    }

    async fn commit(&self, claim: &Claim, keep: Duration) -> Result<(), StoreError> {
        self.finish(claim, keep, None)
    }

    async fn commit_with_answer(
        &self,
        claim: &Claim,
        keep: Duration,
        answer: &[u8],
    ) -> Result<(), StoreError> {
        self.finish(claim, keep, Some(answer.into()))
    }

    async fn release(&self, claim: &Claim) -> Result<(), StoreError> {
        self.free(claim);
        Ok(())
    }

    fn abandon(&self, claim: Claim) {
        self.free(&claim);
    }
}

/// A claim that does not end until this is dropped. Then it lasts for its hold once more.
struct Kept<'a> {
    store: &'a MemoryStore,
    claim: &'a Claim,
    hold: Duration,
}

impl<'a> Kept<'a> {
    fn new(store: &'a MemoryStore, claim: &'a Claim, hold: Duration) -> Self {
        let never = Timestamp::from_millis(u64::MAX);
        store.state().0.prolong(claim, never, Some(hold));
        Self { store, claim, hold }
    }
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        let (mut state, now) = self.store.state();
        state.prolong(self.claim, now.plus(self.hold), None);
    }
}

impl MemoryStore {
    fn finish(
        &self,
        claim: &Claim,
        keep: Duration,
        answer: Option<Arc<[u8]>>,
    ) -> Result<(), StoreError> {
        let (mut state, now) = self.state();
        if state.is_current(claim) {
            state.remove(claim.id());
        } else if state.entries.contains_key(claim.id()) {
            return Ok(());
        } else {
            state.make_room(self.capacity)?;
        }
        state.put(claim.id(), now.plus(keep), Phase::Finished(answer));
        Ok(())
    }

    fn free(&self, claim: &Claim) {
        let (mut state, _) = self.state();
        if state.is_current(claim) {
            state.remove(claim.id());
        }
    }
}

#[derive(Debug, Default)]
struct State {
    entries: HashMap<Arc<str>, Entry>,
    /// The ids in the order in which they run out. Finished ids are apart, because only they may be evicted.
    claimed: BTreeSet<(Timestamp, Arc<str>)>,
    finished: BTreeSet<(Timestamp, Arc<str>)>,
    claims: u64,
}

#[derive(Debug)]
struct Entry {
    until: Timestamp,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Claimed {
        fence: u64,
        /// The hold of a claim that does not end, because somebody works on the message.
        kept: Option<Duration>,
    },
    /// With the answer that the message was given, if it was kept.
    Finished(Option<Arc<[u8]>>),
}

impl State {
    fn is_current(&self, claim: &Claim) -> bool {
        let entry = self.entries.get(claim.id());
        let fence = entry.and_then(|entry| match entry.phase {
            Phase::Claimed { fence, .. } => Some(fence),
            Phase::Finished(_) => None,
        });
        fence == Some(claim.fence())
    }

    fn order(&mut self, phase: &Phase) -> &mut BTreeSet<(Timestamp, Arc<str>)> {
        match phase {
            Phase::Claimed { .. } => &mut self.claimed,
            Phase::Finished(_) => &mut self.finished,
        }
    }

    fn put(&mut self, id: &str, until: Timestamp, phase: Phase) {
        let id: Arc<str> = id.into();
        self.order(&phase).insert((until, Arc::clone(&id)));
        self.entries.insert(id, Entry { until, phase });
    }

    /// Moves the end of a claim, if it is the current one.
    fn prolong(&mut self, claim: &Claim, until: Timestamp, kept: Option<Duration>) {
        if !self.is_current(claim) {
            return;
        }
        self.remove(claim.id());
        let fence = claim.fence();
        self.put(claim.id(), until, Phase::Claimed { fence, kept });
    }

    fn remove(&mut self, id: &str) {
        if let Some((id, entry)) = self.entries.remove_entry(id) {
            self.order(&entry.phase).remove(&(entry.until, id));
        }
    }

    fn forget_until(&mut self, now: Timestamp) {
        for order in [&mut self.claimed, &mut self.finished] {
            while let Some((until, _)) = order.first()
                && *until <= now
            {
                let (_, id) = order.pop_first().expect("there is a first");
                self.entries.remove(&id);
            }
        }
    }

    /// Makes room for one more message, in the place of a finished one if need be.
    fn make_room(&mut self, capacity: usize) -> Result<(), StoreError> {
        if self.entries.len() < capacity {
            return Ok(());
        }
        let (_, id) = self.finished.pop_first().ok_or(StoreError::Full)?;
        self.entries.remove(&id);
        Ok(())
    }
}
