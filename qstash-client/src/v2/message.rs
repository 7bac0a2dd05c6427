//! What can be known of a message.

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

/// A message as the service keeps it (v2 contract, section 2.15). A field that the service does not tell is `None`
/// or empty; one that could not be read is in [`other`](Self::other).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Where it goes.
    pub url: String,
    /// The method of its delivery.
    pub method: Option<Method>,
    /// The headers that are forwarded, and the content type.
    pub headers: Headers,
    /// What is delivered.
    pub body: Option<Bytes>,
    /// When it was published.
    pub created_at: Option<Timestamp>,
    /// When it was or is due.
    pub not_before: Option<Timestamp>,
    /// Failed deliveries after the first.
    pub max_retries: Option<u32>,
    /// The expression for the wait between them.
    pub retry_delay: Option<String>,
    /// The URL group that it was published to.
    pub url_group: Option<UrlGroupName>,
    /// The endpoint's name in that group.
    pub endpoint: Option<String>,
    /// The built-in API that it was published to.
    pub api: Option<String>,
    /// The queue that it is in.
    pub queue: Option<QueueName>,
    /// The schedule that made it.
    pub schedule_id: Option<ScheduleId>,
    /// Who is told of each attempt.
    pub callback: Option<String>,
    /// The headers of that callback.
    pub callback_headers: Headers,
    /// Who is told when it has failed for good.
    pub failure_callback: Option<String>,
    /// The headers of that callback.
    pub failure_callback_headers: Headers,
    /// Its labels.
    pub labels: Vec<String>,
    /// The address that it was published from.
    pub caller_ip: Option<String>,
    /// The key of its flow control.
    pub flow_control_key: Option<FlowControlKey>,
    /// Deliveries at once under that key.
    pub parallelism: Option<u32>,
    /// Deliveries in a period under that key.
    pub rate: Option<u32>,
    /// That period.
    pub period: Option<Duration>,
    /// Fields that this version does not know or could not read.
    pub other: Other,
}

/// An entry of the dead-letter queue: a message that was not delivered, and its last answer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// Its id in the dead-letter queue, which is not the message's.
    pub dlq_id: DlqId,
    /// The message. Its `other` holds what this version does not know of either.
    pub message: Message,
    /// The status code of the last answer; `None` where there was none.
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
            caller_ip: fields.text("callerIP").or_else(|| fields.text("callerIp")),
            flow_control_key: fields.parsed("flowControlKey"),
            parallelism: fields.number("parallelism"),
            rate: fields.number("rate"),
            period: fields.seconds("period"),
            other: fields.rest(),
        })
    }
}

read_by_fields!(Message);

/// A dead letter as the answer tells it: asked for by its id, an entry may lack it.
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
        let headers = fields.headers("responseHeader");
        Ok(Self {
            dlq_id: fields.parsed("dlqId"),
            response_status: fields
                .number("responseStatus")
                .filter(|status| *status != 0),
            response_headers: headers
                .or_else(|| fields.headers("responseHeaders"))
                .unwrap_or_default(),
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
    const ATTEMPTED: &'static str = "list the DLQ";
    const PATH: &'static str = "/v2/dlq";
    const ARRAYS: &'static [&'static str] = &["messages"];
}
