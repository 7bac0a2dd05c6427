//! The headers of a v2 delivery (v2.md section 3.1). Pure.

use http::header::{HeaderMap, HeaderName, HeaderValue, USER_AGENT};

use super::write::{Unsendable, text};
use crate::engine::{Attempt, CarriedEnvelope, FlowControl};
use crate::text::v2_message_id;

const SIGNATURE: HeaderName = HeaderName::from_static("upstash-signature");
const MESSAGE_ID: HeaderName = HeaderName::from_static("upstash-message-id");
const RETRIED: HeaderName = HeaderName::from_static("upstash-retried");
const RETRIES: HeaderName = HeaderName::from_static("upstash-retries");
const MAX_RETRIES: HeaderName = HeaderName::from_static("upstash-max-retries");
const RETRY_DELAY: HeaderName = HeaderName::from_static("upstash-retry-delay");
const FLOW_KEY: HeaderName = HeaderName::from_static("upstash-flow-control-key");
const FLOW_VALUE: HeaderName = HeaderName::from_static("upstash-flow-control-value");
const TOPIC: HeaderName = HeaderName::from_static("upstash-topic-name");
const SCHEDULE: HeaderName = HeaderName::from_static("upstash-schedule-id");
const CALLER_IP: HeaderName = HeaderName::from_static("upstash-caller-ip");
const REGION: HeaderName = HeaderName::from_static("upstash-region");
const LABEL: HeaderName = HeaderName::from_static("upstash-label");
const AGENT: HeaderValue = HeaderValue::from_static("Upstash-QStash");
/// The region. No document says which one the official development server names; this is Upstash's default region.
const EU: HeaderValue = HeaderValue::from_static("EU-CENTRAL-1");

/// Adds the server's headers to the publisher's `headers`. The server's replace the publisher's, except the user
/// agent, which is a default.
pub(super) fn add(
    headers: &mut HeaderMap,
    attempt: &Attempt,
    envelope: &CarriedEnvelope,
    signature: &str,
) -> Result<(), Unsendable> {
    let carried = &envelope.carried;
    let retried = attempt.number.saturating_sub(1);
    headers.entry(USER_AGENT).or_insert(AGENT);
    headers.insert(MESSAGE_ID, text(&v2_message_id(attempt.message))?);
    headers.insert(SIGNATURE, text(signature)?);
    headers.insert(RETRIED, retried.into());
    // On deliveries this header counts retries; the limit has another name (v2.md section 6.29).
    headers.insert(RETRIES, retried.into());
    headers.insert(MAX_RETRIES, carried.max_retries.into());
    headers.insert(REGION, EU);
    if let Some(expression) = &carried.retry_delay {
        headers.insert(RETRY_DELAY, text(expression.as_str())?);
    }
    if let Some(flow) = &carried.flow_control {
        headers.insert(FLOW_KEY, text(&flow.key)?);
        headers.insert(FLOW_VALUE, text(&flow_value(flow))?);
    }
    if let Some((group, _)) = &carried.group {
        headers.insert(TOPIC, text(group.as_str())?);
    }
    if let Some(schedule) = &carried.schedule {
        headers.insert(SCHEDULE, text(schedule.as_str())?);
    }
    if let Some(ip) = &carried.caller_ip {
        headers.insert(CALLER_IP, text(ip)?);
    }
    if !carried.labels.is_empty() {
        headers.insert(LABEL, text(&carried.labels.join(","))?);
    }
    Ok(())
}

/// The value of the flow-control header: `parallelism` and `rate` if they are limited, `period` always.
fn flow_value(flow: &FlowControl) -> String {
    let limit = |name: &str, limit: Option<u32>| {
        let limit = limit.filter(|limit| *limit > 0);
        limit.map_or_else(String::new, |limit| format!("{name}={limit},"))
    };
    let parallelism = limit("parallelism", flow.parallelism);
    let rate = limit("rate", flow.rate);
    format!("{parallelism}{rate}period={}", flow.period.as_secs())
}
