//! What the service tells of a schedule.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::Method;

use crate::timing::Timestamp;
use crate::types::ids::{FlowControlKey, QueueName, ScheduleId};
use crate::types::other::Other;
use crate::v2::fields::{Fields, Headers, Missing, read_by_fields};
use crate::v2::list::Listed;

/// A schedule (v2 contract, section 2.15). A field that the service does not tell is `None` or empty. A field that
/// could not be read is in [`other`](Self::other).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Schedule {
    /// The schedule's id.
    pub id: ScheduleId,
    /// The cron expression that says when the schedule publishes. `CRON_TZ=<zone> ` may stand before it.
    pub cron: String,
    /// What the schedule publishes to: a URL, the name of a URL group, or `api/<name>`.
    pub destination: String,
    /// Whether the schedule is paused. A paused schedule skips its times.
    pub paused: bool,
    /// When the schedule was created.
    pub created_at: Option<Timestamp>,
    /// The HTTP method of the deliveries.
    pub method: Option<Method>,
    /// The headers that are forwarded to the consumer, and the content type.
    pub headers: Headers,
    /// The body that is delivered.
    pub body: Option<Bytes>,
    /// How often the service retries a message after its first attempt failed.
    pub retries: Option<u32>,
    /// The expression for the wait between attempts.
    pub retry_delay: Option<String>,
    /// How long each message is delayed.
    pub delay: Option<Duration>,
    /// How long the consumer may take. The service does not document the unit; the client reads seconds.
    pub timeout: Option<Duration>,
    /// The queue that the messages go through.
    pub queue: Option<QueueName>,
    /// The URL that the service calls after each attempt.
    pub callback: Option<String>,
    /// The headers of that callback.
    pub callback_headers: Headers,
    /// The URL that the service calls when a message has run out of retries.
    pub failure_callback: Option<String>,
    /// The headers of that callback.
    pub failure_callback_headers: Headers,
    /// The labels of the messages.
    pub labels: Vec<String>,
    /// The flow-control key of the messages.
    pub flow_control_key: Option<FlowControlKey>,
    /// How many deliveries under that key may be in flight at once.
    pub parallelism: Option<u32>,
    /// How many deliveries under that key may begin in a period.
    pub rate: Option<u32>,
    /// The length of that period.
    pub period: Option<Duration>,
    /// The IP address that created the schedule.
    pub caller_ip: Option<String>,
    /// When the schedule last published.
    pub last_time: Option<Timestamp>,
    /// When the schedule publishes next.
    pub next_time: Option<Timestamp>,
    /// The states of the messages that the schedule last published, by message id: `IN_PROGRESS`, `SUCCESS` or `FAIL`.
    pub last_states: BTreeMap<String, String>,
    /// Why the schedule could not publish the last time.
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
            caller_ip: fields.caller_ip(),
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
