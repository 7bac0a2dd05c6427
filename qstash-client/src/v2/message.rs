//! What the service tells of a message.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde::de::Error as _;

use crate::timing::Timestamp;
use crate::types::ids::{DlqId, FlowControlKey, MessageId, QueueName, ScheduleId, UrlGroupName};
use crate::types::other::Other;
use crate::v2::fields::{Fields, Headers, Missing, read_by_fields};
use crate::v2::list::Listed;

/// A message as the service stores it (v2 contract, section 2.15). A field that the service does not tell is `None` or
/// empty. A field that could not be read is in [`other`](Self::other).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Message {
    /// The message's id.
    pub id: MessageId,
    /// The URL that the message goes to.
    pub url: String,
    /// The HTTP method of the delivery.
    pub method: Option<Method>,
    /// The headers that are forwarded to the consumer, and the content type.
    pub headers: Headers,
    /// The body that is delivered.
    pub body: Option<Bytes>,
    /// When the message was published.
    pub created_at: Option<Timestamp>,
    /// When the message was or is due.
    pub not_before: Option<Timestamp>,
    /// How often the service retries after the first attempt failed.
    pub max_retries: Option<u32>,
    /// The expression for the wait between attempts.
    pub retry_delay: Option<String>,
    /// The URL group that the message was published to.
    pub url_group: Option<UrlGroupName>,
    /// The endpoint's name in that group.
    pub endpoint: Option<String>,
    /// The built-in API that the message was published to.
    pub api: Option<String>,
    /// The queue that the message is in.
    pub queue: Option<QueueName>,
    /// The schedule that made the message.
    pub schedule_id: Option<ScheduleId>,
    /// The URL that the service calls after each attempt.
    pub callback: Option<String>,
    /// The headers of that callback.
    pub callback_headers: Headers,
    /// The URL that the service calls when the message has run out of retries.
    pub failure_callback: Option<String>,
    /// The headers of that callback.
    pub failure_callback_headers: Headers,
    /// The message's labels.
    pub labels: Vec<String>,
    /// The IP address that published the message.
    pub caller_ip: Option<String>,
    /// The message's flow-control key.
    pub flow_control_key: Option<FlowControlKey>,
    /// How many deliveries under that key may be in flight at once.
    pub parallelism: Option<u32>,
    /// How many deliveries under that key may begin in a period.
    pub rate: Option<u32>,
    /// The length of that period.
    pub period: Option<Duration>,
    /// Fields that this version does not know or could not read.
    pub other: Other,
}

/// An entry of the dead-letter list: a message that ran out of retries, and its last answer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The entry's id in the dead-letter list. It is not the message's id.
    pub dlq_id: DlqId,
    /// The message. Its `other` also holds the fields of the entry that this version does not know.
    pub message: Message,
    /// The status code of the last answer; `None` if there was no answer.
    pub response_status: Option<u16>,
    /// The headers of the last answer.
    pub response_headers: Headers,
    /// The body of the last answer.
    pub response_body: Option<Bytes>,
}

impl Message {
    fn read(mut fields: Fields) -> Result<Self, Missing> {
        let labels = fields.labels();
        Ok(Self {
            id: fields.need("messageId")?,
            url: fields.text("url").unwrap_or_default(),
            method: fields.parsed("method"),
            headers: fields.headers("header").unwrap_or_default(),
            body: fields.body("body", "bodyBase64"),
            created_at: fields.time("createdAt"),
            not_before: fields.time("notBefore"),
            max_retries: fields.number("maxRetries"),
            retry_delay: fields.text("retryDelayExpression"),
            url_group: fields.parsed("topicName"),
            endpoint: fields.text("endpointName"),
            api: fields.text("api"),
            queue: fields.parsed("queueName"),
            schedule_id: fields.parsed("scheduleId"),
            callback: fields.text("callback"),
            callback_headers: fields.headers("callbackHeader").unwrap_or_default(),
            failure_callback: fields.text("failureCallback"),
            failure_callback_headers: fields.headers("failureCallbackHeader").unwrap_or_default(),
            labels,
            caller_ip: fields.caller_ip(),
            flow_control_key: fields.parsed("flowControlKey"),
            parallelism: fields.number("parallelism"),
            rate: fields.number("rate"),
            period: fields.seconds("period"),
            other: fields.rest(),
        })
    }
}

read_by_fields!(Message);

/// An entry as the service answers it. If it was asked for by its id, the id may be missing.
#[derive(Debug)]
pub(crate) struct DeadLetterWithoutId {
    dlq_id: Option<DlqId>,
    message: Message,
    response_status: Option<u16>,
    response_headers: Headers,
    response_body: Option<Bytes>,
}

impl DeadLetterWithoutId {
    fn read(mut fields: Fields) -> Result<Self, Missing> {
        Ok(Self {
            dlq_id: fields.parsed("dlqId"),
            response_status: fields.status("responseStatus"),
            response_headers: fields.response_headers(),
            response_body: fields.body("responseBody", "responseBodyBase64"),
            message: Message::read(fields)?,
        })
    }

    pub(crate) fn with_id(self, id: DlqId) -> DeadLetter {
        DeadLetter {
            dlq_id: self.dlq_id.unwrap_or(id),
            message: self.message,
            response_status: self.response_status,
            response_headers: self.response_headers,
            response_body: self.response_body,
        }
    }
}

read_by_fields!(DeadLetterWithoutId);

impl<'de> Deserialize<'de> for DeadLetter {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let read = DeadLetterWithoutId::deserialize(from)?;
        let id = read.dlq_id.clone();
        let id = id.ok_or_else(|| D::Error::custom("the field `dlqId` is missing"))?;
        Ok(read.with_id(id))
    }
}

impl Listed for DeadLetter {
    const NAME: &'static str = "v2.dlq.list";
    const ATTEMPTED: &'static str = "list dead letters";
    const PATH: &'static str = "/v2/dlq";
    const ARRAYS: &'static [&'static str] = &["messages"];
}
