//! What the engine wants done outside, and how an attempt ended.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::engine::model::carried_rules::CarriedRules;
use crate::engine::model::headers::Headers;
use crate::engine::model::id::{AccountName, AttemptId, LeaseId, MessageId, QueueName, WaiterId};
use crate::engine::model::spec::BodySource;
use crate::engine::model::time::Timestamp;
use crate::engine::reply::Reply;

/// Something that the engine wants done outside.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Deliver a message and report the outcome under the attempt's id
    /// ([`Engine::handle_outcome`](crate::engine::Engine::handle_outcome)).
    Attempt(Box<Attempt>),
    /// Give up an attempt, because its timeout has passed. The engine ignores an outcome that is reported later.
    Abort(AttemptId),
    /// Answer a caller that got [`Reply::Waiting`] with this id.
    Answer(WaiterId, Box<Reply>),
}

impl Effect {
    /// Whether the effect names bodies that must be read before it leaves.
    #[must_use]
    pub fn names_bodies(&self) -> bool {
        match self {
            Self::Attempt(_) => true,
            Self::Abort(_) => false,
            Self::Answer(_, reply) => reply.names_bodies(),
        }
    }
}

/// One try to deliver a message.
#[derive(Clone)]
pub struct Attempt {
    /// The attempt's id, which names it within this process.
    pub id: AttemptId,
    /// The message's id.
    pub message: MessageId,
    /// The account that owns the message.
    pub account: AccountName,
    /// The URL of the consumer.
    pub url: Arc<str>,
    /// The body to deliver.
    pub body: BodySource,
    /// The length of the body in bytes. For a callback it is an estimate, because its bytes are written later.
    pub body_length: usize,
    /// The publisher's headers.
    pub headers: Headers,
    /// The attempt's number, from 1.
    pub number: u32,
    /// When the message was published.
    pub published_at: Timestamp,
    /// When the attempt started.
    pub started_at: Timestamp,
    /// How many bytes of the answer's body the engine keeps.
    pub most_answer: usize,
    /// What else is delivered, depending on the rules of the message.
    pub envelope: Envelope,
}

/// What is delivered beside the body and the headers, depending on the rules of the message.
#[derive(Clone, Debug)]
pub enum Envelope {
    /// The message follows its queue's rules.
    QueueRules(QueueEnvelope),
    /// The message carries its rules.
    CarriedRules(CarriedEnvelope),
}

/// What is delivered with a message that follows its queue's rules.
#[derive(Clone)]
pub struct QueueEnvelope {
    /// The queue that the message is in.
    pub queue: QueueName,
    /// The attempt's lease.
    pub lease: LeaseId,
    /// The account's signing secret.
    pub secret: Arc<str>,
}

/// What is delivered with a message that carries its rules.
#[derive(Clone)]
pub struct CarriedEnvelope {
    /// The rules that the message carries.
    pub carried: Arc<CarriedRules>,
    /// The account's current signing key.
    pub key: Arc<str>,
}

impl Attempt {
    /// The queue that the message is in, if the message follows its rules.
    #[must_use]
    pub const fn queue(&self) -> Option<&QueueName> {
        match &self.envelope {
            Envelope::QueueRules(envelope) => Some(&envelope.queue),
            Envelope::CarriedRules(_) => None,
        }
    }

    /// The attempt's lease, if the message follows its queue's rules.
    #[must_use]
    pub const fn lease(&self) -> Option<LeaseId> {
        match &self.envelope {
            Envelope::QueueRules(envelope) => Some(envelope.lease),
            Envelope::CarriedRules(_) => None,
        }
    }
}

impl std::fmt::Debug for QueueEnvelope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueueEnvelope")
            .field("queue", &self.queue)
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for CarriedEnvelope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CarriedEnvelope")
            .field("carried", &self.carried)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Attempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attempt")
            .field("id", &self.id)
            .field("message", &self.message)
            .field("url", &self.url)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// What the answer, or its absence, means for the message.
    pub verdict: Verdict,
    /// The consumer's status code, if there was an answer.
    pub status: Option<u16>,
    /// Why the attempt failed, in one sentence, if it did.
    pub error: Option<String>,
    /// The answer's headers; empty for messages that follow their queue's rules.
    pub headers: Headers,
    /// The beginning of the answer's body, at most [`Attempt::most_answer`] bytes.
    pub body: Bytes,
}

/// What an answer means for the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The consumer has processed the message.
    Success,
    /// The consumer has accepted the message and not processed it yet.
    Accepted,
    /// The delivery failed, and a retry may follow.
    Failure {
        /// The shortest wait before the retry that the consumer asked for, counted from the report of the outcome.
        retry_after: Option<Duration>,
    },
    /// The consumer refused the message for good: no retry follows.
    Rejected,
}
