//! What was published: it never changes. Its body is an id and a length, or a recipe; never the bytes.

use std::sync::Arc;

use bytes::Bytes;

use super::carried_rules::CarriedRules;
use super::headers::Headers;
use super::id::{AccountName, BodyId, FlowKeyId, MessageId, RowId};
use super::message::Sequence;
use super::response::Response;
use super::time::Timestamp;

/// What was published, for one endpoint. Never changes; the message, its log rows and its dead letter share it.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageSpec {
    /// The message's id.
    pub id: MessageId,
    /// Its order among all messages of the server.
    pub sequence: Sequence,
    /// Whose it is.
    pub account: AccountName,
    /// What is delivered.
    pub body: BodyRef,
    /// The publisher's headers.
    pub headers: Headers,
    /// Whose rules it follows.
    pub policy: Policy,
}

/// Where the rules for a message's attempts come from (design: *Rules*).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Its queue's settings, read at each attempt.
    QueueRules {
        /// Set by the publisher, it stands instead of the queue's.
        max_retries: Option<u32>,
    },
    /// Those it carries, fixed when it was published.
    CarriedRules(Arc<CarriedRules>),
}

impl MessageSpec {
    /// When the message was published: its id says so.
    #[must_use]
    pub fn published_at(&self) -> Timestamp {
        self.id.published_at()
    }

    /// The rules it carries, if it carries any.
    #[must_use]
    pub const fn carried(&self) -> Option<&Arc<CarriedRules>> {
        match &self.policy {
            Policy::CarriedRules(carried) => Some(carried),
            Policy::QueueRules { .. } => None,
        }
    }

    /// The flow-control key it waits for.
    pub(crate) fn flow_key(&self) -> Option<FlowKeyId> {
        let flow = self.carried()?.flow_control.as_ref()?;
        Some(FlowKeyId {
            account: self.account.clone(),
            key: Arc::clone(&flow.key),
        })
    }
}

/// The body that a spec names.
#[derive(Clone, Debug, PartialEq)]
pub enum BodyRef {
    /// Bytes that were published.
    Stored {
        /// Under which id the body store keeps them.
        id: BodyId,
        /// How many there are.
        length: u32,
    },
    /// What a callback reports, to be written when it is read.
    Callback(Arc<CallbackReport>),
}

impl BodyRef {
    /// Bytes that are stored.
    pub(crate) fn new(id: BodyId, length: usize) -> Self {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        Self::Stored { id, length }
    }

    /// The stored body that is read: its own, or the one that the report quotes.
    #[must_use]
    pub fn stored(&self) -> BodyId {
        match self {
            Self::Stored { id, .. } => *id,
            Self::Callback(report) => report.source.body.stored(),
        }
    }

    /// What it counts for in bounds on bytes: for a recipe, the length of its parts.
    #[must_use]
    pub fn length(&self) -> usize {
        match self {
            Self::Stored { length, .. } => *length as usize,
            Self::Callback(report) => report.length(),
        }
    }

    /// Where to read it.
    #[must_use]
    pub fn source(&self) -> BodySource {
        match self {
            Self::Stored { id, .. } => BodySource::Stored(*id),
            Self::Callback(report) => BodySource::Callback(Arc::clone(report)),
        }
    }
}

/// Where the bytes of a body come from. The engine answers with a source; whoever carries the answer out of the
/// engine reads it, after the commit and outside the lock.
#[derive(Clone, Debug, PartialEq)]
pub enum BodySource {
    /// The body store has them.
    Stored(BodyId),
    /// The dialect that understands callbacks writes them.
    Callback(Arc<CallbackReport>),
    /// They are here.
    Bytes(Bytes),
}

impl BodySource {
    /// The bytes, once they were read; empty before.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Stored(_) | Self::Callback(_) => &EMPTY,
        }
    }
}

impl PartialEq<Bytes> for BodySource {
    fn eq(&self, other: &Bytes) -> bool {
        matches!(self, Self::Bytes(bytes) if bytes == other)
    }
}

/// The bytes of a body that was not read.
static EMPTY: Bytes = Bytes::new();

/// What a callback reports of its source's attempt (v2.md section 3.10). How it is written is the dialect's
/// business; writing is a pure function of this, so that every reader sees the same bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct CallbackReport {
    /// The message that was attempted.
    pub source: MessageSpec,
    /// When that became due.
    pub due_at: Timestamp,
    /// The consumer's answer, if it answered.
    pub response: Option<Arc<Response>>,
    /// Why there was no answer.
    pub error: Option<Arc<str>>,
    /// Retries so far.
    pub retried: u32,
    /// Its dead letter, if this tells of a failure for good.
    pub dead_letter: Option<RowId>,
}

impl CallbackReport {
    fn length(&self) -> usize {
        let response = self.response.as_ref().map_or(0, |it| it.cost());
        let error = self.error.as_ref().map_or(0, |error| error.len());
        self.source.cost() + self.source.body.length() + response + error
    }
}

/// What one input did to the stored bodies.
#[derive(Clone, Debug, PartialEq)]
pub enum BodyChange {
    /// These bytes are stored from now on.
    Put(BodyId, Bytes),
    /// Nobody needs them any more.
    Delete(BodyId),
}
