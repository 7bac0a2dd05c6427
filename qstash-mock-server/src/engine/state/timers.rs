//! All timers, in two ordered tables.

use std::collections::BTreeSet;

use crate::engine::model::entity::DedupKeyId;
use crate::engine::model::id::{AccountName, AttemptId, FlowKeyId, RowId, ScheduleId, WaiterId};
use crate::engine::model::message::Sequence;
use crate::engine::model::time::Timestamp;

/// What happens when a timer fires. Timers of the same time fire in this order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// The delay or the lease of a message ends.
    Message(Sequence),
    /// An attempt has reached its timeout.
    Attempt(AttemptId),
    /// A waiting caller is answered without a message.
    Waiter(WaiterId),
    /// A deduplication key may be forgotten.
    DedupKey(DedupKeyId),
    /// The window of a flow-control key ends, or the key may be forgotten.
    FlowKey(FlowKeyId),
    /// A schedule publishes.
    Schedule(AccountName, ScheduleId),
    /// A listed dead letter may be forgotten.
    Listed(AccountName, RowId),
}

/// The two tables. Most timers are those of messages; they have a table of their own with smaller entries.
#[derive(Debug, Default)]
pub(super) struct Timers {
    messages: BTreeSet<(Timestamp, Sequence)>,
    others: BTreeSet<(Timestamp, Timer)>,
}

impl Timers {
    pub(super) fn set(&mut self, at: Timestamp, timer: Timer) {
        match timer {
            Timer::Message(sequence) => self.messages.insert((at, sequence)),
            other => self.others.insert((at, other)),
        };
    }

    pub(super) fn clear(&mut self, at: Timestamp, timer: Timer) {
        match timer {
            Timer::Message(sequence) => self.messages.remove(&(at, sequence)),
            other => self.others.remove(&(at, other)),
        };
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        let message = self.messages.first().map(|(at, _)| *at);
        let other = self.others.first().map(|(at, _)| *at);
        message.into_iter().chain(other).min()
    }

    /// The timers of messages, the first one first.
    pub(super) fn of_messages(&self) -> impl Iterator<Item = (Timestamp, Sequence)> {
        self.messages.iter().copied()
    }

    /// Takes the first timer that is due.
    pub(super) fn pop_due(&mut self, now: Timestamp) -> Option<(Timestamp, Timer)> {
        let next = self.next().filter(|next| *next <= now)?;
        if self.messages.first().is_some_and(|(at, _)| *at == next) {
            let (at, sequence) = self.messages.pop_first()?;
            return Some((at, Timer::Message(sequence)));
        }
        self.others.pop_first()
    }

    pub(super) fn contains(&self, at: Timestamp, timer: Timer) -> bool {
        match timer {
            Timer::Message(sequence) => self.messages.contains(&(at, sequence)),
            other => self.others.contains(&(at, other)),
        }
    }
}
