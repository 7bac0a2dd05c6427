//! What the engine wants done in the world, and how an attempt ended.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::command::{Headers, Reply};
use super::id::{AccountName, AttemptId, LeaseId, MessageId, QueueName, WaiterId};
use super::time::Timestamp;

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

/// One try to deliver a message.
#[derive(Clone)]
pub struct Attempt {
    /// Names the attempt in this process.
    pub id: AttemptId,
    /// The message's id.
    pub message: MessageId,
    /// Whose message it is.
    pub account: AccountName,
    /// The queue it comes from.
    pub queue: QueueName,
    /// Where to.
    pub url: Arc<str>,
    /// The bytes to deliver.
    pub body: Bytes,
    /// The publisher's headers.
    pub headers: Headers,
    /// 1 for the first delivery.
    pub number: u32,
    /// The attempt's lease.
    pub lease: LeaseId,
    /// When the message was published.
    pub published_at: Timestamp,
    /// When the attempt was started.
    pub started_at: Timestamp,
    /// Signs the body.
    pub secret: Arc<str>,
}

impl std::fmt::Debug for Attempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attempt")
            .field("id", &self.id)
            .field("message", &self.message)
            .field("queue", &self.queue)
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
    /// The beginning of the response body: at most [`Outcome::MAX_BODY`] bytes.
    pub body: Bytes,
}

impl Outcome {
    /// How much of a response body is kept.
    pub const MAX_BODY: usize = 4096;
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
}
