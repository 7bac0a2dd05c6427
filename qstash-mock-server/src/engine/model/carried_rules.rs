//! What a message carries that brings its own destination and rules (architecture: *Whose policy*).
//!
//! Fixed when it is published: an [`CarriedRules`] is shared, never changed, by the message, its log rows and
//! its dead-letter entry. [`Settings`] are what was said of it, by its publisher and the defaults of a URL group.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::model::headers::Headers;
use crate::engine::model::id::{GroupName, MessageId, ScheduleId};
use crate::engine::model::time::Timestamp;
use crate::engine::syntax::expr::RetryDelay;

/// Destination, request and rules of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarriedRules {
    /// Where to, as it was given.
    pub url: Arc<str>,
    /// The built-in API that was named instead of a URL.
    pub api: Option<Arc<str>>,
    /// The URL group it was published to, and the name of the endpoint there.
    pub group: Option<(GroupName, Option<Arc<str>>)>,
    /// The schedule that made it.
    pub schedule: Option<ScheduleId>,
    /// The message whose attempt it reports, if it is a callback.
    pub callback_of: Option<MessageId>,
    /// How it is sent.
    pub method: Method,
    /// Failed attempts after the first before it is a dead letter.
    pub max_retries: u32,
    /// How long to wait before each retry, instead of the default ladder.
    pub retry_delay: Option<Arc<RetryDelay>>,
    /// How long an attempt may take; the quota's maximum if absent.
    pub timeout: Option<Duration>,
    /// Told of every attempt.
    pub callback: Option<Arc<Callback>>,
    /// Told once, when the message has failed.
    pub failure_callback: Option<Arc<Callback>>,
    /// The limit it shares with other messages.
    pub flow_control: Option<Arc<FlowControl>>,
    /// For filters.
    pub labels: Arc<[Arc<str>]>,
    /// What is hidden from whoever looks at it.
    pub redaction: Option<Arc<Redaction>>,
    /// Where the publisher called from.
    pub caller_ip: Option<Arc<str>>,
}

/// The method of a delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// Read.
    Get,
    /// Hand over: the default.
    #[default]
    Post,
    /// Replace.
    Put,
    /// Change.
    Patch,
    /// Remove.
    Delete,
}

impl Method {
    /// All methods.
    pub const ALL: [Self; 5] = [Self::Get, Self::Post, Self::Put, Self::Patch, Self::Delete];

    /// In capitals.
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

/// A limit on deliveries across destinations, named by a key (v2.md section 3.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowControl {
    /// Its name.
    pub key: Arc<str>,
    /// Unanswered deliveries at once.
    pub parallelism: Option<u32>,
    /// Deliveries started in a window.
    pub rate: Option<u32>,
    /// The length of a window.
    pub period: Duration,
}

impl FlowControl {
    /// The period where none is given.
    pub const DEFAULT_PERIOD: Duration = Duration::from_secs(1);
}

/// A message to be sent when an attempt has ended (v2.md section 3.10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// Where to.
    pub url: Arc<str>,
    /// How it is sent.
    pub method: Method,
    /// Its own retries; those of its parent if absent.
    pub max_retries: Option<u32>,
    /// Its own waits.
    pub retry_delay: Option<Arc<RetryDelay>>,
    /// It is sent so much later.
    pub delay: Duration,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// Its own limit.
    pub flow_control: Option<Arc<FlowControl>>,
    /// Sent along.
    pub headers: Headers,
}

/// What is shown as a digest instead (v2.md section 3.12).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redaction {
    /// The body.
    pub body: bool,
    /// All headers.
    pub all_headers: bool,
    /// These headers, whatever their case.
    pub headers: Vec<String>,
}

impl Redaction {
    /// Whether the value of a header is hidden.
    #[must_use]
    pub fn hides_header(&self, name: &str) -> bool {
        self.all_headers || self.headers.iter().any(|it| it.eq_ignore_ascii_case(name))
    }

    /// What a callback hides whose source hides this: its body quotes the source's body and headers.
    fn of_report(&self) -> Arc<Self> {
        Arc::new(Self {
            body: true,
            ..self.clone()
        })
    }
}

/// What was said of a message, complete; `None` is the server's default, or leaves a stored value as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// See [`CarriedRules::method`].
    pub method: Option<Method>,
    /// The content type and the headers to be sent along, in the order given.
    pub headers: Option<Headers>,
    /// See [`CarriedRules::max_retries`]; 3 if absent.
    pub max_retries: Option<u32>,
    /// See [`CarriedRules::retry_delay`].
    pub retry_delay: Option<Arc<RetryDelay>>,
    /// Not before this time has passed.
    pub delay: Option<Duration>,
    /// Not before this time; beats `delay`. A past time is no delay.
    pub not_before: Option<Timestamp>,
    /// See [`CarriedRules::timeout`].
    pub timeout: Option<Duration>,
    /// Whether and how a second publish of the same is recognised.
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
    /// Retries where the publisher names none (v2.md section 2.2).
    pub const DEFAULT_RETRIES: u32 = 3;
}

/// By what a second publish of the same is recognised (v2.md section 3.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deduplication {
    /// The publisher's own id.
    Id(Arc<str>),
    /// Destination, body, content type and forwarded headers.
    Content,
}

impl CarriedRules {
    /// A message to `url` with these settings, and the defaults for the rest.
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

    /// The message of a callback: it reports, and nobody is told of it in turn.
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

    /// The same with what `overrides` name (v2.md section 2.5).
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
