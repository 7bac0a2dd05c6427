//! One captured delivery.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use serde::de::DeserializeOwned;

use crate::delivery;
use crate::engine::{Envelope, MessageId, QueueName, Timestamp, Verdict};
use crate::instruments::{End, Record, beginning, masked};
use crate::text::{rfc3339, v2_message_id};

/// One attempt to deliver a message: the request, the answer, the times and the outcome.
///
/// It shows the attempt as it was when [`Deliveries`](super::Deliveries) returned it. An attempt that was under way
/// then has no answer here, even if it has ended since.
#[derive(Clone)]
pub struct Delivery {
    pub(crate) record: Arc<Record>,
    end: Option<End>,
}

impl Delivery {
    pub(crate) fn of(record: Arc<Record>) -> Self {
        let end = record.end.get().cloned();
        Self { record, end }
    }

    /// The message's id, as its publisher knows it: `msg_…` if it was published by `/v2`, else a UUID.
    pub(crate) fn spelled_id(&self) -> String {
        let carried = matches!(self.record.attempt.envelope, Envelope::CarriedRules(_));
        spelled(self.message_id(), carried)
    }

    /// The message's id.
    #[must_use]
    pub fn message_id(&self) -> MessageId {
        self.record.attempt.message
    }

    /// The account that owns the message.
    #[must_use]
    pub fn account(&self) -> &str {
        self.record.attempt.account.as_str()
    }

    /// The queue that the message was in, if the message follows its rules.
    #[must_use]
    pub fn queue(&self) -> Option<&str> {
        self.record.attempt.queue().map(QueueName::as_str)
    }

    /// The URL that the message was published for. A [`Route`](crate::Route) may have sent the request elsewhere.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.record.attempt.url
    }

    /// The number of the attempt among those of its message, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.record.attempt.number
    }

    /// Whether a [fault](super::Fault::duplicate) has sent the request of the attempt once more, as this delivery. The
    /// message goes on by the answer to the first one, whatever the answer to this one is.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        self.record.is_duplicate()
    }

    /// The body of the request, byte for byte; empty before the server has read it.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        self.record.body()
    }

    /// The body of the request, parsed as JSON.
    ///
    /// # Errors
    /// The body is not the JSON of a `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(self.body())
    }

    /// The headers of the request, without `Host` and `Content-Length`, which the connection adds. Empty if no
    /// request could be sent.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let signature = self.record.signature.get();
        signature
            .and_then(|signature| delivery::headers(&self.record.attempt, signature).ok())
            .unwrap_or_default()
    }

    /// The value of a header of the request, if there is one and it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let headers = self.headers();
        Some(headers.get(name)?.to_str().ok()?.to_owned())
    }

    /// When the attempt started, in the server's time; of a duplicate, when it was sent.
    #[must_use]
    pub fn started_at(&self) -> Timestamp {
        self.record.started_at()
    }

    /// When the attempt was over, in the server's time; `None` while it is under way.
    #[must_use]
    pub fn finished_at(&self) -> Option<Timestamp> {
        self.end.as_ref().map(|end| end.at)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.end.is_some()
    }

    /// How long the attempt took in real time; `None` while it is under way.
    #[must_use]
    pub fn took(&self) -> Option<Duration> {
        self.end.as_ref().map(|end| end.took)
    }

    /// What the outcome meant for the message; `None` while the attempt is under way, and for ever if the server
    /// stopped meanwhile. An attempt that the server gave up, because its timeout had passed, or the server was reset
    /// or restored from a snapshot, is a failure.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        let end = self.end.as_ref()?;
        let given_up = Verdict::Failure { retry_after: None };
        Some(end.outcome.as_ref().map_or(given_up, |it| it.verdict))
    }

    /// Whether the consumer has processed the message. An answer that only accepts it (202 in v1) does not count.
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        self.verdict() == Some(Verdict::Success)
    }

    /// Whether the attempt failed.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        matches!(
            self.verdict(),
            Some(Verdict::Failure { .. } | Verdict::Rejected)
        )
    }

    /// The status code of the answer, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.end.as_ref()?.outcome.as_ref()?.status
    }

    /// The headers of the answer; empty if there was no answer, or if they have more than 16 KiB.
    #[must_use]
    pub fn answer_headers(&self) -> HeaderMap {
        self.record
            .answer_headers
            .get()
            .cloned()
            .unwrap_or_default()
    }

    /// The beginning of the answer's body: at most 4 KiB of an answer to a v1 message, at most 1 MiB of one to a v2
    /// message. Empty if there was no answer.
    #[must_use]
    pub fn answer_body(&self) -> Bytes {
        let outcome = self.end.as_ref().and_then(|end| end.outcome.as_ref());
        outcome.map_or_else(Bytes::new, |outcome| outcome.body.clone())
    }

    /// Why the attempt failed, in a sentence, if it did.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        match &self.end.as_ref()?.outcome {
            Some(outcome) => outcome.error.as_deref(),
            None => Some("given up without an answer"),
        }
    }

    /// The names of the injected faults that struck the attempt.
    #[must_use]
    pub fn faults(&self) -> &[&'static str] {
        &self.record.faults
    }

    /// How the attempt ended, in a word or a sentence.
    pub(crate) fn ending(&self) -> String {
        match (self.verdict(), self.error()) {
            (None, _) => "under way".to_owned(),
            (Some(Verdict::Success), _) => "delivered".to_owned(),
            (Some(Verdict::Accepted), _) => "accepted".to_owned(),
            (Some(Verdict::Failure { .. } | Verdict::Rejected), Some(error)) => {
                format!("failed: {error}")
            }
            (Some(Verdict::Failure { .. } | Verdict::Rejected), None) => "failed".to_owned(),
        }
    }
}

/// A message's id as its publisher knows it.
pub(super) fn spelled(id: MessageId, carried: bool) -> String {
    if carried {
        v2_message_id(id)
    } else {
        id.0.to_string()
    }
}

/// A line of a report, without what may be secret in the URL.
impl std::fmt::Display for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_duplicate() {
            f.write_str("duplicate of ")?;
        }
        write!(
            f,
            "attempt {} of message {}",
            self.attempt(),
            self.spelled_id()
        )?;
        if let Some(queue) = self.queue() {
            write!(f, " in queue `{queue}`")?;
        }
        write!(
            f,
            " to {} at {}",
            masked(self.url()),
            rfc3339(self.started_at())
        )?;
        match self.finished_at().filter(|it| *it != self.started_at()) {
            Some(end) => write!(f, " until {}: {}", rfc3339(end), self.ending())?,
            None => write!(f, ": {}", self.ending())?,
        }
        let answer = self.answer_body();
        if !answer.is_empty() {
            write!(f, "; it answered {}", shown(&answer))?;
        }
        if let Some(limit) = self.record.waited() {
            let limit = limit.as_secs_f64();
            write!(
                f,
                "; the real-time limit of {limit} s (`real_time_limit`) was over first"
            )?;
        }
        if !self.faults().is_empty() {
            write!(f, "; faults: {}", self.faults().join(", "))?;
        }
        Ok(())
    }
}

/// The beginning of a body, as a person can read it.
pub(super) fn shown(body: &[u8]) -> String {
    const MOST: usize = 200;
    // A character has at most four bytes.
    let start = &body[..body.len().min(4 * MOST + 4)];
    beginning(&String::from_utf8_lossy(start), MOST)
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery")
            .field("message_id", &format_args!("{}", self.spelled_id()))
            .field("queue", &self.queue())
            .field("url", &masked(self.url()))
            .field("attempt", &self.attempt())
            .field("duplicate", &self.is_duplicate())
            .field("ending", &self.ending())
            .finish_non_exhaustive()
    }
}
