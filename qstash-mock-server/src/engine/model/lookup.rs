//! Reading messages without leasing them, and cancelling them.

use std::sync::Arc;

use super::carried_rules::CarriedRules;
use super::headers::Headers;
use super::id::{MessageId, QueueName};
use super::message::{AttemptRecord, DeadLetter, Sequence, Stage};
use super::spec::BodySource;
use super::time::Timestamp;
use crate::engine::model::filter::Filter;

/// Commands on messages, by id or by filter.
#[derive(Clone, Debug, PartialEq)]
pub enum MessageAction {
    /// Read one message. Answers `Reply::Message`.
    Get(MessageId, Scope),
    /// Cancel one message, if it is not finished. Answers `Reply::Cancelled`.
    Cancel(MessageId, Scope),
    /// Cancel many messages. Answers `Reply::Removed`, perhaps after `Reply::Waiting`.
    CancelMany(Selection),
    /// Read a page of the messages of a queue. Answers `Reply::Messages`.
    List {
        /// The queue whose messages are listed.
        queue: QueueName,
        /// Only messages in this state.
        state: Option<Stage>,
        /// Only messages after this one.
        after: Option<Sequence>,
        /// The most messages of the page.
        limit: usize,
    },
}

impl MessageAction {
    /// Whether the command changes nothing.
    pub(crate) const fn is_read(&self) -> bool {
        match self {
            Self::Get(..) | Self::List { .. } => true,
            Self::Cancel(..) | Self::CancelMany(_) => false,
        }
    }
}

/// Where the engine looks for a message. It answers "not found" for a message elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All messages in queues that the caller may see.
    Queues,
    /// Messages that carry their rules and whose body is still kept.
    CarriedRules,
}

/// Which messages to cancel.
#[derive(Clone, Debug, PartialEq)]
pub enum Selection {
    /// The messages with these ids. Unknown ids are ignored.
    Ids(Vec<MessageId>),
    /// All messages that match a filter.
    Filter {
        /// The filter; the default matches all messages of the account.
        filter: Box<Filter>,
        /// The most messages to cancel, the oldest first; `None` means all.
        count: Option<usize>,
    },
}

/// A message as callers see it.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageView {
    /// The message's id.
    pub id: MessageId,
    /// The message's order among all messages, and the cursor of lists.
    pub sequence: Sequence,
    /// The queue that the message is in, if it is in one.
    pub queue: Option<QueueName>,
    /// The rules that the message carries, if it carries any.
    pub carried: Option<Arc<CarriedRules>>,
    /// The message's state.
    pub stage: Stage,
    /// The published body, if the caller's scope shows it and the engine still keeps it.
    pub body: Option<BodySource>,
    /// When the message was published.
    pub published_at: Timestamp,
    /// When the message first became due in its queue.
    pub due_at: Timestamp,
    /// When the state changes by itself: the message becomes due, its lease ends or its attempt times out.
    pub next_at: Option<Timestamp>,
    /// When the message was finished.
    pub finished_at: Option<Timestamp>,
    /// How many attempts were made in this queue.
    pub attempts: u32,
    /// The newest attempts, oldest first, including those made in earlier queues.
    pub history: Vec<AttemptRecord>,
    /// Why the message is in a dead-letter queue, if it is in one.
    pub dead_letter: Option<DeadLetter>,
    /// The publisher's headers.
    pub headers: Headers,
}
