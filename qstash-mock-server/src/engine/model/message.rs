//! A message: how far it has come, and what happened to it.
//!
//! ```text
//! (published) -> Delayed, Ready
//! Delayed     -> Ready                    The delay has passed.
//! Ready       -> InFlight                 An attempt starts.
//!             -> Leased                   A consumer receives the message.
//! InFlight    -> Delivered                The consumer has processed the message.
//!             -> Leased                   The consumer has accepted the message and not processed it yet.
//!             -> Delayed, Ready, Failed   The attempt failed.
//! Leased      -> Delivered                The consumer acknowledged the message.
//!             -> Delayed, Ready, Failed   The lease ended without an acknowledgement.
//! ```
//!
//! A caller can cancel a message in each state on the left: then it is `Cancelled`. A message that moves to a
//! dead-letter queue, or back from there, is `Ready` in the other queue.
//!
//! The engine stores the parts of a message separately, because they change at different times: its
//! [`MessageSpec`](super::spec::MessageSpec) once, its [`MessageState`] with each step, an [`AttemptRecord`] for each
//! attempt that ended, the newest answer, and its [`DeadLetter`].

use std::sync::Arc;

use bytes::Bytes;

use super::id::{AttemptId, LeaseId, QueueId, QueueName};
use super::time::Timestamp;

/// Names a message inside the server and gives its order among all messages. No number is used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

/// The state of a message, without details. A message is in exactly one at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The message is not due yet: it was published with a delay, or waits for its next attempt.
    Delayed,
    /// The message is due and waits for its turn.
    Ready,
    /// A push attempt is under way.
    InFlight,
    /// A consumer holds the message under a lease.
    Leased,
    /// The consumer has processed the message.
    Delivered,
    /// The message is out of retries or was rejected, and no dead-letter queue takes it.
    Failed,
    /// A caller cancelled the message before it was delivered.
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

/// The state of a message, with the times and ids that belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// See [`Stage::Delayed`].
    Delayed {
        /// When the message becomes due.
        until: Timestamp,
    },
    /// See [`Stage::Ready`].
    Ready,
    /// See [`Stage::InFlight`].
    InFlight {
        /// The attempt that is under way.
        attempt: AttemptId,
        /// The attempt's lease.
        lease: LeaseId,
    },
    /// See [`Stage::Leased`].
    Leased {
        /// The lease that is in force.
        lease: LeaseId,
        /// When the lease ends.
        until: Timestamp,
    },
    /// Nothing more happens to the message.
    Finished {
        /// Delivered, failed or cancelled.
        stage: Stage,
        /// When the message was finished.
        at: Timestamp,
    },
}

impl State {
    /// The state without its times and ids.
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

    /// Whether a timer or an outcome will change the state without a further command.
    #[must_use]
    pub const fn goes_on(self) -> bool {
        matches!(
            self,
            Self::Delayed { .. } | Self::InFlight { .. } | Self::Leased { .. }
        )
    }

    /// Whether the message waits for its time or its turn.
    pub(crate) const fn waits(self) -> bool {
        matches!(self, Self::Delayed { .. } | Self::Ready)
    }

    /// When the state ends by itself, because a delay or a lease ends.
    pub(crate) const fn ends_at(self) -> Option<Timestamp> {
        match self {
            Self::Delayed { until } | Self::Leased { until, .. } => Some(until),
            Self::Ready | Self::InFlight { .. } | Self::Finished { .. } => None,
        }
    }

    /// When the message was finished, if it is.
    pub(crate) const fn finished_at(self) -> Option<Timestamp> {
        match self {
            Self::Finished { at, .. } => Some(at),
            _ => None,
        }
    }

    /// The state of a message that waits until `due`: ready if that time has come.
    pub(crate) fn waiting(now: Timestamp, due: Timestamp) -> Self {
        if due > now {
            Self::Delayed { until: due }
        } else {
            Self::Ready
        }
    }
}

/// How far a message has come. It is the only stored part of a message that an attempt rewrites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageState {
    /// The queue that the message is in. Only a message that carries its rules can be in none.
    pub queue: Option<QueueId>,
    /// The slot of a queue that the message holds, if it holds one.
    pub slot: Option<Slot>,
    /// Delayed, ready, in flight, leased or finished.
    pub state: State,
    /// When the message first became due in this queue. Messages of a queue are ordered by this time, then by
    /// sequence.
    pub due_at: Timestamp,
    /// When the newest attempt started.
    pub started_at: Timestamp,
    /// How many attempts were made in this queue.
    pub attempts: u32,
    /// How many attempts were started in all queues, including those that were taken back. Leases derive from this
    /// number, so no lease occurs twice.
    pub leases: u32,
    /// The status code of a consumer that has accepted the message and not processed it yet; absent otherwise.
    pub accepted_with: Option<u16>,
    /// Whether the newest attempt still needs its [`AttemptRecord`].
    pub is_open: bool,
}

// What an attempt rewrites stays small, however a message was published.
const _: () = assert!(size_of::<MessageState>() <= 80);

/// The right to count against a queue's parallelism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The queue whose parallelism is used.
    pub queue: QueueId,
    /// The message that took the slot. It and its callbacks hold the slot until all of them are finished (v2.md
    /// section 3.6).
    pub source: Sequence,
}

/// A message's order in its queue or before a gate: the time it first became due, then its sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Order {
    pub(crate) due_at: Timestamp,
    pub(crate) sequence: Sequence,
}

impl MessageState {
    /// The state of a new message, which waits until `due_at`.
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

    /// Whether nothing more will happen to the message.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        self.state.stage().is_finished()
    }

    /// Whether an attempt was started. At parallelism 1 such a message keeps the only slot until it is finished.
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

/// The record of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRecord {
    /// The queue the message was in, if it was in one.
    pub queue: Option<QueueName>,
    /// The attempt's number in that queue, from 1.
    pub number: u32,
    /// When the attempt started.
    pub started_at: Timestamp,
    /// When the attempt ended; `None` while it is under way.
    pub finished_at: Option<Timestamp>,
    /// The consumer's status code, if it answered.
    pub status: Option<u16>,
    /// Why the attempt failed, if it did.
    pub error: Option<Arc<str>>,
}

/// Why a message stands in a dead-letter queue (v1.md section 5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The queue in which the message ran out of retries.
    pub source: QueueName,
    /// When it moved to the dead-letter queue.
    pub at: Timestamp,
    /// How many attempts were made in `source`.
    pub attempts: u32,
    /// The status code of the last answer, if there was one.
    pub last_status: Option<u16>,
    /// Why the last attempt failed.
    pub last_error: Option<Arc<str>>,
    /// The beginning of the last answer's body, at most
    /// [`Limits::queue_answer`](crate::engine::Limits::queue_answer) bytes.
    pub last_body: Bytes,
}
