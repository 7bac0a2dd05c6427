//! A queue's messages in order: an index that follows from the messages and is never stored.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::model::id::{MessageId, WaiterId};
use crate::engine::model::message::{Message, Order, State};
use crate::engine::model::metrics::{Counters, Histogram, QueueMetrics};
use crate::engine::model::time::Timestamp;

/// What a queue does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Send a message to the queue's webhook.
    Push(MessageId),
    /// Give a slot to a message that carries its own rules.
    Admit(MessageId),
}

/// Who stands where in one queue.
#[derive(Debug, Default)]
pub(crate) struct QueueIndex {
    /// All messages, finished ones included, by sequence.
    pub(crate) members: BTreeMap<u64, MessageId>,
    /// Due and never handed out in this queue.
    ready_new: BTreeSet<Order>,
    /// Due again.
    ready_again: BTreeSet<Order>,
    /// Due, with rules of their own, and without a slot (or the queue is paused).
    ready_carried: BTreeSet<Order>,
    /// Due and past this queue: waiting before another gate.
    passed: u64,
    /// Who holds a slot, and how many unfinished messages keep it.
    slots: BTreeMap<MessageId, usize>,
    /// Not due.
    delayed: u64,
    /// In flight.
    in_flight: u64,
    /// Under a lease.
    leased: u64,
    /// Started, not finished, no attempt under way, and delivered by this queue's rules.
    resting: u64,
    /// Webhook calls under way, those of messages that are finished meanwhile included.
    pub(crate) calls: u32,
    /// Callers that wait, first come first served.
    pub(crate) waiters: BTreeSet<WaiterId>,
    /// What happened.
    pub(crate) counters: Counters,
    /// From publishing to delivery.
    pub(crate) latency: Histogram,
}

impl QueueIndex {
    /// Adds a message; `waits_here` says whether it waits in this queue or before another gate.
    pub(crate) fn add(&mut self, message: &Message, waits_here: bool) {
        self.members.insert(message.sequence, message.id);
        self.count(message, waits_here, |gauge| *gauge += 1);
        if waits_here {
            self.ready(message).insert(message.order());
        }
    }

    pub(crate) fn remove(&mut self, message: &Message, waits_here: bool) {
        self.members.remove(&message.sequence);
        self.count(message, waits_here, |gauge| *gauge -= 1);
        if waits_here {
            self.ready(message).remove(&message.order());
        }
    }

    fn ready(&mut self, message: &Message) -> &mut BTreeSet<Order> {
        if message.carried().is_some() {
            &mut self.ready_carried
        } else if message.has_started() {
            &mut self.ready_again
        } else {
            &mut self.ready_new
        }
    }

    fn count(&mut self, message: &Message, waits_here: bool, change: impl Fn(&mut u64)) {
        match message.state {
            State::Delayed { .. } => change(&mut self.delayed),
            State::InFlight { .. } => change(&mut self.in_flight),
            State::Leased { .. } => change(&mut self.leased),
            State::Ready if !waits_here => change(&mut self.passed),
            State::Ready | State::Finished { .. } => {}
        }
        let rests = !matches!(
            message.state,
            State::InFlight { .. } | State::Finished { .. }
        );
        if rests && message.has_started() && message.carried().is_none() {
            change(&mut self.resting);
        }
    }

    /// One more or one less unfinished message keeps the slot that `source` took.
    pub(crate) fn hold_slot(&mut self, source: MessageId, holds: bool) {
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

    /// The messages that took a slot which is kept.
    pub(crate) fn slot_holders(&self) -> impl Iterator<Item = MessageId> {
        self.slots.keys().copied()
    }

    /// The first that could be received, whether it was handed out before or not.
    pub(crate) fn first_ready(&self) -> Option<MessageId> {
        self.next_to_push().map(|order| order.id)
    }

    /// The next message that may go: be pushed, if the queue `pushes`, or get a slot.
    ///
    /// At parallelism 1 a started message holds the only slot until it is finished; with more, one
    /// that waits for its next attempt has given its slot back (v1.md section 5, *Order*). A message
    /// with rules of its own always keeps its slot (v2.md section 3.6).
    pub(crate) fn next_to_go(&self, parallelism: u32, pushes: bool) -> Option<Next> {
        if self.calls as usize + self.slots.len() >= parallelism as usize {
            return None;
        }
        let push = if pushes { self.next_to_push() } else { None };
        let admit = self.ready_carried.first();
        if pushes && parallelism == 1 && self.resting > 0 {
            return self.ready_again.first().map(|order| Next::Push(order.id));
        }
        match (push, admit) {
            (Some(push), Some(admit)) if admit < push => Some(Next::Admit(admit.id)),
            (Some(push), _) => Some(Next::Push(push.id)),
            (None, admit) => admit.map(|order| Next::Admit(order.id)),
        }
    }

    fn next_to_push(&self) -> Option<&Order> {
        let first = [self.ready_again.first(), self.ready_new.first()];
        first.into_iter().flatten().min()
    }

    /// How many could be received: due, and delivered by this queue's rules.
    pub(crate) fn receivable(&self) -> usize {
        self.ready_new.len() + self.ready_again.len()
    }

    pub(crate) fn ready_count(&self) -> u64 {
        (self.receivable() + self.ready_carried.len()) as u64 + self.passed
    }

    /// Messages that are not finished.
    pub(crate) fn pending(&self) -> u64 {
        self.ready_count() + self.delayed + self.in_flight + self.leased
    }

    pub(crate) fn metrics(&self, now: Timestamp) -> QueueMetrics {
        let oldest = self
            .next_to_push()
            .into_iter()
            .chain(self.ready_carried.first());
        let oldest = oldest.min();
        QueueMetrics {
            ready: self.ready_count(),
            delayed: self.delayed,
            in_flight: self.in_flight + self.leased,
            counters: self.counters,
            oldest_ready_age: oldest.map(|order| now.since(order.due_at)),
            delivery_latency: self.latency.percentiles(),
        }
    }

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
    pub(crate) fn slots(&self) -> &BTreeMap<MessageId, usize> {
        &self.slots
    }
}
