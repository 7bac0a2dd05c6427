//! The account's dead-letter list: failed messages that carried their rules, with the consumer's last answer (v2.md
//! sections 2.5 and 3.11).

use std::sync::Arc;

use super::carried_rules::{CarriedRules, Settings};
use super::headers::Headers;
use super::id::{AccountName, MessageId, QueueName, RowId};
use super::message::Sequence;
use super::response::Response;
use super::spec::BodySource;
use super::time::Timestamp;
use crate::engine::model::filter::Filter;

/// A stored dead letter of the list. It does not repeat what the message's spec says; it keeps the spec and the body
/// stored instead.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedDeadLetter {
    /// The dead letter's id: the time of the failure, and the cursor of pages.
    pub id: RowId,
    /// The account that owns the message.
    pub account: AccountName,
    /// The message that failed.
    pub message: Sequence,
    /// The queue that the message went through, if any.
    pub queue: Option<QueueName>,
    /// When the message first became due.
    pub due_at: Timestamp,
    /// The consumer's last answer, if there was one. When all kept answers exceed
    /// [`Limits::answer_bytes`](crate::engine::Limits::answer_bytes), the engine cuts the oldest down to the status
    /// code.
    pub response: Option<Arc<Response>>,
    /// Why the last attempt failed.
    pub error: Option<Arc<str>>,
    /// When the dead letter is forgotten.
    pub expires_at: Timestamp,
}

/// A listed dead letter as callers see it.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetterView {
    /// The dead letter's id: the time of the failure, and the cursor of pages.
    pub id: RowId,
    /// The message that failed.
    pub message: MessageId,
    /// The rules that the message carries.
    pub carried: Arc<CarriedRules>,
    /// The publisher's headers.
    pub headers: Headers,
    /// The queue that the message went through, if any.
    pub queue: Option<QueueName>,
    /// When the message was published.
    pub published_at: Timestamp,
    /// When the message first became due.
    pub due_at: Timestamp,
    /// The published body.
    pub body: BodySource,
    /// The consumer's last answer, if there was one.
    pub response: Option<Arc<Response>>,
    /// Why the last attempt failed.
    pub error: Option<Arc<str>>,
}

/// Which listed dead letters are meant.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetterQuery {
    /// Dead letters by id. If there are any ids, the other fields are ignored. Unknown ids are ignored, too.
    pub ids: Vec<RowId>,
    /// Which dead letters, if `ids` is empty.
    pub filter: Filter,
    /// The page begins after this dead letter, in the order asked for.
    pub cursor: Option<RowId>,
    /// The most dead letters of the page. The engine looks at a bounded number of them, so a page may be short or
    /// even empty and still have a `next` cursor.
    pub count: usize,
    /// Whether the oldest one comes first; by default the newest does.
    pub earliest_first: bool,
}

/// Commands on listed dead letters.
#[derive(Clone, Debug, PartialEq)]
pub enum DeadLetterAction {
    /// Read a page of the list. Answers `Reply::DeadLetters`.
    List(DeadLetterQuery),
    /// Read one dead letter. Answers `Reply::DeadLetter`.
    Get(RowId),
    /// Delete one dead letter, which must exist. Answers `Reply::Done`.
    Delete(RowId),
    /// Delete a page of dead letters. Answers `Reply::DeadLettersDeleted`.
    DeleteMany(DeadLetterQuery),
    /// Publish one dead letter, which must exist, as a new message; the settings override those that it carried.
    /// Answers `Reply::Published`.
    Retry(RowId, Box<Settings>),
    /// Publish the first dead letters of a page as new messages, at most `Limits::retried`; the settings override
    /// those that they carried. Answers `Reply::DeadLettersRetried`, with the command for the rest of the page. If
    /// the query names ids of which none exists, the command is refused.
    RetryMany(DeadLetterQuery, Box<Settings>),
}

impl DeadLetterAction {
    /// Whether the command changes nothing.
    pub(crate) const fn is_read(&self) -> bool {
        match self {
            Self::List(_) | Self::Get(_) => true,
            Self::Delete(_) | Self::DeleteMany(_) | Self::Retry(..) | Self::RetryMany(..) => false,
        }
    }
}
