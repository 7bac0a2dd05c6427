//! Every header of section 2.2, once.

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
