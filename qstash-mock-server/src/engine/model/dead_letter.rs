//! The account's dead-letter list: messages that carry their rules and have failed, with the last answer
//! (v2.md sections 2.5 and 3.11).

use std::sync::Arc;

use super::carried_rules::{CarriedRules, Settings};
use super::headers::Headers;
use super::id::{AccountName, MessageId, QueueName, RowId};
use super::message::Sequence;
use super::response::Response;
use super::spec::BodySource;
use super::time::Timestamp;
use crate::engine::model::filter::Filter;

/// A failed message in the list. What its spec says is not repeated: the entry holds the spec and the body.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedDeadLetter {
    /// Its time, its name and its cursor.
    pub id: RowId,
    /// Whose it is.
    pub account: AccountName,
    /// The message that failed.
    pub message: Sequence,
    /// The queue it went through.
    pub queue: Option<QueueName>,
    /// When the message first became due.
    pub due_at: Timestamp,
    /// The last answer, if there was one. An old one is cut down to its status when answers take too much room.
    pub response: Option<Arc<Response>>,
    /// Why the last attempt failed.
    pub error: Option<Arc<str>>,
    /// When it is forgotten.
    pub expires_at: Timestamp,
}

/// A listed dead letter as callers see it.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetterView {
    /// Its time, its name and its cursor.
    pub id: RowId,
    /// The message that failed.
    pub message: MessageId,
    /// The rules it carries.
    pub carried: Arc<CarriedRules>,
    /// The publisher's headers.
    pub headers: Headers,
    /// The queue it went through.
    pub queue: Option<QueueName>,
    /// When it was published.
    pub published_at: Timestamp,
    /// When it first became due.
    pub due_at: Timestamp,
    /// What was published.
    pub body: BodySource,
    /// The last answer, if there was one.
    pub response: Option<Arc<Response>>,
    /// Why the last attempt failed.
    pub error: Option<Arc<str>>,
}

/// A look at dead letters, or the choice of some.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetterQuery {
    /// These alone; the filter, the cursor and the count are ignored then. Unknown ones are passed over.
    pub ids: Vec<RowId>,
    /// Which ones.
    pub filter: Filter,
    /// From here on, this one not included.
    pub cursor: Option<RowId>,
    /// At most so many. A page may be short, even empty, and still say where to go on.
    pub count: usize,
    /// Oldest first instead of newest first.
    pub earliest_first: bool,
}

/// What can be done with listed dead letters.
#[derive(Clone, Debug)]
pub enum DeadLetterAction {
    /// Answers `Reply::DeadLetters`.
    List(DeadLetterQuery),
    /// Answers `Reply::DeadLetter`.
    Get(RowId),
    /// One that must be there. Answers `Reply::Done`.
    Delete(RowId),
    /// Answers `Reply::DeadLettersDeleted`.
    DeleteMany(DeadLetterQuery),
    /// One that must be there, as a fresh message. Answers `Reply::Published`.
    Retry(RowId, Box<Settings>),
    /// Answers `Reply::DeadLettersRetried`. Naming only ids of which none is there is an error.
    RetryMany(DeadLetterQuery, Box<Settings>),
}

impl DeadLetterAction {
    /// Whether it only looks.
    pub(crate) const fn is_read(&self) -> bool {
        match self {
            Self::List(_) | Self::Get(_) => true,
            Self::Delete(_) | Self::DeleteMany(_) | Self::Retry(..) | Self::RetryMany(..) => false,
        }
    }
}
