//! What a message carries besides its destination: a typed option for every header of section 2.2.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;

use crate::error::{Error, ErrorKind};
use crate::timing::Timestamp;
use crate::types::ids::{DeduplicationId, Label};
use crate::types::trace::TraceContext;
use crate::v2::callback::Callback;
use crate::v2::destination::Target;
use crate::v2::headers::{self, not_a_name, text};
use crate::v2::settings::Settings;

/// A part of a message that the service shows only as a hash. The consumer gets it unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Redact {
    /// The body.
    Body,
    /// The values of all headers.
    AllHeaders,
    /// The value of the header with this name.
    Header(String),
}

/// What keeps a repeated publish from storing a second message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Deduplication {
    /// An id that is made when the message is sent, so that a retry does not store it twice.
    #[default]
    Generated,
    Given(DeduplicationId),
    ByContent,
    Off,
}

/// A message's settings, content and deduplication.
#[derive(Clone, Default)]
pub(crate) struct Options {
    settings: Settings,
    body: Bytes,
    deduplication: Deduplication,
    wants_trace: bool,
}

/// Shows neither the body nor the values of headers.
impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("settings", &self.settings)
            .field("body_bytes", &self.body.len())
            .field("deduplication", &self.deduplication)
            .finish_non_exhaustive()
    }
}

/// A message's headers and body as they go out.
pub(crate) struct Content {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Whether sending it twice stores it once.
    pub(crate) repeatable: bool,
}

impl Options {
    /// The options of a publish, which belongs to a trace.
    pub(crate) fn of_publish() -> Self {
        Self {
            wants_trace: true,
            ..Self::default()
        }
    }

    /// The options of something that is not a publish and is not deduplicated.
    pub(crate) fn without_deduplication() -> Self {
        Self {
            deduplication: Deduplication::Off,
            ..Self::default()
        }
    }

    pub(crate) fn settings(&mut self) -> &mut Settings {
        &mut self.settings
    }

    pub(crate) fn not_before(&mut self, time: Timestamp) {
        // Rounded up: never earlier than asked for.
        let seconds = time.as_millis().max(0).unsigned_abs().div_ceil(1000);
        self.settings.set(headers::NOT_BEFORE, Ok(seconds.into()));
    }

    pub(crate) fn callback(&mut self, callback: Callback) {
        self.settings
            .attempt(|headers| callback.write(headers::CALLBACK, headers));
    }

    pub(crate) fn failure_callback(&mut self, callback: Callback) {
        self.settings
            .attempt(|headers| callback.write(headers::FAILURE_CALLBACK, headers));
    }

    pub(crate) fn label(&mut self, label: &str) {
        match Label::parse(label) {
            Ok(label) => self.settings.join(headers::LABEL, label.as_str()),
            Err(error) => self.fail(error),
        }
    }

    pub(crate) fn redact(&mut self, what: &Redact) {
        match what {
            Redact::Body => self.settings.join(headers::REDACT, "body"),
            Redact::AllHeaders => self.settings.join(headers::REDACT, "header"),
            Redact::Header(name) if HeaderName::from_bytes(name.as_bytes()).is_ok() => {
                self.settings
                    .join(headers::REDACT, &format!("header[{name}]"));
            }
            Redact::Header(name) => self.fail(not_a_name(name)),
        }
    }

    pub(crate) fn forward_all(&mut self) {
        let yes = HeaderValue::from_static("true");
        self.settings.set(headers::FORWARD_ALL, Ok(yes));
    }

    pub(crate) fn deduplication_id(&mut self, id: &str) {
        match DeduplicationId::parse(id) {
            Ok(id) => self.deduplication = Deduplication::Given(id),
            Err(error) => self.fail(error),
        }
    }

    pub(crate) fn content_based_deduplication(&mut self) {
        self.deduplication = Deduplication::ByContent;
    }

    pub(crate) fn no_deduplication(&mut self) {
        self.deduplication = Deduplication::Off;
    }

    pub(crate) fn named(&mut self, name: &'static str, noun: &str, value: &str) {
        self.settings.set(name, text(noun, value));
    }

    pub(crate) fn fail(&mut self, error: Error) {
        self.settings.attempt(|_| Err(error));
    }

    pub(crate) fn content_type(&mut self, media_type: &str) {
        self.settings.attempt(|headers| {
            headers.insert(CONTENT_TYPE, text("content type", media_type)?);
            Ok(())
        });
    }

    pub(crate) fn body(&mut self, body: Bytes) {
        self.body = body;
    }

    pub(crate) fn json<T: Serialize + ?Sized>(&mut self, value: &T) {
        match serde_json::to_vec(value) {
            Ok(text) => self.body = text.into(),
            Err(e) => {
                let reason = "the payload could not be written as JSON";
                self.fail(Error::new(ErrorKind::Serialize, "publish", reason).with_source(e));
            }
        }
        self.settings.attempt(|headers| {
            let json = HeaderValue::from_static("application/json");
            headers.entry(CONTENT_TYPE).or_insert(json);
            Ok(())
        });
    }

    /// Adds a header of the request itself, without a prefix.
    pub(crate) fn raw_header(&mut self, name: &str, value: &str) {
        /// The headers that the client or HTTP itself sets, or that every builder has a method for.
        const TAKEN: [&str; 19] = [
            "authorization",
            "connection",
            "content-length",
            "expect",
            "host",
            "transfer-encoding",
            "upgrade",
            headers::CALLBACK,
            headers::CONTENT_BASED_DEDUPLICATION,
            headers::DEDUPLICATION_ID,
            headers::FAILURE_CALLBACK,
            headers::FLOW_CONTROL_KEY,
            headers::FLOW_CONTROL_VALUE,
            headers::LABEL,
            headers::METHOD,
            headers::REDACT,
            headers::RETRIES,
            headers::RETRY_DELAY,
            headers::TIMEOUT,
        ];
        self.settings.attempt(|headers| {
            let own = HeaderName::from_bytes(name.as_bytes()).map_err(|_| not_a_name(name))?;
            if TAKEN.contains(&own.as_str()) {
                let rule = "is set by HTTP, by the client or by a method of its own";
                return Err(Error::invalid_input("header name", name, rule));
            }
            headers.append(own, text(&format!("the value of header {name:?}"), value)?);
            Ok(())
        });
    }

    /// Makes the finished message and takes the target's headers for it. `trace` is called only where a trace is
    /// wanted.
    pub(crate) fn finish(
        self,
        target: &mut Target,
        trace: impl FnOnce() -> Option<TraceContext>,
    ) -> Result<Content, Error> {
        let content = self.with(std::mem::take(&mut target.headers), trace)?;
        if target.needs_callback && !content.headers.contains_key(headers::CALLBACK) {
            let shown = &target.shown;
            let reason = format!("{shown} needs a callback, to which its answer goes");
            return Err(Error::invalid(reason));
        }
        Ok(content)
    }

    /// Returns the headers of settings that belong to no message of their own.
    pub(crate) fn into_headers(self) -> Result<HeaderMap, Error> {
        self.with(HeaderMap::new(), || None)
            .map(|content| content.headers)
    }

    /// Adds the headers that the target wants. They come first, so that the message's own settings win.
    fn with(
        self,
        target_headers: HeaderMap,
        trace: impl FnOnce() -> Option<TraceContext>,
    ) -> Result<Content, Error> {
        let mut all = self.settings.finish()?;
        if !target_headers.is_empty() {
            let own = std::mem::replace(&mut all, target_headers);
            // `extend` replaces names that are given and keeps repeated ones.
            all.extend(own);
        }
        if self.wants_trace && self.deduplication != Deduplication::ByContent {
            forward_trace(&mut all, trace);
        }
        let repeatable = self.deduplication != Deduplication::Off;
        let id = match self.deduplication {
            Deduplication::Generated => Some(DeduplicationId::random()),
            Deduplication::Given(id) => Some(id),
            Deduplication::ByContent => {
                let yes = HeaderValue::from_static("true");
                all.insert(headers::CONTENT_BASED_DEDUPLICATION, yes);
                None
            }
            Deduplication::Off => None,
        };
        if let Some(id) = id {
            let id = text("deduplication id", id.as_str())?;
            all.insert(headers::DEDUPLICATION_ID, id);
        }
        Ok(Content {
            headers: all,
            body: self.body,
            repeatable,
        })
    }
}

fn forward_trace(to: &mut HeaderMap, trace: impl FnOnce() -> Option<TraceContext>) {
    const PARENT: &str = "upstash-forward-traceparent";
    if to.contains_key(PARENT) {
        return;
    }
    if let Some(trace) = trace() {
        to.insert(PARENT, trace.parent);
        if let Some(state) = trace.state {
            to.insert("upstash-forward-tracestate", state);
        }
    }
}
