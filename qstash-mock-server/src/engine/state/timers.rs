//! Everything that time can do, in one ordered table.

use std::collections::BTreeSet;

use crate::engine::model::entity::DedupKeyId;
use crate::engine::model::id::{
    AccountName, AttemptId, FlowKeyId, MessageId, RowId, ScheduleId, WaiterId,
};
use crate::engine::model::time::Timestamp;

/// What is due at a time; in this order, where several are due at one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// A delay, a lease or the retention of a message is over.
    Message(MessageId),
    /// An attempt has taken too long.
    Attempt(AttemptId),
    /// A long poll has waited long enough.
    Waiter(WaiterId),
    /// An idempotency key may be forgotten.
    DedupKey(DedupKeyId),
    /// The window of a flow-control key turns, or the key may be forgotten.
    FlowKey(FlowKeyId),
    /// A schedule makes its messages.
    Schedule(AccountName, ScheduleId),
    /// A dead letter may be forgotten.
    Dlq(AccountName, RowId),
}

/// The table of timers.
#[derive(Debug, Default)]
pub(crate) struct Timers(BTreeSet<(Timestamp, Timer)>);

impl Timers {
    pub(crate) fn set(&mut self, at: Timestamp, timer: Timer) {
        self.0.insert((at, timer));
    }

    pub(crate) fn clear(&mut self, at: Timestamp, timer: Timer) {
        self.0.remove(&(at, timer));
    }

    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.0.first().map(|(at, _)| *at)
    }

    /// Takes the first timer that is due.
    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<(Timestamp, Timer)> {
        if self.next()? > now {
            return None;
        }
        self.0.pop_first()
    }

    pub(crate) fn contains(&self, at: Timestamp, timer: Timer) -> bool {
        self.0.contains(&(at, timer))
    }
}
