//! What can be known of a schedule.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::Method;

use crate::timing::Timestamp;
use crate::types::ids::{FlowControlKey, QueueName, ScheduleId};
use crate::types::other::Other;
use crate::v2::fields::{Fields, Headers, Missing, read_by_fields};
use crate::v2::list::Listed;

/// A schedule (v2 contract, section 2.15). A field that the service does not tell is `None` or empty; one that could not
/// be read is in [`other`](Self::other).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Schedule {
    /// Its id.
    pub id: ScheduleId,
    /// When it publishes, perhaps with a `CRON_TZ=<zone> ` before it.
    pub cron: String,
    /// Where to: a URL, the name of a URL group, or `api/<name>`.
    pub destination: String,
    /// Whether it skips its times.
    pub paused: bool,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// The method of deliveries.
    pub method: Option<Method>,
    /// The headers that are forwarded, and the content type.
    pub headers: Headers,
    /// What is delivered.
    pub body: Option<Bytes>,
    /// Failed deliveries after the first.
    pub retries: Option<u32>,
    /// The expression for the wait between them.
    pub retry_delay: Option<String>,
    /// How long each message is held back.
    pub delay: Option<Duration>,
    /// How long the consumer may take. The service does not document the unit; read as seconds.
    pub timeout: Option<Duration>,
    /// The queue that its messages go through.
    pub queue: Option<QueueName>,
    /// Who is told of each attempt.
    pub callback: Option<String>,
    /// The headers of that callback.
    pub callback_headers: Headers,
    /// Who is told when a message has failed for good.
    pub failure_callback: Option<String>,
    /// The headers of that callback.
    pub failure_callback_headers: Headers,
    /// The labels of its messages.
    pub labels: Vec<String>,
    /// The key of their flow control.
    pub flow_control_key: Option<FlowControlKey>,
    /// Deliveries at once under that key.
    pub parallelism: Option<u32>,
    /// Deliveries in a period under that key.
    pub rate: Option<u32>,
    /// That period.
    pub period: Option<Duration>,
    /// The address that it was created from.
    pub caller_ip: Option<String>,
    /// When it last published.
    pub last_time: Option<Timestamp>,
    /// When it publishes next.
    pub next_time: Option<Timestamp>,
    /// What became of the messages of the last time, by message id: `IN_PROGRESS`, `SUCCESS` or `FAIL`.
    pub last_states: BTreeMap<String, String>,
    /// Why it could not publish the last time.
    pub error: Option<String>,
    /// Fields that this version does not know or could not read.
    pub other: Other,
}

impl Schedule {
    fn read(mut fields: Fields) -> Result<Self, Missing> {
        let labels = fields.labels();
        Ok(Self {
            id: fields.need("scheduleId")?,
            cron: fields.text("cron").unwrap_or_default(),
            destination: fields.text("destination").unwrap_or_default(),
            paused: fields.flag("isPaused").unwrap_or(false),
            created_at: fields.time("createdAt"),
            method: fields.parsed("method"),
            headers: fields.headers("header").unwrap_or_default(),
            body: fields.body("body", "bodyBase64"),
            retries: fields.number("retries"),
            retry_delay: fields.text("retryDelayExpression"),
            delay: fields.seconds("delay"),
            timeout: fields.seconds("timeout"),
            queue: fields.parsed("queueName"),
            callback: fields.text("callback"),
            callback_headers: fields.headers("callbackHeader").unwrap_or_default(),
            failure_callback: fields.text("failureCallback"),
            failure_callback_headers: fields.headers("failureCallbackHeader").unwrap_or_default(),
            labels,
            flow_control_key: fields.parsed("flowControlKey"),
            parallelism: fields.number("parallelism"),
            rate: fields.number("rate"),
            period: fields.seconds("period"),
            caller_ip: fields.text("callerIP").or_else(|| fields.text("callerIp")),
            last_time: fields.time("lastScheduleTime"),
            next_time: fields.time("nextScheduleTime"),
            last_states: fields.map("lastScheduleStates"),
            error: fields.text("error"),
            other: fields.rest(),
        })
    }
}

read_by_fields!(Schedule);

impl Listed for Schedule {
    const NAME: &'static str = "v2.schedules.list";
    const ATTEMPTED: &'static str = "list schedules";
    const PATH: &'static str = "/v2/schedules";
    const ARRAYS: &'static [&'static str] = &["schedules"];
}
