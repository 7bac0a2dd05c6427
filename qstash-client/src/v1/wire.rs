//! The JSON that v1 speaks, as far as it differs from the public types.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::timing::{Seconds, Timestamp};
use crate::types::ids::{IdempotencyKey, LeaseId, MessageId, QueueName};
use crate::types::json::RawJson;
use crate::v1::message::DeadLetter;

#[derive(Debug, Serialize)]
pub(crate) struct PublishBody {
    pub(crate) queue: QueueName,
    pub(crate) message: RawJson,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) delay_seconds: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) idempotency_key: Option<IdempotencyKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_retries: Option<u32>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) headers: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct BatchBody<'a> {
    pub(crate) messages: &'a [PublishBody],
}

#[derive(Debug, Serialize)]
pub(crate) struct ReceiveBody {
    pub(crate) max_messages: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) wait_seconds: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) visibility_timeout_seconds: Option<Seconds>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ReceiveAnswer {
    pub(crate) messages: Vec<ReceivedMessage>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ReceivedMessage {
    pub(crate) message_id: MessageId,
    pub(crate) queue: QueueName,
    pub(crate) message: RawJson,
    pub(crate) attempt: u32,
    pub(crate) lease_id: LeaseId,
    pub(crate) lease_expires_at: Timestamp,
    pub(crate) published_at: Timestamp,
    #[serde(default)]
    pub(crate) dead_letter: Option<DeadLetter>,
}

/// The body of a call that extends, acknowledges or releases.
#[derive(Debug, Default, Serialize)]
pub(crate) struct SettleBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) visibility_seconds: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) delay_seconds: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lease_id: Option<&'a LeaseId>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ExtendAnswer {
    pub(crate) lease_expires_at: Timestamp,
}
