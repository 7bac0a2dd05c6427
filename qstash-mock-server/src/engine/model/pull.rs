//! What a consumer that receives messages asks for, and what it gets.

use std::time::Duration;

use super::id::{LeaseId, MessageId, QueueId, QueueName, WaiterId};
use super::message::DeadLetter;
use super::spec::BodySource;
use super::time::Timestamp;

/// Commands of a consumer on messages that it holds under a lease, or wants to hold.
#[derive(Clone, Debug, PartialEq)]
pub enum PullAction {
    /// Receive messages under a lease. Answers `Reply::Received`, perhaps after `Reply::Waiting`.
    Receive(Receive),
    /// Let the lease on a message end the given duration from now. Answers `Reply::Extended`.
    Extend(MessageId, LeaseClaim, Duration),
    /// End the lease; the message is delivered. Answers `Reply::Message`.
    Acknowledge(MessageId, LeaseClaim),
    /// End the lease; the message was not processed and is due again after the delay. Answers `Reply::Message`.
    Release(MessageId, LeaseClaim, Duration),
    /// Forget a waiting caller whose connection is gone. Answers `Reply::Abandoned`.
    Abandon {
        /// The caller that waited.
        waiter: WaiterId,
        /// Messages that were leased to this caller but never reached it. They are due again, and no attempt is
        /// counted.
        handed: Vec<(MessageId, LeaseId)>,
    },
}

impl PullAction {
    /// Whether the command changes nothing. Abandoning counts as a read: it only takes back what nobody received.
    pub(crate) const fn is_read(&self) -> bool {
        match self {
            Self::Abandon { .. } => true,
            Self::Receive(_) | Self::Extend(..) | Self::Acknowledge(..) | Self::Release(..) => {
                false
            }
        }
    }
}

/// What a consumer says about its lease on a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseClaim {
    /// It names no lease, and means the one in force.
    Unnamed,
    /// It holds this lease.
    Lease(LeaseId),
    /// It names something that is the id of no lease.
    Malformed,
}

impl From<Option<LeaseId>> for LeaseClaim {
    fn from(lease: Option<LeaseId>) -> Self {
        lease.map_or(Self::Unnamed, Self::Lease)
    }
}

/// A request for messages.
#[derive(Clone, Debug, PartialEq)]
pub struct Receive {
    /// The queue to receive from.
    pub queue: QueueName,
    /// The most messages to receive.
    pub max_messages: usize,
    /// How long to wait for the first message; zero answers at once.
    pub wait: Duration,
    /// How long the leases last, instead of the queue's setting.
    pub visibility_timeout: Option<Duration>,
}

/// A message handed out under a lease.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// The message's id.
    pub id: MessageId,
    /// The queue that the message is in.
    pub queue: QueueName,
    /// The published body.
    pub body: BodySource,
    /// The attempt's number in this queue, from 1.
    pub attempt: u32,
    /// The lease.
    pub lease: LeaseId,
    /// When the lease ends.
    pub expires_at: Timestamp,
    /// When the message was published.
    pub published_at: Timestamp,
    /// Why the message is in a dead-letter queue, if it is in one.
    pub dead_letter: Option<DeadLetter>,
}

/// A caller that waits for messages.
#[derive(Clone, Debug)]
pub(crate) struct Waiter {
    pub(crate) queue: QueueId,
    pub(crate) deadline: Timestamp,
    pub(crate) request: Receive,
}
