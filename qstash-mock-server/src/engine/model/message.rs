//! A message and the states it goes through.
//!
//! ```text
//! publish -> Delayed -> Ready -> InFlight -> Delivered
//!               ^         |  ^      |  |
//!               |         v  |      |  +-> Leased (accepted) -> Ready | Delivered
//!               +------ Leased <----+ (received)                (also Failed, Cancelled)
//! ```

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::engine::command::{Headers, MessageView};
use crate::engine::config::Limits;
use crate::engine::model::carried_rules::CarriedRules;
use crate::engine::model::id::{
    AccountName, AttemptId, BodyId, FlowKeyId, LeaseId, MessageId, QueueId, QueueName,
};
use crate::engine::model::time::Timestamp;
use crate::engine::publish::destination::headers_cost;

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
        /// A consumer asked for the message to stay hidden until then.
        extended_until: Option<Timestamp>,
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
}

/// The queue a message is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InQueue {
    /// Its id.
    pub id: QueueId,
    /// Its name.
    pub name: QueueName,
}

/// A place among those that a queue works on at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The queue.
    pub queue: QueueId,
    /// The message that took it; its callbacks keep it with it (v2.md section 3.6).
    pub source: MessageId,
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

/// Why a message is a dead letter (v1.md section 5).
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

/// What was published, for one endpoint, and how far it has come. The body is an entity of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Its order among all messages of the server.
    pub sequence: u64,
    /// Whose it is.
    pub account: AccountName,
    /// The queue it is in; a message that carries its own rules need not be in one.
    pub queue: Option<InQueue>,
    /// The slot it holds, if it carries its own rules and goes through a queue.
    pub slot: Option<Slot>,
    /// Its body; gone once the message is finished.
    pub body: BodyId,
    /// How far it has come.
    pub state: State,
    /// When it first became due in this queue: its place in line, before `sequence`.
    pub due_at: Timestamp,
    /// When it was published.
    pub published_at: Timestamp,
    /// Attempts made in this queue.
    pub attempts: u32,
    /// Leases given out, over all queues; makes every lease id another one.
    pub leases: u64,
    /// Whose rules it follows.
    pub policy: Policy,
    /// The publisher's headers.
    pub headers: Headers,
    /// The newest attempts, oldest first.
    pub history: Arc<[AttemptRecord]>,
    /// The beginning of the last response body.
    pub last_body: Bytes,
    /// Set while it is a dead letter.
    pub dead_letter: Option<DeadLetter>,
}

/// Where the rules for a message's attempts come from (architecture: *Whose policy*).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Its queue's settings, read at each attempt.
    QueueRules {
        /// Set by the publisher, it stands instead of the queue's.
        max_retries: Option<u32>,
    },
    /// Its own, fixed when it was published.
    CarriedRules(Arc<CarriedRules>),
}

/// A message's place in its queue: the time it first became due, then its sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Order {
    pub(crate) due_at: Timestamp,
    pub(crate) sequence: u64,
    pub(crate) id: MessageId,
}

impl Message {
    /// What it carries, if it carries its own rules.
    #[must_use]
    pub const fn carried(&self) -> Option<&Arc<CarriedRules>> {
        match &self.policy {
            Policy::CarriedRules(carried) => Some(carried),
            Policy::QueueRules { .. } => None,
        }
    }

    /// The queue it is in.
    #[must_use]
    pub fn queue_id(&self) -> Option<QueueId> {
        self.queue.as_ref().map(|queue| queue.id)
    }

    /// The name of the queue it is in.
    #[must_use]
    pub fn queue_name(&self) -> Option<&QueueName> {
        self.queue.as_ref().map(|queue| &queue.name)
    }

    /// The flow-control key it waits for.
    pub(crate) fn flow_key(&self) -> Option<FlowKeyId> {
        let flow = self.carried()?.flow_control.as_ref()?;
        Some(FlowKeyId {
            account: self.account.clone(),
            key: Arc::clone(&flow.key),
        })
    }

    /// Whether its body is kept: until it is finished, and for a look at it after it was delivered if
    /// it carries its own rules (v2.md section 2.4).
    pub(crate) const fn keeps_body(&self) -> bool {
        match self.state.stage() {
            Stage::Failed | Stage::Cancelled => false,
            Stage::Delivered => matches!(self.policy, Policy::CarriedRules(_)),
            _ => true,
        }
    }

    pub(crate) const fn order(&self) -> Order {
        Order {
            due_at: self.due_at,
            sequence: self.sequence,
            id: self.id,
        }
    }

    /// Started before and not finished: at parallelism 1 it keeps the only slot.
    pub(crate) const fn has_started(&self) -> bool {
        self.attempts > 0
    }

    /// The lease that is in force.
    pub(crate) const fn lease(&self) -> Option<LeaseId> {
        match self.state {
            State::InFlight { lease, .. } | State::Leased { lease, .. } => Some(lease),
            _ => None,
        }
    }

    /// Begins the next attempt.
    pub(crate) fn begin_attempt(&mut self, now: Timestamp, limits: &Limits) {
        self.attempts += 1;
        self.leases += 1;
        let record = AttemptRecord {
            queue: self.queue_name().cloned(),
            number: self.attempts,
            started_at: now,
            finished_at: None,
            status: None,
            error: None,
        };
        let skip = (self.history.len() + 1).saturating_sub(limits.history);
        self.history = self
            .history
            .iter()
            .skip(skip)
            .cloned()
            .chain([record])
            .collect();
    }

    /// Takes back the newest attempt, as if it had never been.
    pub(crate) fn undo_attempt(&mut self) {
        self.attempts = self.attempts.saturating_sub(1);
        self.history = self.history[..self.history.len().saturating_sub(1)].into();
    }

    /// Notes how the newest attempt ended, once.
    pub(crate) fn end_attempt(&mut self, now: Timestamp, status: Option<u16>, error: Option<&str>) {
        let last = Arc::make_mut(&mut self.history).last_mut();
        if let Some(last) = last.filter(|record| record.finished_at.is_none()) {
            last.finished_at = Some(now);
            last.status = status.or(last.status);
            last.error = error.map(Into::into);
        }
    }

    /// Notes the status of an attempt that was accepted and so goes on.
    pub(crate) fn note_status(&mut self, status: Option<u16>) {
        if let Some(last) = Arc::make_mut(&mut self.history).last_mut() {
            last.status = status;
        }
    }

    pub(crate) fn view(&self, body: Option<Bytes>, deadline: Option<Timestamp>) -> MessageView {
        let (next_at, finished_at) = match self.state {
            State::Delayed { until } | State::Leased { until, .. } => (Some(until), None),
            State::Finished { at, .. } => (None, Some(at)),
            State::Ready | State::InFlight { .. } => (deadline, None),
        };
        MessageView {
            id: self.id,
            sequence: self.sequence,
            queue: self.queue_name().cloned(),
            carried: self.carried().cloned(),
            stage: self.state.stage(),
            body,
            published_at: self.published_at,
            next_at,
            finished_at,
            attempts: self.attempts,
            history: Arc::clone(&self.history),
            dead_letter: self.dead_letter.clone(),
            headers: Arc::clone(&self.headers),
        }
    }

    /// What the message counts for in the bound on held bytes: what was published, and what became of it.
    pub(crate) fn cost(&self, body: &Bytes) -> usize {
        let letter = self.dead_letter.as_ref();
        body.len()
            + headers_cost(&self.headers)
            + Limits::MESSAGE_OVERHEAD
            + self.history.len() * Limits::RECORD_OVERHEAD
            + self.last_body.len()
            + letter.map_or(0, |letter| letter.last_body.len())
    }
}

/// A delay that is over at once is no delay.
pub(crate) fn waiting(now: Timestamp, delay: Duration) -> State {
    if delay.is_zero() {
        State::Ready
    } else {
        State::Delayed { until: now + delay }
    }
}
