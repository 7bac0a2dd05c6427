//! The destination and the rules that a message carries, if it does not follow its queue's rules.
//!
//! [`CarriedRules`] are fixed when the message is published. The message, its log rows and its listed dead letter
//! share them. [`Settings`] are what the publisher and the defaults of a URL group set; the rules are made of them.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::model::headers::Headers;
use crate::engine::model::id::{GroupName, MessageId, ScheduleId};
use crate::engine::model::time::Timestamp;
use crate::engine::syntax::expr::RetryDelay;

/// The destination, the request and the delivery rules of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarriedRules {
    /// The URL of the destination, as the publisher wrote it.
    pub url: Arc<str>,
    /// The built-in API that the publisher named instead of a URL.
    pub api: Option<Arc<str>>,
    /// The URL group that the message was published to, and the name of the endpoint in the group.
    pub group: Option<(GroupName, Option<Arc<str>>)>,
    /// The schedule that published the message.
    pub schedule: Option<ScheduleId>,
    /// The message whose attempt this one reports, if it is a callback.
    pub callback_of: Option<MessageId>,
    /// The HTTP method of a delivery.
    pub method: Method,
    /// How many attempts may follow the first one. When the last of them fails, the message is a dead letter.
    pub max_retries: u32,
    /// The wait before each retry; without it, the default waits of v2.md section 3.3.
    pub retry_delay: Option<Arc<RetryDelay>>,
    /// How long an attempt may take; without it, as long as the quota allows ([`Quotas::timeout`]).
    ///
    /// [`Quotas::timeout`]: crate::engine::Quotas::timeout
    pub timeout: Option<Duration>,
    /// The callback that reports every attempt.
    pub callback: Option<Arc<Callback>>,
    /// The callback that reports, once, that the message has failed.
    pub failure_callback: Option<Arc<Callback>>,
    /// The flow-control limits that the message shares with others.
    pub flow_control: Option<Arc<FlowControl>>,
    /// The publisher's labels, which filters compare.
    pub labels: Arc<[Arc<str>]>,
    /// Which parts are shown as a digest to those who look at the message.
    pub redaction: Option<Arc<Redaction>>,
    /// The IP address that the publisher called from.
    pub caller_ip: Option<Arc<str>>,
}

/// The HTTP method of a delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`, the default.
    #[default]
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
}

impl Method {
    /// All methods.
    pub const ALL: [Self; 5] = [Self::Get, Self::Post, Self::Put, Self::Patch, Self::Delete];

    /// The method as HTTP spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// Limits on deliveries that all messages with the same key share (v2.md section 3.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowControl {
    /// The key that names the limits.
    pub key: Arc<str>,
    /// The most deliveries that may be unanswered at the same time; `None` means no limit.
    pub parallelism: Option<u32>,
    /// The most deliveries that may start within one `period`; `None` means no limit.
    pub rate: Option<u32>,
    /// The length of the window that `rate` counts in.
    pub period: Duration,
}

impl FlowControl {
    /// The period if the publisher names none.
    pub const DEFAULT_PERIOD: Duration = Duration::from_secs(1);
}

/// A message that the server sends when an attempt of another one has ended (v2.md section 3.10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The URL that the callback goes to.
    pub url: Arc<str>,
    /// The HTTP method of the callback's deliveries.
    pub method: Method,
    /// How many retries the callback has; without it, as many as the message that it reports.
    pub max_retries: Option<u32>,
    /// The wait before each retry of the callback.
    pub retry_delay: Option<Arc<RetryDelay>>,
    /// How long after the attempt the callback becomes due.
    pub delay: Duration,
    /// How long a delivery of the callback may take.
    pub timeout: Option<Duration>,
    /// The flow-control limits of the callback.
    pub flow_control: Option<Arc<FlowControl>>,
    /// Headers that are sent with the callback.
    pub headers: Headers,
}

/// Which parts of a message are shown as a digest instead (v2.md section 3.12). Deliveries are never changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redaction {
    /// Whether the body is hidden.
    pub body: bool,
    /// Whether the values of all headers are hidden.
    pub all_headers: bool,
    /// The headers whose values are hidden. Upper and lower case do not matter.
    pub headers: Vec<String>,
}

impl Redaction {
    /// Whether the value of the header `name` is hidden.
    #[must_use]
    pub fn hides_header(&self, name: &str) -> bool {
        self.all_headers || self.headers.iter().any(|it| it.eq_ignore_ascii_case(name))
    }

    /// What the callback of a message with this redaction hides. Its body quotes the message's body and headers, so
    /// it is hidden whole.
    fn of_report(&self) -> Arc<Self> {
        Arc::new(Self {
            body: true,
            ..self.clone()
        })
    }
}

/// Everything that was set for a message. `None` means the server's default in a publish, and the stored value in a
/// retry of a dead letter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// See [`CarriedRules::method`].
    pub method: Option<Method>,
    /// The content type and the headers that deliveries have, in the order given.
    pub headers: Option<Headers>,
    /// See [`CarriedRules::max_retries`]; [`Settings::DEFAULT_RETRIES`] if absent.
    pub max_retries: Option<u32>,
    /// See [`CarriedRules::retry_delay`].
    pub retry_delay: Option<Arc<RetryDelay>>,
    /// How long after the publish the message becomes due.
    pub delay: Option<Duration>,
    /// When the message becomes due; it has precedence over `delay`. A time in the past means at once.
    pub not_before: Option<Timestamp>,
    /// See [`CarriedRules::timeout`].
    pub timeout: Option<Duration>,
    /// How a second publish of the same message is recognised; `None` means not at all.
    pub deduplication: Option<Deduplication>,
    /// See [`CarriedRules::callback`].
    pub callback: Option<Arc<Callback>>,
    /// See [`CarriedRules::failure_callback`].
    pub failure_callback: Option<Arc<Callback>>,
    /// See [`CarriedRules::flow_control`].
    pub flow_control: Option<Arc<FlowControl>>,
    /// See [`CarriedRules::labels`].
    pub labels: Option<Arc<[Arc<str>]>>,
    /// See [`CarriedRules::redaction`].
    pub redaction: Option<Arc<Redaction>>,
    /// See [`CarriedRules::caller_ip`].
    pub caller_ip: Option<Arc<str>>,
}

impl Settings {
    /// The number of retries if the publisher names none (v2.md section 2.2).
    pub const DEFAULT_RETRIES: u32 = 3;
}

/// How a second publish of the same message is recognised (v2.md section 3.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deduplication {
    /// By an id that the publisher chose.
    Id(Arc<str>),
    /// By a digest of the destination, the body, the content type and the forwarded headers.
    Content,
}

impl CarriedRules {
    /// The rules of a message to `url` with these settings, and the defaults for the rest.
    pub(crate) fn new(url: Arc<str>, settings: &Settings) -> Self {
        Self {
            url,
            api: None,
            group: None,
            schedule: None,
            callback_of: None,
            method: settings.method.unwrap_or_default(),
            max_retries: settings.max_retries.unwrap_or(Settings::DEFAULT_RETRIES),
            retry_delay: settings.retry_delay.clone(),
            timeout: settings.timeout,
            callback: settings.callback.clone(),
            failure_callback: settings.failure_callback.clone(),
            flow_control: settings.flow_control.clone(),
            labels: settings.labels.clone().unwrap_or_default(),
            redaction: settings.redaction.clone(),
            caller_ip: settings.caller_ip.clone(),
        }
    }

    /// The rules of the message that a callback is. Its own attempts have no callbacks.
    pub(crate) fn of_callback(callback: &Callback, parent: &Self, parent_id: MessageId) -> Self {
        Self {
            url: Arc::clone(&callback.url),
            api: None,
            group: None,
            schedule: None,
            callback_of: Some(parent_id),
            method: callback.method,
            max_retries: callback.max_retries.unwrap_or(parent.max_retries),
            retry_delay: callback.retry_delay.clone(),
            timeout: callback.timeout,
            callback: None,
            failure_callback: None,
            flow_control: callback.flow_control.clone(),
            labels: Arc::clone(&parent.labels),
            redaction: parent.redaction.as_deref().map(Redaction::of_report),
            caller_ip: parent.caller_ip.clone(),
        }
    }

    /// The same rules, with the settings that `overrides` name replaced (v2.md section 2.5).
    pub(crate) fn with(mut self, overrides: &Settings) -> Self {
        fn replace<T: Clone>(order: &mut Option<T>, value: Option<&T>) {
            if let Some(value) = value {
                *order = Some(value.clone());
            }
        }
        self.method = overrides.method.unwrap_or(self.method);
        self.max_retries = overrides.max_retries.unwrap_or(self.max_retries);
        self.timeout = overrides.timeout.or(self.timeout);
        replace(&mut self.retry_delay, overrides.retry_delay.as_ref());
        replace(&mut self.callback, overrides.callback.as_ref());
        replace(
            &mut self.failure_callback,
            overrides.failure_callback.as_ref(),
        );
        replace(&mut self.flow_control, overrides.flow_control.as_ref());
        replace(&mut self.redaction, overrides.redaction.as_ref());
        if let Some(labels) = &overrides.labels {
            self.labels = Arc::clone(labels);
        }
        self
    }
}
