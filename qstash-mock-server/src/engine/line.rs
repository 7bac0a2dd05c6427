//! A queue's messages in order: an index that follows from the messages and is never stored.

use std::collections::{BTreeMap, BTreeSet};

use super::id::{MessageId, WaiterId};
use super::message::{Message, Place, State};
use super::metrics::{Counters, Histogram, QueueMetrics};
use super::time::Timestamp;

/// Who stands where in one queue.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// All messages, finished ones included, by sequence.
    pub(crate) members: BTreeMap<u64, MessageId>,
    /// Due and never handed out in this queue.
    ready_new: BTreeSet<Place>,
    /// Due again.
    ready_again: BTreeSet<Place>,
    /// Not due.
    delayed: u64,
    /// In flight.
    in_flight: u64,
    /// Under a lease.
    leased: u64,
    /// Started, not finished, and no attempt under way.
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

impl Line {
    pub(crate) fn add(&mut self, message: &Message) {
        self.members.insert(message.sequence, message.id);
        self.count(message, |gauge| *gauge += 1);
        if message.state == State::Ready {
            self.ready(message.has_started()).insert(message.place());
        }
    }

    pub(crate) fn remove(&mut self, message: &Message) {
        self.members.remove(&message.sequence);
        self.count(message, |gauge| *gauge -= 1);
        if message.state == State::Ready {
            self.ready(message.has_started()).remove(&message.place());
        }
    }

    fn ready(&mut self, started: bool) -> &mut BTreeSet<Place> {
        if started {
            &mut self.ready_again
        } else {
            &mut self.ready_new
        }
    }

    fn count(&mut self, message: &Message, change: impl Fn(&mut u64)) {
        match message.state {
            State::Delayed { .. } => change(&mut self.delayed),
            State::InFlight { .. } => change(&mut self.in_flight),
            State::Leased { .. } => change(&mut self.leased),
            State::Ready | State::Finished { .. } => {}
        }
        let rests = !matches!(
            message.state,
            State::InFlight { .. } | State::Finished { .. }
        );
        if rests && message.has_started() {
            change(&mut self.resting);
        }
    }

    /// The first in line, whether it was handed out before or not.
    pub(crate) fn first_ready(&self) -> Option<MessageId> {
        let first = [self.ready_again.first(), self.ready_new.first()]
            .into_iter()
            .flatten()
            .min();
        first.map(|place| place.id)
    }

    /// The next message that may be pushed.
    ///
    /// At parallelism 1 a started message holds the only slot until it is finished; with more, one
    /// that waits for its next attempt has given its slot back (v1.md section 5, *Order*).
    pub(crate) fn next_to_push(&self, parallelism: u32) -> Option<MessageId> {
        if self.calls >= parallelism {
            return None;
        }
        if parallelism > 1 || self.resting == 0 {
            return self.first_ready();
        }
        self.ready_again.first().map(|place| place.id)
    }

    pub(crate) fn ready_count(&self) -> u64 {
        (self.ready_new.len() + self.ready_again.len()) as u64
    }

    pub(crate) fn metrics(&self, now: Timestamp) -> QueueMetrics {
        let oldest = [self.ready_again.first(), self.ready_new.first()]
            .into_iter()
            .flatten()
            .min();
        QueueMetrics {
            ready: self.ready_count(),
            delayed: self.delayed,
            in_flight: self.in_flight + self.leased,
            counters: self.counters,
            oldest_ready_age: oldest.map(|place| now.since(place.due_at)),
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
}
