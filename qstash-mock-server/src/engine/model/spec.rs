//! The immutable part of a message. It names the body by id and length, or as a recipe, and never holds the bytes.

use std::sync::Arc;

use bytes::Bytes;

use super::carried_rules::CarriedRules;
use super::headers::Headers;
use super::id::{AccountName, BodyId, FlowKeyId, MessageId, RowId};
use super::message::Sequence;
use super::response::Response;
use super::time::Timestamp;

/// What was published, for one endpoint. It never changes; the message, its log rows and its listed dead letter share
/// it.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageSpec {
    /// The message's id.
    pub id: MessageId,
    /// The message's order among all messages of the server.
    pub sequence: Sequence,
    /// The account that owns the message.
    pub account: AccountName,
    /// The body that is delivered.
    pub body: BodyRef,
    /// The publisher's headers.
    pub headers: Headers,
    /// Which rules the message follows.
    pub policy: Policy,
}

/// Which rules the attempts and leases of a message follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The message follows the rules of its queue, which are read at each attempt.
    QueueRules {
        /// The number of retries that the publisher set, instead of the queue's setting.
        max_retries: Option<u32>,
    },
    /// The message carries its rules, which are fixed when it is published.
    CarriedRules(Arc<CarriedRules>),
}

impl Policy {
    /// The rules that the message carries, if it carries any.
    pub(crate) const fn carried(&self) -> Option<&Arc<CarriedRules>> {
        match self {
            Self::CarriedRules(carried) => Some(carried),
            Self::QueueRules { .. } => None,
        }
    }
}

impl MessageSpec {
    /// When the message was published, to the millisecond. The time is part of its id.
    #[must_use]
    pub fn published_at(&self) -> Timestamp {
        self.id.published_at()
    }

    /// The rules that the message carries, if it carries any.
    #[must_use]
    pub const fn carried(&self) -> Option<&Arc<CarriedRules>> {
        self.policy.carried()
    }

    /// The flow-control key whose limits the message is under, if any.
    pub(crate) fn flow_key(&self) -> Option<FlowKeyId> {
        let flow = self.carried()?.flow_control.as_ref()?;
        Some(FlowKeyId {
            account: self.account.clone(),
            key: Arc::clone(&flow.key),
        })
    }
}

/// The body of a spec.
#[derive(Clone, Debug, PartialEq)]
pub enum BodyRef {
    /// Bytes that a publisher sent.
    Stored {
        /// The id under which the body store keeps them.
        id: BodyId,
        /// How many bytes there are.
        length: u32,
    },
    /// A callback's report, from which the bytes are written each time they are read.
    Callback(Arc<CallbackReport>),
}

impl BodyRef {
    /// A body that the body store keeps.
    pub(crate) fn new(id: BodyId, length: usize) -> Self {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        Self::Stored { id, length }
    }

    /// The id of the stored body: this one, or the one that the callback's report quotes.
    #[must_use]
    pub fn stored(&self) -> BodyId {
        match self {
            Self::Stored { id, .. } => *id,
            Self::Callback(report) => report.source.body.stored(),
        }
    }

    /// The number of bytes that the body counts for in the engine's bounds. For a report it is the length of its
    /// parts.
    #[must_use]
    pub fn length(&self) -> usize {
        match self {
            Self::Stored { length, .. } => *length as usize,
            Self::Callback(report) => report.length(),
        }
    }

    /// Where the bytes come from.
    #[must_use]
    pub fn source(&self) -> BodySource {
        match self {
            Self::Stored { id, .. } => BodySource::Stored(*id),
            Self::Callback(report) => BodySource::Callback(Arc::clone(report)),
        }
    }
}

/// Where the bytes of a body come from. The engine's replies and effects name sources; the driver replaces them by
/// bytes, after the commit and outside the engine's lock.
#[derive(Clone, Debug, PartialEq)]
pub enum BodySource {
    /// The body store keeps the bytes under this id.
    Stored(BodyId),
    /// The bytes are written from a callback's report.
    Callback(Arc<CallbackReport>),
    /// The bytes themselves.
    Bytes(Bytes),
}

impl BodySource {
    /// The bytes, if this is [`BodySource::Bytes`]; empty otherwise.
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

/// The bytes of a body that was not read yet.
static EMPTY: Bytes = Bytes::new();

/// What a callback reports of an attempt (v2.md section 3.10). The bytes are a pure function of this and of the
/// quoted body, so every reader sees the same bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct CallbackReport {
    /// The message that was attempted.
    pub source: MessageSpec,
    /// When that message became due.
    pub due_at: Timestamp,
    /// The consumer's answer, if there was one.
    pub response: Option<Arc<Response>>,
    /// Why there was no answer, if there was none.
    pub error: Option<Arc<str>>,
    /// How many retries the message had so far.
    pub retried: u32,
    /// The message's dead letter, if the report is that the message has failed.
    pub dead_letter: Option<RowId>,
}

impl CallbackReport {
    fn length(&self) -> usize {
        let response = self.response.as_ref().map_or(0, |it| it.cost());
        let error = self.error.as_ref().map_or(0, |error| error.len());
        self.source.cost() + self.source.body.length() + response + error
    }
}

/// What one input of the engine did to a stored body.
#[derive(Clone, Debug, PartialEq)]
pub enum BodyChange {
    /// Store these bytes under this id.
    Put(BodyId, Bytes),
    /// Delete the bytes under this id.
    Delete(BodyId),
}
