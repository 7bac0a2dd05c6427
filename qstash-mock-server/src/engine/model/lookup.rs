//! Looking at messages without taking them, and cancelling them.

use std::sync::Arc;

use super::carried_rules::CarriedRules;
use super::headers::Headers;
use super::id::{MessageId, QueueName};
use super::message::{AttemptRecord, DeadLetter, Sequence, Stage};
use super::spec::BodySource;
use super::time::Timestamp;
use crate::engine::model::filter::Filter;

/// What can be done with messages by hand.
#[derive(Clone, Debug)]
pub enum MessageAction {
    /// Answers `Reply::Message`.
    Get(MessageId, Scope),
    /// Answers `Reply::Cancelled`.
    Cancel(MessageId, Scope),
    /// Answers `Reply::Removed`, perhaps after `Reply::Waiting`.
    CancelMany(Selection),
    /// Messages of a queue. Answers `Reply::Messages`.
    List {
        /// Where to look.
        queue: QueueName,
        /// Only messages in this state.
        state: Option<Stage>,
        /// Only messages after this one.
        after: Option<Sequence>,
        /// At most so many.
        limit: usize,
    },
}

impl MessageAction {
    /// Whether it only looks.
    pub(crate) const fn is_read(&self) -> bool {
        match self {
            Self::Get(..) | Self::List { .. } => true,
            Self::Cancel(..) | Self::CancelMany(_) => false,
        }
    }
}

/// Among which messages one is looked for. What is elsewhere does not exist for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Messages in queues that the caller may see, whatever rules they follow.
    Queues,
    /// Messages that carry their rules, as long as their body is kept.
    CarriedRules,
}

/// Which messages to cancel.
#[derive(Clone, Debug, PartialEq)]
pub enum Selection {
    /// These, and no others; unknown ones are passed over.
    Ids(Vec<MessageId>),
    /// All that match.
    Filter {
        /// Which ones; the default matches all.
        filter: Box<Filter>,
        /// At most so many, the oldest first.
        count: Option<usize>,
    },
}

/// A message as callers see it without taking it.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageView {
    /// Its id.
    pub id: MessageId,
    /// Its order among all messages; the cursor of lists.
    pub sequence: Sequence,
    /// The queue it is in, if it is in one.
    pub queue: Option<QueueName>,
    /// The rules it carries, if it carries any.
    pub carried: Option<Arc<CarriedRules>>,
    /// Its state.
    pub stage: Stage,
    /// What was published; gone once it is finished.
    pub body: Option<BodySource>,
    /// When it was published.
    pub published_at: Timestamp,
    /// When it first became due in its queue.
    pub due_at: Timestamp,
    /// When it becomes due, its lease ends or its attempt times out.
    pub next_at: Option<Timestamp>,
    /// When it was finished.
    pub finished_at: Option<Timestamp>,
    /// Attempts made in this queue.
    pub attempts: u32,
    /// The newest attempts, oldest first, with those of earlier queues.
    pub history: Vec<AttemptRecord>,
    /// Why it is a dead letter, if it is one.
    pub dead_letter: Option<DeadLetter>,
    /// The publisher's headers.
    pub headers: Headers,
}
