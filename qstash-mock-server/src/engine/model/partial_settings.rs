//! The settings that one source gives for a message: its publisher, or the defaults of a URL group.
//!
//! No default of the server is filled in, and a setting may be incomplete: the publisher may give a callback's
//! options and the URL group its URL. `publish/merge.rs` merges both sources and makes
//! [`Settings`](super::carried_rules::Settings) of the result.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::carried_rules::{Method, Redaction};
use super::time::Timestamp;
use crate::engine::syntax::expr::RetryDelay;

/// The settings that one source gives. A field that is `None` or empty leaves the setting to the other source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartialSettings {
    /// Options of the message itself.
    pub message: PartialOptions,
    /// The content type of the body; a content type in [`PartialOptions::forward`] has precedence.
    pub content_type: Option<GivenValue>,
    /// Whether deliveries have the headers in [`PartialSettings::incoming`].
    pub forward_incoming: Option<bool>,
    /// The headers of the publish request that could be forwarded. The caller's token is never among them.
    pub incoming: Vec<GivenHeader>,
    /// When the message becomes due; it has precedence over the delay.
    pub not_before: Option<Timestamp>,
    /// The id by which a second publish is recognised; it has precedence over the content.
    pub deduplication_id: Option<Arc<str>>,
    /// Whether a second publish is recognised by its content.
    pub deduplicate_by_content: Option<bool>,
    /// The callback that reports every attempt.
    pub callback: PartialCallback,
    /// The callback that reports, once, that the message has failed.
    pub failure_callback: PartialCallback,
    /// Labels, which filters compare. None occurs twice.
    pub labels: Vec<Arc<str>>,
    /// Which parts are shown as a digest to those who look at the message.
    pub redaction: Redaction,
    /// The IP address that the publisher called from.
    pub caller_ip: Option<Arc<str>>,
}

/// The settings that one source gives for a callback. If neither source gives a URL, the message has no such
/// callback.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartialCallback {
    /// The URL that the callback goes to.
    pub url: Option<Arc<str>>,
    /// The content type of the callback's body; a content type in [`PartialOptions::forward`] has precedence.
    pub content_type: Option<GivenValue>,
    /// Options of the callback.
    pub options: PartialOptions,
}

/// Options that a message and its callbacks have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartialOptions {
    /// The HTTP method of a delivery.
    pub method: Option<Method>,
    /// How long an attempt may take.
    pub timeout: Option<Duration>,
    /// How many attempts may follow the first one.
    pub max_retries: Option<u32>,
    /// The wait before each retry.
    pub retry_delay: Option<Arc<RetryDelay>>,
    /// How long the message or callback waits before it becomes due.
    pub delay: Option<Duration>,
    /// The flow-control key, which names limits that messages share.
    pub flow_key: Option<Arc<str>>,
    /// The limits of the flow-control key.
    pub flow_limits: Option<FlowLimits>,
    /// Headers that deliveries have, in the order given. If the publisher gives a name, all values that the URL group
    /// gives for it are dropped.
    pub forward: Vec<GivenHeader>,
}

/// The limits of a flow-control key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowLimits {
    /// The most deliveries that may be unanswered at the same time; `None` means no limit.
    pub parallelism: Option<u32>,
    /// The most deliveries that may start within one `period`; `None` means no limit.
    pub rate: Option<u32>,
    /// The length of the window that `rate` counts in.
    pub period: Duration,
}

/// A header as a source gave it. Several may have the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenHeader {
    /// The header's name.
    pub name: String,
    /// The header's value.
    pub value: GivenValue,
}

/// The value of a header as a source gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GivenValue {
    /// The value as text, unchanged.
    Text(String),
    /// Bytes that are not UTF-8. The engine refuses them only if they would be delivered.
    NoText,
}

impl From<&[u8]> for GivenValue {
    fn from(bytes: &[u8]) -> Self {
        std::str::from_utf8(bytes).map_or(Self::NoText, |text| Self::Text(text.to_owned()))
    }
}

/// Which message a setting belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingsOf {
    /// The message itself.
    Message,
    /// The callback that reports every attempt.
    Callback,
    /// The callback that reports that the message has failed.
    FailureCallback,
}

impl fmt::Display for SettingsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Message => "the message",
            Self::Callback => "the callback",
            Self::FailureCallback => "the failure callback",
        })
    }
}

/// Why the merged settings of a publisher and a URL group are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsFault {
    /// There is a flow-control key, and neither source gives its limits.
    #[error("the flow-control key of {0} has no limits beside it")]
    FlowLimitsMissing(SettingsOf),
    /// There are flow-control limits, and neither source gives their key.
    #[error("the flow-control limits of {0} have no key beside them")]
    FlowKeyMissing(SettingsOf),
    /// The content type is not text, so it cannot be delivered.
    #[error("the content type is no text")]
    ContentTypeIsNoText,
    /// The value of a header is not text, so it cannot be delivered.
    #[error("the header `{name}` of {of} is no text")]
    HeaderIsNoText {
        /// Whether it belongs to the message or to a callback.
        of: SettingsOf,
        /// The header's name.
        name: String,
    },
    /// A schedule asks to forward incoming headers, but its messages come from no request.
    #[error("a schedule sends no incoming headers along")]
    ScheduleForwardsIncoming,
    /// A schedule names a time before which nothing is sent, but its cron expression alone gives the times.
    #[error("a schedule takes no time before which nothing is sent")]
    ScheduleNotBefore,
}
