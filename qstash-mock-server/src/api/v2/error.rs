//! v2's refusals: a status and `{"error": "…"}` (v2.md section 1.6).

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{ALLOW, HeaderMap, HeaderValue};

use super::super::error::{ApiError, Reason, header_of, shortened};
use super::super::json::Json;
use super::settings::{self, canonical};
use crate::driver::CallError;
use crate::engine::{Error, QuotaKind, SettingsFault};

/// A refusal: one sentence, in the words of Upstash's service where they are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    status: StatusCode,
    error: String,
    /// The methods that a path takes, if the request has another one.
    allow: Option<&'static str>,
    /// How many messages a day the plan allows, and when the next day begins, in seconds since the Unix epoch.
    daily: Option<(u64, u64)>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self {
            status,
            error: error.into(),
            allow: None,
            daily: None,
        }
    }

    /// The refusal of a malformed request.
    pub(super) fn invalid(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// The refusal of a malformed header, parameter or field `name`; `error` is the rest of the sentence.
    pub(super) fn of(name: &str, error: impl AsRef<str>) -> Self {
        Self::invalid(format!("`{}` {}", shortened(name), error.as_ref()))
    }

    pub(super) fn unknown_parameter(name: &str) -> Self {
        Self::of(name, "is not a query parameter that is known here")
    }

    pub(super) fn not_found(kind: &str, id: &str) -> Self {
        let id = shortened(id);
        Self::new(StatusCode::NOT_FOUND, format!("{kind} {id} not found"))
    }

    pub(super) fn unauthorized() -> Self {
        let error = "unable to authenticate: invalid token";
        Self::new(StatusCode::UNAUTHORIZED, error)
    }

    pub(super) fn no_such_route() -> Self {
        ApiError::no_such_route().into()
    }

    /// The methods, in the form of the `Allow` header.
    pub(super) fn method_not_allowed(allowed: &'static str) -> Self {
        let error = format!("this path takes {allowed}");
        Self {
            allow: Some(allowed),
            ..Self::new(StatusCode::METHOD_NOT_ALLOWED, error)
        }
    }

    pub(super) fn workflow(path: &str) -> Self {
        let path = shortened(path);
        let error = format!(
            "`{path}` belongs to Upstash Workflow, a product of its own that this server does not serve"
        );
        Self::new(StatusCode::NOT_IMPLEMENTED, error)
    }

    /// The refusal of a message that belongs to a workflow run: its step must not be lost without a word. It is no 400,
    /// which the workflow SDK takes for the end of the run.
    pub(super) fn workflow_header(name: &str) -> Self {
        let name = shortened(name);
        let error = format!(
            "the header `{name}` belongs to Upstash Workflow, a product of its own that this server does not serve"
        );
        Self::new(StatusCode::NOT_IMPLEMENTED, error)
    }

    pub(super) fn language_model(path: &str) -> Self {
        let path = shortened(path);
        let error = format!(
            "`{path}` belongs to the hosted language model, which this server does not serve; publish to the provider's URL"
        );
        Self::new(StatusCode::NOT_IMPLEMENTED, error)
    }

    /// The refusal of the engine, for a request about the `kind` named `id`, which the engine's error does not name.
    pub(super) fn about(self, kind: &str, id: &str) -> Self {
        if self.is_not_found() {
            return Self::not_found(kind, id);
        }
        self
    }

    pub(super) fn is_not_found(&self) -> bool {
        self.status == StatusCode::NOT_FOUND
    }

    pub(super) fn is_malformed(&self) -> bool {
        self.status == StatusCode::BAD_REQUEST
    }

    pub(super) fn into_sentence(self) -> String {
        self.error
    }

    /// The sentence, for an item of a batch.
    pub(super) fn write(&self, json: &mut Json) {
        json.key("error").text(&self.error);
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(allowed) = self.allow {
            headers.insert(ALLOW, HeaderValue::from_static(allowed));
        }
        if let Some((limit, reset)) = self.daily {
            headers.insert("ratelimit-limit", limit.into());
            headers.insert("ratelimit-remaining", 0.into());
            headers.insert("ratelimit-reset", reset.into());
        }
        headers.extend(header_of(self.status));
        headers
    }

    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn parts(&self) -> (u16, &str) {
        (self.status.as_u16(), &self.error)
    }
}

/// A refusal that both dialects have, without v1's code.
impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        let (status, error) = error.into_sentence();
        match status {
            StatusCode::UNAUTHORIZED => Self::unauthorized(),
            status => Self::new(status, error),
        }
    }
}

/// The refusal of the engine. What v2 does not say in its own words is refused as in v1.
impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match &error {
            Error::QueueNotFound(name) => Self::not_found("queue", name.as_str()),
            Error::UrlGroupNotFound(name) => Self::not_found("topic", name.as_str()),
            Error::ScheduleNotFound(id) => Self::not_found("schedule", id.as_str()),
            Error::DeadLetterNotFound(id) => Self::not_found("dlq message", &id.to_string()),
            Error::FlowKeyNotFound(key) => Self::not_found("flow control key", key),
            Error::Settings(fault) => fault.clone().into(),
            Error::Quota { quota, limit } => {
                let name = quota_name(*quota);
                let error = format!("quota {name} exceeded, current limit: {limit}");
                Self::new(StatusCode::PRECONDITION_FAILED, error)
            }
            Error::DailyLimit { limit, resets_at } => {
                let daily = Some((*limit, resets_at.as_secs()));
                Self {
                    daily,
                    ..ApiError::from(error).into()
                }
            }
            _ => ApiError::from(error).into(),
        }
    }
}

/// The refusal of settings, in terms of the headers that they came from.
impl From<SettingsFault> for Refusal {
    fn from(fault: SettingsFault) -> Self {
        let header = |of, rest: &str| canonical(&format!("upstash-{}{rest}", settings::prefix(of)));
        let needs = |of, given, missing| {
            let missing = header(of, missing);
            Self::of(&header(of, given), format!("needs `{missing}` beside it"))
        };
        const KEY: &str = "flow-control-key";
        const VALUE: &str = "flow-control-value";
        const NO_TEXT: &str = "must be UTF-8 text";
        const NOT_SCHEDULED: &str = "cannot be set for a schedule";
        match fault {
            SettingsFault::FlowLimitsMissing(of) => needs(of, KEY, VALUE),
            SettingsFault::FlowKeyMissing(of) => needs(of, VALUE, KEY),
            SettingsFault::ContentTypeIsNoText => Self::of("Content-Type", NO_TEXT),
            SettingsFault::HeaderIsNoText { of, name } => {
                Self::of(&header(of, &format!("forward-{name}")), NO_TEXT)
            }
            SettingsFault::ScheduleForwardsIncoming => {
                Self::of("Upstash-Header-Forward", NOT_SCHEDULED)
            }
            SettingsFault::ScheduleNotBefore => Self::of("Upstash-Not-Before", NOT_SCHEDULED),
        }
    }
}

/// The name of a quota in refusals (v2.md section 1.6).
const fn quota_name(quota: QuotaKind) -> &'static str {
    match quota {
        QuotaKind::MessageSize => "maxMessageSize",
        QuotaKind::Retries => "maxRetries",
        QuotaKind::Delay => "maxDelay",
        QuotaKind::Timeout => "timeout",
        QuotaKind::Queues => "maxQueues",
        QuotaKind::QueueParallelism => "maxParallelism",
        QuotaKind::UrlGroups => "maxTopics",
        QuotaKind::Endpoints => "maxEndpointsPerTopic",
        QuotaKind::Schedules => "maxSchedules",
    }
}

impl From<CallError> for Refusal {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(error) => error.into(),
            CallError::Stopped => ApiError::from(error).into(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = Json::object(|json| self.write(json)).into_response(self.status);
        response.headers_mut().extend(self.headers());
        response.extensions_mut().insert(Reason(self.error));
        response
    }
}
