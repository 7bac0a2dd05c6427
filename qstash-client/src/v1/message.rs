//! What the server tells of a message.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::timing::{Timestamp, seconds};
use crate::types::ids::{MessageId, QueueName};
use crate::types::json::RawJson;

/// The state of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MessageState {
    /// The message is not due yet.
    Delayed,
    /// The message is due and waits for its turn.
    Ready,
    /// The server is pushing the message to a webhook.
    InFlight,
    /// A consumer holds the message under a lease.
    Leased,
    /// A consumer has processed the message.
    Delivered,
    /// The message ran out of retries, and its queue has no dead-letter queue.
    Failed,
    /// The message was cancelled.
    Cancelled,
    /// The server named a state that this version does not know.
    #[serde(other)]
    Unknown,
}

impl MessageState {
    /// Returns whether nothing more will happen to the message.
    #[must_use]
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Delivered | Self::Failed | Self::Cancelled)
    }

    pub(crate) const fn wire_name(self) -> &'static str {
        match self {
            Self::Delayed => "delayed",
            Self::Ready => "ready",
            Self::InFlight => "in_flight",
            Self::Leased => "leased",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
        }
    }
}

/// A message and its state. Reading it does not lease it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct MessageView {
    /// The message's id.
    #[serde(rename = "message_id")]
    pub id: MessageId,
    /// The queue that the message is in.
    pub queue: QueueName,
    /// The message's state.
    pub state: MessageState,
    /// The payload. The server may drop it once the message is finished.
    #[serde(default)]
    pub message: Option<RawJson>,
    /// When the message was published.
    #[serde(default)]
    pub published_at: Option<Timestamp>,
    /// When the message becomes visible, if it is delayed or ready.
    #[serde(default)]
    pub visible_at: Option<Timestamp>,
    /// When the message's lease ends, if it is leased.
    #[serde(default)]
    pub lease_expires_at: Option<Timestamp>,
    /// When the server gives up the attempt, if the message is in flight.
    #[serde(default)]
    pub times_out_at: Option<Timestamp>,
    /// When the message was finished.
    #[serde(default)]
    pub finished_at: Option<Timestamp>,
    /// How many attempts were made in this queue.
    #[serde(default)]
    pub attempt: u32,
    /// The newest attempts, oldest first, including those in earlier queues.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    /// Why the message is a dead letter, if it is one.
    #[serde(default)]
    pub dead_letter: Option<DeadLetter>,
    /// The headers that the publisher gave the message.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub other: BTreeMap<String, serde_json::Value>,
}

/// One attempt to deliver a message.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Attempt {
    /// The attempt's number in its queue; the first is 1.
    #[serde(default)]
    pub attempt: Option<u32>,
    /// The queue in which the attempt was made.
    #[serde(default)]
    pub queue: Option<QueueName>,
    /// When the attempt began.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// When the attempt ended; `None` while it goes on.
    #[serde(default)]
    pub finished_at: Option<Timestamp>,
    /// The status code that the consumer answered, if it did.
    #[serde(default)]
    pub status: Option<u16>,
    /// Why the attempt failed, if it did.
    #[serde(default)]
    pub error: Option<String>,
    /// How long the attempt took; `None` while it goes on.
    #[serde(
        default,
        rename = "duration_seconds",
        deserialize_with = "seconds::optional"
    )]
    pub duration: Option<Duration>,
}

/// Why a message is a dead letter.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The queue in which the message ran out of retries.
    pub source_queue: QueueName,
    /// When the message ran out of retries.
    #[serde(default)]
    pub time: Option<Timestamp>,
    /// How many attempts were made in that queue.
    #[serde(default)]
    pub attempts: u32,
    /// The status code of the last answer, if a consumer answered.
    #[serde(default)]
    pub last_status: Option<u16>,
    /// The error of the last attempt.
    #[serde(default)]
    pub last_error: Option<String>,
    /// The first 4 KiB of the last answer's body.
    #[serde(default)]
    pub last_response_body: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_keeps_what_it_does_not_know() {
        let view: MessageView = serde_json::from_str(
            r#"{"message_id":"m","queue":"q","state":"dreaming","message":{"a": 1},"colour":"red",
            "published_at":"2026-11-24T02:28:08.250Z","attempts":[{"attempt":1,
            "started_at":"2026-11-24T02:28:09.000Z","status":500,"error":null,"duration_seconds":0.25}],
            "dead_letter":{"source_queue":"orders","time":"2026-11-24T02:28:09.500Z","attempts":4,"last_status":500,
            "last_error":null,"last_response_body":""}}"#,
        )
        .expect("decodes");
        assert_eq!(view.state, MessageState::Unknown);
        assert_eq!(view.other["colour"], "red");
        assert_eq!(view.message.expect("kept").get(), r#"{"a": 1}"#);
        assert_eq!(view.attempts[0].duration, Some(Duration::from_millis(250)));
        assert_eq!(
            view.dead_letter.expect("is one").source_queue.as_str(),
            "orders"
        );
    }
}
