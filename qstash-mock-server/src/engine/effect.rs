//! What the engine wants done in the world, and how an attempt ended.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::engine::model::carried_rules::CarriedRules;
use crate::engine::model::headers::Headers;
use crate::engine::model::id::{AccountName, AttemptId, LeaseId, MessageId, QueueName, WaiterId};
use crate::engine::model::spec::BodySource;
use crate::engine::model::time::Timestamp;
use crate::engine::reply::Reply;

/// Something to be done outside the engine.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Deliver a message and report the outcome under the attempt's id.
    Attempt(Box<Attempt>),
    /// Give up an attempt: its time is over. No outcome is expected any more.
    Abort(AttemptId),
    /// Answer a caller that waits.
    Answer(WaiterId, Box<Reply>),
}

impl Effect {
    /// Whether it names a body that is not there yet.
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
    /// Names the attempt in this process.
    pub id: AttemptId,
    /// The message's id.
    pub message: MessageId,
    /// Whose message it is.
    pub account: AccountName,
    /// Where to.
    pub url: Arc<str>,
    /// What is delivered.
    pub body: BodySource,
    /// How many bytes that is, about: the length of a callback is known when it is written.
    pub body_length: usize,
    /// The publisher's headers.
    pub headers: Headers,
    /// 1 for the first delivery.
    pub number: u32,
    /// When the message was published.
    pub published_at: Timestamp,
    /// When the attempt was started.
    pub started_at: Timestamp,
    /// How many bytes of the answer's body are wanted.
    pub most_answer: usize,
    /// What else goes with it.
    pub envelope: Envelope,
}

/// What goes with a message, by whose rules it is delivered.
#[derive(Clone, Debug)]
pub enum Envelope {
    /// By those of its queue.
    QueueRules(QueueEnvelope),
    /// By its own.
    CarriedRules(CarriedEnvelope),
}

/// What goes with a message that is delivered by the rules of its queue.
#[derive(Clone)]
pub struct QueueEnvelope {
    /// The queue it comes from.
    pub queue: QueueName,
    /// The attempt's lease.
    pub lease: LeaseId,
    /// Signs the body.
    pub secret: Arc<str>,
}

/// What goes with a message that carries its own rules.
#[derive(Clone)]
pub struct CarriedEnvelope {
    /// What it carries.
    pub carried: Arc<CarriedRules>,
    /// The account's current signing key.
    pub key: Arc<str>,
}

impl Attempt {
    /// The queue the message comes from, if it is delivered by a queue's rules.
    #[must_use]
    pub const fn queue(&self) -> Option<&QueueName> {
        match &self.envelope {
            Envelope::QueueRules(envelope) => Some(&envelope.queue),
            Envelope::CarriedRules(_) => None,
        }
    }

    /// The attempt's lease, if it has one.
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
        f.debug_struct("OwnEnvelope")
            .field("own", &self.carried)
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
    /// What it means.
    pub verdict: Verdict,
    /// The consumer's status code, if it answered.
    pub status: Option<u16>,
    /// One sentence on why it failed, if it did.
    pub error: Option<String>,
    /// The answer's headers, if it was asked for by a message that carries its own rules.
    pub headers: Headers,
    /// The beginning of the response body: at most [`Attempt::most_answer`] bytes.
    pub body: Bytes,
}

/// What an answer means for the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Delivered.
    Success,
    /// Taken, but not processed yet.
    Accepted,
    /// Not delivered; `retry_after` is the earliest time the consumer wants to see it again.
    Failure {
        /// From the moment the outcome is reported.
        retry_after: Option<Duration>,
    },
    /// Not delivered, and never to be tried again.
    Rejected,
}
