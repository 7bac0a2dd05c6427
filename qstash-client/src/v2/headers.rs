//! Every header of section 2.2, and what a header's value may be.

use http::HeaderValue;

use crate::error::Error;

pub(crate) const METHOD: &str = "upstash-method";
pub(crate) const FORWARD: &str = "upstash-forward";
pub(crate) const FORWARD_ALL: &str = "upstash-header-forward";
pub(crate) const RETRIES: &str = "upstash-retries";
pub(crate) const RETRY_DELAY: &str = "upstash-retry-delay";
pub(crate) const DELAY: &str = "upstash-delay";
pub(crate) const NOT_BEFORE: &str = "upstash-not-before";
pub(crate) const TIMEOUT: &str = "upstash-timeout";
pub(crate) const DEDUPLICATION_ID: &str = "upstash-deduplication-id";
pub(crate) const CONTENT_BASED_DEDUPLICATION: &str = "upstash-content-based-deduplication";
pub(crate) const CALLBACK: &str = "upstash-callback";
pub(crate) const FAILURE_CALLBACK: &str = "upstash-failure-callback";
pub(crate) const FLOW_CONTROL_KEY: &str = "upstash-flow-control-key";
pub(crate) const FLOW_CONTROL_VALUE: &str = "upstash-flow-control-value";
pub(crate) const LABEL: &str = "upstash-label";
pub(crate) const REDACT: &str = "upstash-redact-fields";
pub(crate) const QUEUE_NAME: &str = "upstash-queue-name";
pub(crate) const CRON: &str = "upstash-cron";
pub(crate) const SCHEDULE_ID: &str = "upstash-schedule-id";

/// Makes a header's value. It must be ASCII: beyond that, some HTTP implementations read Latin-1 and others UTF-8.
pub(crate) fn text(noun: &str, value: &str) -> Result<HeaderValue, Error> {
    match HeaderValue::from_str(value) {
        Ok(text) if value.is_ascii() => Ok(text),
        _ => {
            let reason = format!("{noun} must be one line of visible ASCII");
            Err(Error::invalid(reason))
        }
    }
}

pub(crate) fn not_a_name(name: &str) -> Error {
    Error::invalid_input("header name", name, "cannot be sent by HTTP")
}
