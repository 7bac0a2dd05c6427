//! The index of one queue: its messages in order. It derives from the messages and is never stored.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::engine::model::id::{QueueName, WaiterId};
use crate::engine::model::message::{Order, Sequence, Stage};
use crate::engine::model::metrics::{Counters, Histogram, QueueMetrics};
use crate::engine::model::time::Timestamp;

/// What a queue does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Push a message to the queue's webhook.
    Push(Sequence),
    /// Give a slot to a message that carries its rules.
    Admit(Sequence),
}

/// The group of ready messages of a queue that a message is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ready {
    /// No attempt was made in this queue.
    New,
    /// An attempt was made in this queue, and the message is due again.
    Again,
    /// The message carries its rules and has no slot, or the queue is paused.
    Carried,
}

/// What a queue's index has of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) stage: Stage,
    /// The group, if the message is ready and waits in this queue and not before another gate.
    pub(super) ready: Option<Ready>,
    /// Whether the message follows this queue's rules, was started, is not finished, and has no attempt under way.
    pub(super) rests: bool,
}

/// The index of one queue.
#[derive(Debug, Default)]
pub(crate) struct QueueIndex {
    /// All messages, finished ones included.
    members: BTreeSet<Sequence>,
    ready_new: BTreeSet<Order>,
    ready_again: BTreeSet<Order>,
    ready_carried: BTreeSet<Order>,
    /// Ready messages that have a slot of this queue and wait before another gate.
    passed: u64,
    delayed: u64,
    in_flight: u64,
    leased: u64,
    resting: u64,
    /// The messages that took a slot, and how many unfinished messages keep it.
    slots: BTreeMap<Sequence, usize>,
    /// How many dead letters are in this queue, by the queue in which they failed.
    dead_from: BTreeMap<QueueName, usize>,
    /// How many pushes are under way, including those of messages that were finished meanwhile.
    pub(super) calls: u32,
    /// The waiting callers, the first that came first.
    pub(super) waiters: BTreeSet<WaiterId>,
    pub(super) counters: Counters,
    /// The times from publish to delivery.
    pub(super) latency: Histogram,
}

impl QueueIndex {
    // ----- changing, by the state alone -----

    pub(super) fn join(&mut self, sequence: Sequence) {
        self.members.insert(sequence);
    }

    pub(super) fn leave(&mut self, sequence: Sequence) {
        self.members.remove(&sequence);
    }

    pub(super) fn count(&mut self, standing: Standing, there: bool) {
        let change = |gauge: &mut u64| {
            if there {
                *gauge += 1;
            } else {
                *gauge -= 1;
            }
        };
        match standing.stage {
            Stage::Delayed => change(&mut self.delayed),
            Stage::InFlight => change(&mut self.in_flight),
            Stage::Leased => change(&mut self.leased),
            Stage::Ready if standing.ready.is_none() => change(&mut self.passed),
            Stage::Ready | Stage::Delivered | Stage::Failed | Stage::Cancelled => {}
        }
        if standing.rests {
            change(&mut self.resting);
        }
    }

    pub(super) fn set_ready(&mut self, ready: Ready, order: Order, there: bool) {
        let set = match ready {
            Ready::New => &mut self.ready_new,
            Ready::Again => &mut self.ready_again,
            Ready::Carried => &mut self.ready_carried,
        };
        if there {
            set.insert(order);
        } else {
            set.remove(&order);
        }
    }

    /// One more or one less unfinished message keeps the slot that `source` took.
    pub(super) fn hold_slot(&mut self, source: Sequence, holds: bool) {
        let keepers = self.slots.entry(source).or_default();
        if holds {
            *keepers += 1;
        } else {
            *keepers -= 1;
        }
        if *keepers == 0 {
            self.slots.remove(&source);
        }
    }

    /// One more or one less dead letter is here that died in `source`.
    pub(super) fn count_dead(&mut self, source: &QueueName, there: bool) {
        let count = self.dead_from.entry(source.clone()).or_default();
        if there {
            *count += 1;
        } else {
            *count -= 1;
        }
        if *count == 0 {
            self.dead_from.remove(source);
        }
    }

    // ----- reading -----

    /// The first member after another one; finished ones are members, too.
    pub(crate) fn member_after(&self, after: Option<Sequence>) -> Option<Sequence> {
        self.members_after(after).next()
    }

    /// The members after another one, in the order in which they were published.
    pub(crate) fn members_after(&self, after: Option<Sequence>) -> impl Iterator<Item = Sequence> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.members.range((start, Bound::Unbounded)).copied()
    }

    /// The queues in which the dead letters of this one failed.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &QueueName> {
        self.dead_from.keys()
    }

    /// The messages that took a slot which is still kept.
    pub(super) fn slot_holders(&self) -> impl Iterator<Item = Sequence> {
        self.slots.keys().copied()
    }

    /// The first message that could be received, whether an attempt was made or not.
    pub(crate) fn first_ready(&self) -> Option<Sequence> {
        self.next_to_push().map(|order| order.sequence)
    }

    /// The next message that may be pushed, if the queue `pushes`, or get a slot.
    ///
    /// At parallelism 1 a started message holds the only slot until it is finished; with more, one that waits for its
    /// next attempt has given its slot back (v1.md section 5, *Order*). A message that carries its rules always keeps
    /// its slot (v2.md section 3.6).
    pub(crate) fn next_to_go(&self, parallelism: u32, pushes: bool) -> Option<Next> {
        if self.calls as usize + self.slots.len() >= parallelism as usize {
            return None;
        }
        if pushes && parallelism == 1 && self.resting > 0 {
            let first = self.ready_again.first();
            return first.map(|order| Next::Push(order.sequence));
        }
        let push = if pushes { self.next_to_push() } else { None };
        match (push, self.ready_carried.first()) {
            (Some(push), Some(admit)) if admit < push => Some(Next::Admit(admit.sequence)),
            (Some(push), _) => Some(Next::Push(push.sequence)),
            (None, admit) => admit.map(|order| Next::Admit(order.sequence)),
        }
    }

    fn next_to_push(&self) -> Option<&Order> {
        let first = [self.ready_again.first(), self.ready_new.first()];
        first.into_iter().flatten().min()
    }

    /// How many messages could be received: they are ready and follow this queue's rules.
    pub(crate) fn receivable(&self) -> usize {
        self.ready_new.len() + self.ready_again.len()
    }

    /// The waiting callers, the first that came first.
    pub(crate) fn waiters(&self) -> impl ExactSizeIterator<Item = WaiterId> {
        self.waiters.iter().copied()
    }

    pub(crate) fn calls(&self) -> u32 {
        self.calls
    }

    /// How many messages a consumer holds under a lease.
    pub(crate) const fn leased(&self) -> u64 {
        self.leased
    }

    fn ready_count(&self) -> u64 {
        (self.receivable() + self.ready_carried.len()) as u64 + self.passed
    }

    /// Messages that are not finished.
    pub(crate) fn pending(&self) -> u64 {
        self.ready_count() + self.delayed + self.in_flight + self.leased
    }

    pub(crate) fn metrics(&self, now: Timestamp) -> QueueMetrics {
        let first = self.next_to_push().into_iter();
        let oldest = first.chain(self.ready_carried.first()).min();
        QueueMetrics {
            ready: self.ready_count(),
            delayed: self.delayed,
            in_flight: self.in_flight + self.leased,
            counters: self.counters,
            oldest_ready_age: oldest.map(|order| now.since(order.due_at)),
            delivery_latency: self.latency.percentiles(),
        }
    }

    // ----- for the invariants -----

    /// What the index says of every state, to be compared with the messages.
    pub(crate) fn gauges(&self) -> [u64; 5] {
        [
            self.ready_count(),
            self.delayed,
            self.in_flight,
            self.leased,
            self.resting,
        ]
    }

    /// Who keeps which slot, to be compared with the messages.
    pub(crate) const fn slots(&self) -> &BTreeMap<Sequence, usize> {
        &self.slots
    }

    /// How many members there are.
    pub(crate) fn size(&self) -> usize {
        self.members.len()
    }

    /// Dead letters by the queue in which they died.
    pub(crate) const fn dead_from(&self) -> &BTreeMap<QueueName, usize> {
        &self.dead_from
    }
}
