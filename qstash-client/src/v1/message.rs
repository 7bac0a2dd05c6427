//! What can be known of a message.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::timing::{Seconds, Timestamp};
use crate::types::ids::{MessageId, QueueName};
use crate::types::json::RawJson;

/// What a message is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MessageState {
    /// Not due yet.
    Delayed,
    /// Due, waiting for its turn.
    Ready,
    /// Being pushed to a webhook.
    InFlight,
    /// Held by a consumer.
    Leased,
    /// Processed.
    Delivered,
    /// Out of retries, in a queue without a dead-letter queue.
    Failed,
    /// Called back.
    Cancelled,
    /// Something that this version does not know.
    #[serde(other)]
    Unknown,
}

impl MessageState {
    /// Whether nothing more will happen to the message.
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

/// A message, looked at without taking it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct MessageView {
    /// Its id.
    #[serde(rename = "message_id")]
    pub id: MessageId,
    /// The queue it is in.
    pub queue: QueueName,
    /// What it is doing.
    pub state: MessageState,
    /// What was published; may be gone once the message is finished.
    #[serde(default)]
    pub message: Option<RawJson>,
    /// When it was published.
    #[serde(default)]
    pub published_at: Option<Timestamp>,
    /// When it becomes visible; only while it is delayed or ready.
    #[serde(default)]
    pub visible_at: Option<Timestamp>,
    /// When its lease ends; only while it is leased.
    #[serde(default)]
    pub lease_expires_at: Option<Timestamp>,
    /// When its delivery is given up; only while it is in flight.
    #[serde(default)]
    pub times_out_at: Option<Timestamp>,
    /// When it was finished.
    #[serde(default)]
    pub finished_at: Option<Timestamp>,
    /// How often it was tried in this queue.
    #[serde(default)]
    pub attempt: u32,
    /// The newest tries, oldest first, with those of earlier queues.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    /// Why it is a dead letter, if it is one.
    #[serde(default)]
    pub dead_letter: Option<DeadLetter>,
    /// The publisher's headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub other: BTreeMap<String, serde_json::Value>,
}

/// One try to deliver a message.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Attempt {
    /// 1 for the first one in its queue.
    #[serde(default)]
    pub attempt: Option<u32>,
    /// The queue it was made in.
    #[serde(default)]
    pub queue: Option<QueueName>,
    /// When it began.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// When it ended; `None` while it goes on.
    #[serde(default)]
    pub finished_at: Option<Timestamp>,
    /// The consumer's status code, if it answered.
    #[serde(default)]
    pub status: Option<u16>,
    /// Why it failed, if it did.
    #[serde(default)]
    pub error: Option<String>,
    /// How long it took; `None` while it goes on.
    #[serde(
        default,
        rename = "duration_seconds",
        deserialize_with = "optional_duration"
    )]
    pub duration: Option<Duration>,
}

/// Why a message is a dead letter.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The queue in which it ran out of retries.
    pub source_queue: QueueName,
    /// When.
    #[serde(default)]
    pub time: Option<Timestamp>,
    /// How often it was tried there.
    #[serde(default)]
    pub attempts: u32,
    /// The last status code, if there was an answer.
    #[serde(default)]
    pub last_status: Option<u16>,
    /// The last error.
    #[serde(default)]
    pub last_error: Option<String>,
    /// The first 4 KiB of the last answer's body.
    #[serde(default)]
    pub last_response_body: Option<String>,
}

fn optional_duration<'de, D: serde::Deserializer<'de>>(
    from: D,
) -> Result<Option<Duration>, D::Error> {
    Option::<Seconds>::deserialize(from).map(|seconds| seconds.map(|s| s.0))
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
