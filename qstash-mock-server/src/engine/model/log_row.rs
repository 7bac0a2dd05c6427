//! The event log: one row for each step in the life of a message (v2.md sections 2.6 and 3.13).

use std::sync::Arc;

use super::carried_rules::CarriedRules;
use super::headers::Headers;
use super::id::{AccountName, MessageId, QueueName, RowId};
use super::message::Sequence;
use super::response::Response;
use super::spec::{BodySource, MessageSpec};
use super::time::Timestamp;
use crate::engine::model::filter::Filter;

/// A step in the life of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The server accepted the message.
    Created,
    /// An attempt or a lease began.
    Active,
    /// An attempt failed, a lease ended without an acknowledgement, or a callback was not made.
    Error,
    /// After an [`Event::Error`], another attempt is planned.
    Retry,
    /// The message is delivered.
    Delivered,
    /// The message has failed: it is out of retries, or its consumer rejected it.
    Failed,
    /// The message moved to a dead-letter queue.
    DeadLettered,
    /// The message was sent back from a dead-letter queue.
    Redriven,
    /// A caller asked for the message to be cancelled.
    CancelRequested,
    /// The message is cancelled. The row's time is when its next delivery was due.
    Cancelled,
}

/// Which messages a log covers. Each account has one log of each kind, with the same bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogKind {
    /// Messages that follow their queue's rules.
    QueueRules,
    /// Messages that carry their rules.
    CarriedRules,
}

impl MessageSpec {
    /// The log that covers the message.
    pub(crate) const fn log_kind(&self) -> LogKind {
        match self.carried() {
            Some(_) => LogKind::CarriedRules,
            None => LogKind::QueueRules,
        }
    }
}

/// One stored row of the log. It does not repeat what the message's spec says; it keeps the spec stored instead.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRow {
    /// The row's id: its time, and the cursor of pages.
    pub id: RowId,
    /// The account that owns the message.
    pub account: AccountName,
    /// Which of the account's two logs the row belongs to.
    pub kind: LogKind,
    /// When the row was written. Rows are forgotten in this order; the time in `id` may lie in the future.
    pub written_at: Timestamp,
    /// The message that the row is about.
    pub message: Sequence,
    /// What happened.
    pub event: Event,
    /// The queue that the message was in.
    pub queue: Option<QueueName>,
    /// Why there was an [`Event::Error`].
    pub error: Option<Arc<str>>,
    /// When the next attempt is due.
    pub next_delivery: Option<Timestamp>,
    /// The consumer's answer, if there was one and the attempt failed.
    pub response: Option<Arc<Response>>,
}

impl LogRow {
    /// Whether the row keeps its message's body readable. Only the first row of a message that carries its rules does
    /// (v2.md section 2.6).
    pub(crate) const fn holds_body(&self) -> bool {
        matches!(self.event, Event::Created) && matches!(self.kind, LogKind::CarriedRules)
    }
}

/// A row of the log as callers see it.
#[derive(Clone, Debug, PartialEq)]
pub struct LogView {
    /// The row's id: its time, and the cursor of pages.
    pub id: RowId,
    /// The message that the row is about.
    pub message: MessageId,
    /// What happened.
    pub event: Event,
    /// The rules that the message carries, if it carries any.
    pub carried: Option<Arc<CarriedRules>>,
    /// The message's headers.
    pub headers: Headers,
    /// The queue that the message was in.
    pub queue: Option<QueueName>,
    /// The published body; only on [`Event::Created`] rows of messages that carry their rules.
    pub body: Option<BodySource>,
    /// Why there was an [`Event::Error`].
    pub error: Option<Arc<str>>,
    /// When the next attempt is due.
    pub next_delivery: Option<Timestamp>,
    /// The consumer's answer, if there was one and the attempt failed.
    pub response: Option<Arc<Response>>,
}

/// Which page of the log a caller asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct LogQuery {
    /// Which of the account's two logs.
    pub kind: LogKind,
    /// Which messages.
    pub filter: Filter,
    /// Which events; an empty list means all.
    pub events: Vec<Event>,
    /// The page begins after this row, in the order asked for.
    pub cursor: Option<RowId>,
    /// The most rows of the page. The engine looks at a bounded number of rows, so a page may be short or even empty
    /// and still have a `next` cursor.
    pub count: usize,
    /// Whether the oldest row comes first; by default the newest does.
    pub earliest_first: bool,
}
