//! What one side says of a message: its publisher, or the URL group that it is published to.
//!
//! Nothing here is filled in, and what belongs together may be given apart: a callback's options by one side and its
//! URL by the other. `publish/merge.rs` makes one of both sides, and [`Settings`](super::carried_rules::Settings) of
//! that.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::carried_rules::{Method, Redaction};
use super::time::Timestamp;
use crate::engine::syntax::expr::RetryDelay;

/// Everything that one side says; `None` and what is empty leave it to the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartialSettings {
    /// Of the message itself.
    pub message: PartialOptions,
    /// What the body is, unless a content type is among the headers to be sent along.
    pub content_type: Option<GivenValue>,
    /// Whether [`PartialSettings::incoming`] is sent along.
    pub forward_incoming: Option<bool>,
    /// What came with the publish and may be sent along. The caller's token is not among it.
    pub incoming: Vec<GivenHeader>,
    /// Not before this time; beats the delay.
    pub not_before: Option<Timestamp>,
    /// A second publish with the same id is recognised; beats that by content.
    pub deduplication_id: Option<Arc<str>>,
    /// Whether a second publish of the same content is recognised.
    pub deduplicate_by_content: Option<bool>,
    /// Told of every attempt.
    pub callback: PartialCallback,
    /// Told once, when the message has failed.
    pub failure_callback: PartialCallback,
    /// For filters, none twice.
    pub labels: Vec<Arc<str>>,
    /// What is hidden from whoever looks at the message.
    pub redaction: Redaction,
    /// Where the publisher called from.
    pub caller_ip: Option<Arc<str>>,
}

/// A callback. Without a URL from either side there is none, whatever its options are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartialCallback {
    /// Where to.
    pub url: Option<Arc<str>>,
    /// What its body is, unless a content type is among the headers to be sent along.
    pub content_type: Option<GivenValue>,
    /// How it is sent.
    pub options: PartialOptions,
}

/// What can be said of a message and of its callbacks alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartialOptions {
    /// How it is sent.
    pub method: Option<Method>,
    /// How long an attempt may take.
    pub timeout: Option<Duration>,
    /// Failed attempts after the first.
    pub max_retries: Option<u32>,
    /// How long to wait before each retry.
    pub retry_delay: Option<Arc<RetryDelay>>,
    /// Not before this time has passed.
    pub delay: Option<Duration>,
    /// The name of the limit that is shared with other messages.
    pub flow_key: Option<Arc<str>>,
    /// The limit.
    pub flow_limits: Option<FlowLimits>,
    /// Headers to be sent along, in the order given. A name given by one side hides all lines of the other's.
    pub forward: Vec<GivenHeader>,
}

/// How fast messages of one flow-control key may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowLimits {
    /// Unanswered deliveries at once.
    pub parallelism: Option<u32>,
    /// Deliveries started in a window.
    pub rate: Option<u32>,
    /// The length of a window.
    pub period: Duration,
}

/// A header as it was given. A name may come in several of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenHeader {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: GivenValue,
}

/// The value of a header as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GivenValue {
    /// Text, as it is delivered.
    Text(String),
    /// Bytes that are no text, which is a mistake only where they would be delivered.
    NoText,
}

impl From<&[u8]> for GivenValue {
    fn from(bytes: &[u8]) -> Self {
        std::str::from_utf8(bytes).map_or(Self::NoText, |text| Self::Text(text.to_owned()))
    }
}

/// What a setting is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingsOf {
    /// The message itself.
    Message,
    /// What tells of every attempt.
    Callback,
    /// What tells that the message has failed.
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

/// Why no settings can be made of what the sides say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsFault {
    /// Neither side limits the flow under a key.
    #[error("the flow-control key of {0} has no limits beside it")]
    FlowLimitsMissing(SettingsOf),
    /// Neither side names the key that a flow is limited under.
    #[error("the flow-control limits of {0} have no key beside them")]
    FlowKeyMissing(SettingsOf),
    /// The content type of the message cannot be delivered.
    #[error("the content type is no text")]
    ContentTypeIsNoText,
    /// A header cannot be delivered.
    #[error("the header `{name}` of {of} is no text")]
    HeaderIsNoText {
        /// What it would be sent along with.
        of: SettingsOf,
        /// Its name.
        name: String,
    },
    /// A schedule has no request whose headers could be sent along.
    #[error("a schedule sends no incoming headers along")]
    ScheduleForwardsIncoming,
    /// A schedule has times of its own.
    #[error("a schedule takes no time before which nothing is sent")]
    ScheduleNotBefore,
}
