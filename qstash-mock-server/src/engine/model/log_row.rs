//! The log: one row for each step in the life of a message (v2.md sections 2.6 and 3.13).

use std::sync::Arc;

use super::carried_rules::CarriedRules;
use super::headers::Headers;
use super::id::{AccountName, MessageId, QueueName, RowId};
use super::message::Sequence;
use super::response::Response;
use super::spec::BodySource;
use super::time::Timestamp;
use crate::engine::model::filter::Filter;

/// A step in the life of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The server accepted it.
    Created,
    /// An attempt began.
    Active,
    /// An attempt failed.
    Error,
    /// Another attempt follows.
    Retry,
    /// Done.
    Delivered,
    /// Out of retries.
    Failed,
    /// It went to a dead-letter queue.
    DeadLettered,
    /// It came back from a dead-letter queue.
    Redriven,
    /// Somebody asked for it to be cancelled.
    CancelRequested,
    /// It is cancelled: its next delivery time has come.
    Cancelled,
}

/// Which messages a log tells of; each account has one log of either kind, with the same bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogKind {
    /// Those that follow their queue's rules.
    QueueRules,
    /// Those that carry their rules.
    CarriedRules,
}

/// One stored row. What the message's spec says is not repeated: the row holds the spec.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRow {
    /// Its time, and its cursor.
    pub id: RowId,
    /// Whose it is.
    pub account: AccountName,
    /// Which of the account's logs it stands in.
    pub kind: LogKind,
    /// When it was written: rows are forgotten in this order, whatever time they tell of.
    pub written_at: Timestamp,
    /// The message it tells of.
    pub message: Sequence,
    /// What happened.
    pub event: Event,
    /// The queue the message was in.
    pub queue: Option<QueueName>,
    /// Why an attempt failed.
    pub error: Option<Arc<str>>,
    /// When the next attempt is due.
    pub next_delivery: Option<Timestamp>,
    /// What the consumer answered, if it answered and the attempt failed.
    pub response: Option<Arc<Response>>,
}

impl LogRow {
    /// Whether the row keeps its message's body readable: that of the first step of a message that carries its
    /// rules does (v2.md section 2.6).
    pub(crate) const fn holds_body(&self) -> bool {
        matches!(self.event, Event::Created) && matches!(self.kind, LogKind::CarriedRules)
    }
}

/// A row as callers see it.
#[derive(Clone, Debug, PartialEq)]
pub struct LogView {
    /// Its time, and its cursor.
    pub id: RowId,
    /// The message it tells of.
    pub message: MessageId,
    /// What happened.
    pub event: Event,
    /// The rules that the message carries, if it carries any.
    pub carried: Option<Arc<CarriedRules>>,
    /// The message's headers.
    pub headers: Headers,
    /// The queue the message was in.
    pub queue: Option<QueueName>,
    /// What was published; on [`Event::Created`] rows of messages that carry their rules.
    pub body: Option<BodySource>,
    /// Why an attempt failed.
    pub error: Option<Arc<str>>,
    /// When the next attempt is due.
    pub next_delivery: Option<Timestamp>,
    /// What the consumer answered, if it answered and the attempt failed.
    pub response: Option<Arc<Response>>,
}

/// A look at the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogQuery {
    /// Which of the account's logs.
    pub kind: LogKind,
    /// Which messages.
    pub filter: Filter,
    /// Which events; empty: all.
    pub events: Vec<Event>,
    /// From here on, this row not included.
    pub cursor: Option<RowId>,
    /// At most so many. A page may be short, even empty, and still say where to go on.
    pub count: usize,
    /// Oldest first instead of newest first.
    pub earliest_first: bool,
}
