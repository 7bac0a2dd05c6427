//! What a consumer that pulls asks for, and what it is handed.

use std::time::Duration;

use super::id::{LeaseId, MessageId, QueueId, QueueName, WaiterId};
use super::message::DeadLetter;
use super::spec::BodySource;
use super::time::Timestamp;

/// What a consumer does with messages that it holds or wants to hold.
#[derive(Clone, Debug)]
pub enum PullAction {
    /// Hand out messages under a lease. Answers `Reply::Received`, perhaps after `Reply::Waiting`.
    Receive(Receive),
    /// Hide a message for a duration from now. Answers `Reply::Extended`.
    Extend(MessageId, Option<LeaseId>, Duration),
    /// The work is done. Answers `Reply::Message`.
    Acknowledge(MessageId, Option<LeaseId>),
    /// The work is not done; visible again after the delay. Answers `Reply::Message`.
    Release(MessageId, Option<LeaseId>, Duration),
    /// The caller that waits is gone. Answers `Reply::Abandoned`.
    Abandon {
        /// Who waited.
        waiter: WaiterId,
        /// What was handed to it but never arrived: goes back, and no attempt is counted.
        handed: Vec<(MessageId, LeaseId)>,
    },
}

impl PullAction {
    /// Whether it only looks; abandoning gives back what was never received.
    pub(crate) const fn is_read(&self) -> bool {
        match self {
            Self::Abandon { .. } => true,
            Self::Receive(_) | Self::Extend(..) | Self::Acknowledge(..) | Self::Release(..) => {
                false
            }
        }
    }
}

/// A request for messages.
#[derive(Clone, Debug)]
pub struct Receive {
    /// Where from.
    pub queue: QueueName,
    /// At most so many.
    pub max_messages: usize,
    /// How long to wait for the first one; zero answers at once.
    pub wait: Duration,
    /// Instead of the queue's own setting.
    pub visibility_timeout: Option<Duration>,
}

/// A message handed out under a lease.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// The message's id.
    pub id: MessageId,
    /// The queue it is in.
    pub queue: QueueName,
    /// What was published.
    pub body: BodySource,
    /// 1 for the first time it is handed out.
    pub attempt: u32,
    /// The hold on it.
    pub lease: LeaseId,
    /// When the hold ends.
    pub expires_at: Timestamp,
    /// When it was published.
    pub published_at: Timestamp,
    /// Why it is a dead letter, if it is one.
    pub dead_letter: Option<DeadLetter>,
}

/// A caller that waits for messages.
#[derive(Clone, Debug)]
pub(crate) struct Waiter {
    pub(crate) queue: QueueId,
    pub(crate) deadline: Timestamp,
    pub(crate) request: Receive,
}
