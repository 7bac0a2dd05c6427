//! `/v2/events`: the log, which tells what happened to messages.

use std::time::Duration;

use bytes::Bytes;
use http::Method;

use crate::timing::Timestamp;
use crate::types::ids::{FlowControlKey, MessageId, QueueName, ScheduleId, UrlGroupName};
use crate::types::other::Other;
use crate::v2::fields::{Fields, Headers, Missing, read_by_fields};
use crate::v2::filter::LogFilter;
use crate::v2::list::{Listed, PagedList};

/// What happened to a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LogState {
    /// The service accepted the message.
    Created,
    /// An attempt began.
    Active,
    /// The message waits for its next attempt.
    Retry,
    /// An attempt failed.
    Error,
    /// The message was delivered.
    Delivered,
    /// The message ran out of retries.
    Failed,
    /// Somebody asked to cancel the message.
    CancelRequested,
    /// The message was cancelled.
    Cancelled,
    /// Matches active, failing and retrying messages. Only filters use it.
    InProgress,
    /// The service named a state that this version does not know.
    Other(String),
}

impl LogState {
    /// Returns the state's name on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Created => "CREATED",
            Self::Active => "ACTIVE",
            Self::Retry => "RETRY",
            Self::Error => "ERROR",
            Self::Delivered => "DELIVERED",
            Self::Failed => "FAILED",
            Self::CancelRequested => "CANCEL_REQUESTED",
            Self::Cancelled => "CANCELED",
            Self::InProgress => "IN_PROGRESS",
            Self::Other(name) => name,
        }
    }
}

/// Reads both spellings of "cancelled" and any letter case.
impl From<&str> for LogState {
    fn from(name: &str) -> Self {
        match name.to_ascii_uppercase().as_str() {
            "CREATED" => Self::Created,
            "ACTIVE" => Self::Active,
            "RETRY" => Self::Retry,
            "ERROR" => Self::Error,
            "DELIVERED" => Self::Delivered,
            "FAILED" => Self::Failed,
            "CANCEL_REQUESTED" => Self::CancelRequested,
            "CANCELED" | "CANCELLED" => Self::Cancelled,
            "IN_PROGRESS" => Self::InProgress,
            _ => Self::Other(name.to_owned()),
        }
    }
}

impl std::fmt::Display for LogState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One entry of the log (v2 contract, section 2.15). A field that the service does not tell is `None` or empty. A field
/// that could not be read is in [`other`](Self::other).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LogEntry {
    /// When it happened.
    pub time: Option<Timestamp>,
    /// The message to which it happened.
    pub message_id: MessageId,
    /// What happened.
    pub state: LogState,
    /// The URL that the message goes to.
    pub url: String,
    /// Why an attempt failed.
    pub error: Option<String>,
    /// When the next attempt is due.
    pub next_delivery_time: Option<Timestamp>,
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
    /// The HTTP method of the delivery.
    pub method: Option<Method>,
    /// The message's headers.
    pub headers: Headers,
    /// The message's body.
    pub body: Option<Bytes>,
    /// The status code of the answer to a failed attempt.
    pub response_status: Option<u16>,
    /// The headers of that answer.
    pub response_headers: Headers,
    /// The body of that answer.
    pub response_body: Option<Bytes>,
    /// How long the consumer may take.
    pub timeout: Option<Duration>,
    /// The URL that the service calls after each attempt.
    pub callback: Option<String>,
    /// The headers of that callback.
    pub callback_headers: Headers,
    /// The URL that the service calls when the message has run out of retries.
    pub failure_callback: Option<String>,
    /// The headers of that callback.
    pub failure_callback_headers: Headers,
    /// How often the service retries after the first attempt failed.
    pub max_retries: Option<u32>,
    /// The expression for the wait between attempts.
    pub retry_delay: Option<String>,
    /// The message's labels.
    pub labels: Vec<String>,
    /// The message's flow-control key.
    pub flow_control_key: Option<FlowControlKey>,
    /// How many deliveries under that key may be in flight at once.
    pub parallelism: Option<u32>,
    /// How many deliveries under that key may begin in a period.
    pub rate: Option<u32>,
    /// The length of that period.
    pub period: Option<Duration>,
    /// The IP address that published the message.
    pub caller_ip: Option<String>,
    /// Fields that this version does not know or could not read.
    pub other: Other,
}

impl LogEntry {
    fn read(mut fields: Fields) -> Result<Self, Missing> {
        let labels = fields.labels();
        let state = fields.text("state").unwrap_or_default();
        // The service has spelt this field in two ways, and may tell both.
        let retry_delay = fields.text("retryDelayExpr");
        let retry_delay = fields.text("retryDelayExpression").or(retry_delay);
        Ok(Self {
            time: fields.time("time"),
            message_id: fields.need("messageId")?,
            state: LogState::from(state.as_str()),
            url: fields.text("url").unwrap_or_default(),
            error: fields.text("error"),
            next_delivery_time: fields.time("nextDeliveryTime"),
            url_group: fields.parsed("topicName"),
            endpoint: fields.text("endpointName"),
            api: fields.text("api"),
            queue: fields.parsed("queueName"),
            schedule_id: fields.parsed("scheduleId"),
            method: fields.parsed("method"),
            headers: fields.headers("header").unwrap_or_default(),
            body: fields.base64("body"),
            response_status: fields.status("responseStatus"),
            response_headers: fields.response_headers(),
            response_body: fields.base64("responseBody"),
            timeout: fields.millis("timeout"),
            callback: fields.text("callback"),
            callback_headers: fields.headers("callbackHeaders").unwrap_or_default(),
            failure_callback: fields.text("failureCallback"),
            failure_callback_headers: fields.headers("failureCallbackHeaders").unwrap_or_default(),
            max_retries: fields.number("maxRetries"),
            retry_delay,
            labels,
            flow_control_key: fields.parsed("flowControlKey"),
            parallelism: fields.number("parallelism"),
            rate: fields.number("rate"),
            period: fields.seconds("period"),
            caller_ip: fields.caller_ip(),
            other: fields.rest(),
        })
    }
}

read_by_fields!(LogEntry);

impl Listed for LogEntry {
    const NAME: &'static str = "v2.logs.list";
    const ATTEMPTED: &'static str = "list the log";
    const PATH: &'static str = "/v2/events";
    const ARRAYS: &'static [&'static str] = &["events", "logs"];
}

impl PagedList<'_, LogEntry> {
    /// Lists only entries that match the filter. A second call replaces the first.
    pub fn filter(self, filter: LogFilter) -> Self {
        self.by(filter.0)
    }
}
