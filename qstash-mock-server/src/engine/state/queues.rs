//! Queues, and the indices that derive from their settings.

use std::collections::{BTreeMap, BTreeSet};

use super::EngineState;
use super::footprint::Footprint;
use super::held::Shelf;
use super::queue_index::QueueIndex;
use crate::engine::model::entity::EntityKey;
use crate::engine::model::id::{AccountName, QueueId, QueueName, WaiterId};
use crate::engine::model::message::Sequence;
use crate::engine::model::metrics::Counters;
use crate::engine::model::queue::Queue;
use crate::engine::model::time::Timestamp;

impl EngineState {
    // ----- looking -----

    pub(crate) fn queue(&self, id: QueueId) -> Option<&Queue> {
        self.queues.get(&id)
    }

    pub(crate) fn queue_id(&self, account: &AccountName, name: &QueueName) -> Option<QueueId> {
        self.names.get(account)?.get(name).copied()
    }

    pub(crate) fn queue_name(&self, id: Option<QueueId>) -> Option<&QueueName> {
        Some(&self.queues.get(&id?)?.name)
    }

    /// The account's queues by name.
    pub(crate) fn queue_names(
        &self,
        account: &AccountName,
    ) -> Option<&BTreeMap<QueueName, QueueId>> {
        self.names.get(account)
    }

    /// How many queues of an account count towards its quota.
    pub(crate) fn counted_queues(&self, account: &AccountName) -> u64 {
        self.counted_queues.get(account).copied().unwrap_or(0)
    }

    /// The accounts that have or had a queue.
    pub(crate) fn accounts_with_queues(&self) -> impl Iterator<Item = &AccountName> {
        self.names.keys()
    }

    pub(crate) fn queue_index(&self, id: QueueId) -> Option<&QueueIndex> {
        self.indices.get(&id)
    }

    /// A queue that names `queue` as its dead-letter queue.
    pub(crate) fn dead_letter_source(&self, queue: &Queue) -> Option<&QueueName> {
        self.targets
            .get(&(queue.account.clone(), queue.name.clone()))?
            .first()
    }

    /// All indices, for the invariants.
    pub(crate) fn queue_indices(&self) -> impl Iterator<Item = (QueueId, &QueueIndex)> {
        self.indices.iter().map(|(id, index)| (*id, index))
    }

    // ----- changing -----

    pub(crate) fn put_queue(&mut self, queue: Queue) {
        let id = queue.id;
        self.note(EntityKey::Queue(id));
        self.indices.entry(id).or_default();
        let known = self.queues.get(&id).map(|queue| queue.settings.paused);
        let holders = if known == Some(queue.settings.paused) {
            vec![]
        } else {
            self.slot_holders(id)
        };
        let before = self.footprints(&holders);
        self.ledger.hold(Shelf::Held, queue.cost());
        if let Some(old) = self.queues.remove(&id) {
            self.unlink(&old);
        }
        self.link(&queue);
        self.queues.insert(id, queue);
        self.dirty.add(id);
        self.move_footprints(&before);
    }

    /// Messages that have a slot of a queue. The gate before which they wait depends on whether the queue exists and
    /// is paused.
    fn slot_holders(&self, queue: QueueId) -> Vec<Sequence> {
        let index = self.indices.get(&queue).into_iter();
        index.flat_map(QueueIndex::slot_holders).collect()
    }

    /// Updates the footprints of messages whose queue has changed.
    fn move_footprints(&mut self, before: &[(Sequence, Footprint)]) {
        for (sequence, old) in before {
            if let Some((spec, state)) = self.whole(*sequence) {
                let new = self.footprint(spec, &state);
                self.move_footprint(*sequence, old, &new);
            }
        }
    }

    fn footprints(&self, sequences: &[Sequence]) -> Vec<(Sequence, Footprint)> {
        let print = |sequence: &Sequence| {
            let (spec, state) = self.whole(*sequence)?;
            Some((*sequence, self.footprint(spec, &state)))
        };
        sequences.iter().filter_map(print).collect()
    }

    fn link(&mut self, queue: &Queue) {
        if let Some(target) = &queue.settings.dead_letter_queue {
            let target = (queue.account.clone(), target.clone());
            let sources = self.targets.entry(target).or_default();
            sources.insert(queue.name.clone());
        }
        let names = self.names.entry(queue.account.clone()).or_default();
        names.insert(queue.name.clone(), queue.id);
        let counted = self
            .counted_queues
            .entry(queue.account.clone())
            .or_default();
        *counted += u64::from(queue.counts_for_quota);
    }

    fn unlink(&mut self, queue: &Queue) {
        self.ledger.let_go(Shelf::Held, queue.cost());
        if let Some(names) = self.names.get_mut(&queue.account) {
            names.remove(&queue.name);
        }
        if let Some(counted) = self.counted_queues.get_mut(&queue.account) {
            *counted -= u64::from(queue.counts_for_quota);
        }
        let Some(target) = &queue.settings.dead_letter_queue else {
            return;
        };
        let target = (queue.account.clone(), target.clone());
        if let Some(sources) = self.targets.get_mut(&target) {
            sources.remove(&queue.name);
            if sources.is_empty() {
                self.targets.remove(&target);
            }
        }
    }

    /// Deletes a queue at once. Its messages are removed later; its index stays until
    /// [`EngineState::drop_queue_index`], so that they can be found.
    pub(crate) fn remove_queue(&mut self, id: QueueId) {
        let holders = self.slot_holders(id);
        let before = self.footprints(&holders);
        if let Some(queue) = self.queues.remove(&id) {
            self.note(EntityKey::Queue(id));
            self.unlink(&queue);
        }
        self.move_footprints(&before);
    }

    /// Creates the index of a queue, if there is none, also for a deleted queue.
    pub(crate) fn ensure_queue_index(&mut self, id: QueueId) {
        self.indices.entry(id).or_default();
    }

    /// Drops the index of a deleted queue that has no more messages.
    pub(crate) fn drop_queue_index(&mut self, id: QueueId) {
        self.indices.remove(&id);
        self.dirty.remove(&id);
    }

    /// Leaves what a queue would still let through to the next input.
    pub(crate) fn put_off_queue(&mut self, id: QueueId) {
        self.dirty.put_off(id);
    }

    pub(crate) fn pop_dirty_queue(&mut self) -> Option<QueueId> {
        self.dirty.next()
    }

    /// Counts an event in a queue.
    pub(crate) fn count(&mut self, queue: Option<QueueId>, change: impl FnOnce(&mut Counters)) {
        let index = queue.and_then(|queue| self.indices.get_mut(&queue));
        if let Some(index) = index {
            change(&mut index.counters);
        }
    }

    /// Records the time from publish to delivery of a message.
    pub(crate) fn note_latency(
        &mut self,
        queue: Option<QueueId>,
        published: Timestamp,
        delivered: Timestamp,
    ) {
        let index = queue.and_then(|queue| self.indices.get_mut(&queue));
        if let Some(index) = index {
            index.latency.record(published, delivered);
        }
    }

    pub(crate) fn add_waiter(&mut self, queue: QueueId, waiter: WaiterId) {
        if let Some(index) = self.indices.get_mut(&queue) {
            index.waiters.insert(waiter);
        }
    }

    pub(crate) fn remove_waiter(&mut self, queue: QueueId, waiter: WaiterId) {
        if let Some(index) = self.indices.get_mut(&queue) {
            index.waiters.remove(&waiter);
        }
    }

    /// Queues that are gone and whose index is still there, for recovery and the invariants.
    pub(crate) fn gone_queues(&self) -> BTreeSet<QueueId> {
        let gone = self
            .indices
            .keys()
            .filter(|id| !self.queues.contains_key(id));
        gone.copied().collect()
    }
}
