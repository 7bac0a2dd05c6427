//! A message: what never changes about it, how far it has come, and what happened to it.
//!
//! ```text
//! publish -> Delayed -> Ready -> InFlight -> Delivered
//!               ^         |  ^      |  |
//!               |         v  |      |  +-> Leased (accepted) -> Ready | Delivered
//!               +------ Leased <----+ (received)                (also Failed, Cancelled)
//! ```
//!
//! Three things are stored of a message, because they change at different times: its [`MessageSpec`] once, its
//! [`MessageState`] with each step, and one [`AttemptRecord`] for each attempt that ended.

use std::sync::Arc;

use bytes::Bytes;

use super::id::{AttemptId, LeaseId, QueueId, QueueName};
use super::time::Timestamp;

/// The order in which the server stored things; names a message inside the server, and never comes twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

/// The state of a message, as callers see it. At any time a message is in exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Not due yet: published with a delay, or waiting for its next attempt.
    Delayed,
    /// Due.
    Ready,
    /// A push attempt is under way.
    InFlight,
    /// A consumer holds it.
    Leased,
    /// Done.
    Delivered,
    /// Out of retries, with no dead-letter queue to go to.
    Failed,
    /// Cancelled before it was done.
    Cancelled,
}

impl Stage {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::Delayed,
        Self::Ready,
        Self::InFlight,
        Self::Leased,
        Self::Delivered,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Whether nothing more will happen to a message in this state.
    #[must_use]
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Delivered | Self::Failed | Self::Cancelled)
    }
}

/// The state of a message with what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not due before `until`.
    Delayed {
        /// When it becomes due.
        until: Timestamp,
    },
    /// Due.
    Ready,
    /// A push attempt is under way.
    InFlight {
        /// Which one.
        attempt: AttemptId,
        /// Its lease.
        lease: LeaseId,
    },
    /// A consumer holds it.
    Leased {
        /// The hold.
        lease: LeaseId,
        /// When the hold ends.
        until: Timestamp,
    },
    /// Nothing more happens to it.
    Finished {
        /// Delivered, failed or cancelled.
        stage: Stage,
        /// When.
        at: Timestamp,
    },
}

impl State {
    /// The state without what belongs to it.
    #[must_use]
    pub const fn stage(self) -> Stage {
        match self {
            Self::Delayed { .. } => Stage::Delayed,
            Self::Ready => Stage::Ready,
            Self::InFlight { .. } => Stage::InFlight,
            Self::Leased { .. } => Stage::Leased,
            Self::Finished { stage, .. } => stage,
        }
    }

    /// Whether it will be another one without anybody doing anything.
    #[must_use]
    pub const fn goes_on(self) -> bool {
        matches!(
            self,
            Self::Delayed { .. } | Self::InFlight { .. } | Self::Leased { .. }
        )
    }

    /// Waiting until `due`, which is no wait if that is now.
    pub(crate) fn waiting(now: Timestamp, due: Timestamp) -> Self {
        if due > now {
            Self::Delayed { until: due }
        } else {
            Self::Ready
        }
    }
}

/// How far a message has come: the one thing that an attempt rewrites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageState {
    /// The queue it is in; a message that carries its rules need not be in one.
    pub queue: Option<QueueId>,
    /// The slot of a queue that it holds.
    pub slot: Option<Slot>,
    /// Delayed, ready, in flight, leased or finished.
    pub state: State,
    /// When it first became due in this queue: its order there, before its sequence.
    pub due_at: Timestamp,
    /// When the newest attempt began.
    pub started_at: Timestamp,
    /// Attempts made in this queue.
    pub attempts: u32,
    /// Attempts begun over all queues, those that were taken back included: makes every lease another one.
    pub leases: u32,
    /// What the newest attempt was answered, while it goes on after a "taken, but not processed".
    pub accepted_with: Option<u16>,
    /// Whether the newest attempt has no record yet.
    pub is_open: bool,
}

// What an attempt rewrites stays small, however a message was published.
const _: () = assert!(size_of::<MessageState>() <= 160);

/// A place among those that a queue works on at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The queue.
    pub queue: QueueId,
    /// The message that took it; its callbacks keep it with it (v2.md section 3.6).
    pub source: Sequence,
}

/// A message's order in its queue or before a gate: the time it first became due, then its sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Order {
    pub(crate) due_at: Timestamp,
    pub(crate) sequence: Sequence,
}

impl MessageState {
    /// One that waits until it is due.
    pub(crate) fn new(now: Timestamp, due_at: Timestamp) -> Self {
        Self {
            queue: None,
            slot: None,
            state: State::waiting(now, due_at),
            due_at,
            started_at: now,
            attempts: 0,
            leases: 0,
            accepted_with: None,
            is_open: false,
        }
    }

    /// Whether nothing more will happen to it.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        self.state.stage().is_finished()
    }

    /// Started before and not finished: at parallelism 1 it keeps the only slot.
    pub(crate) const fn has_started(&self) -> bool {
        self.attempts > 0
    }

    /// The lease that is in force.
    pub(crate) const fn lease(&self) -> Option<LeaseId> {
        match self.state {
            State::InFlight { lease, .. } | State::Leased { lease, .. } => Some(lease),
            State::Delayed { .. } | State::Ready | State::Finished { .. } => None,
        }
    }

    /// Begins the next attempt.
    pub(crate) const fn begin_attempt(&mut self, now: Timestamp, state: State) {
        self.attempts += 1;
        self.leases = self.leases.wrapping_add(1);
        self.started_at = now;
        self.accepted_with = None;
        self.is_open = true;
        self.state = state;
    }

    /// Takes back the newest attempt, as if it had never been.
    pub(crate) const fn undo_attempt(&mut self) {
        self.attempts = self.attempts.saturating_sub(1);
        self.accepted_with = None;
        self.is_open = false;
        self.state = State::Ready;
    }
}

/// How one attempt went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRecord {
    /// The queue the message was in, if it was in one.
    pub queue: Option<QueueName>,
    /// 1 for the first one in that queue.
    pub number: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; `None` while it goes on.
    pub finished_at: Option<Timestamp>,
    /// The consumer's status code, if it answered.
    pub status: Option<u16>,
    /// Why it failed, if it did.
    pub error: Option<Arc<str>>,
}

/// Why a message stands in a dead-letter queue (v1.md section 5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The queue in which it ran out of retries.
    pub source: QueueName,
    /// When.
    pub at: Timestamp,
    /// Attempts made there.
    pub attempts: u32,
    /// The last status code, if there was an answer.
    pub last_status: Option<u16>,
    /// The last error.
    pub last_error: Option<Arc<str>>,
    /// The beginning of the last response body.
    pub last_body: Bytes,
}
