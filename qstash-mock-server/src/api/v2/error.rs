//! Every way in which v2 says no: a status and `{"error": "…"}` (v2.md section 1.6).

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{ALLOW, HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};

use super::super::error::{ApiError, shortened};
use super::super::json::Json;
use crate::driver::CallError;
use crate::engine::Error;

/// A refusal: one sentence, in the words of the hosted service where they are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    status: StatusCode,
    error: String,
    /// For a method that a path does not take: those that it does.
    allow: Option<&'static str>,
    /// The messages that a day allows, and when the next day begins in seconds since 1970.
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

    /// Something in the request is malformed.
    pub(super) fn invalid(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// The header, parameter or field `name` is malformed; `error` goes on the sentence.
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
        Self::new(StatusCode::NOT_FOUND, "there is nothing at this path")
    }

    /// `allowed` as the `Allow` header has it.
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

    pub(super) fn language_model(path: &str) -> Self {
        let path = shortened(path);
        let error = format!(
            "`{path}` belongs to the hosted language model, which this server does not serve; publish to the provider's URL"
        );
        Self::new(StatusCode::NOT_IMPLEMENTED, error)
    }

    /// The same, about the `kind` that was named `id`, which the engine does not tell.
    pub(super) fn about(self, kind: &str, id: &str) -> Self {
        if self.is_not_found() {
            return Self::not_found(kind, id);
        }
        self
    }

    pub(super) fn is_not_found(&self) -> bool {
        self.status == StatusCode::NOT_FOUND
    }

    pub(super) fn into_sentence(self) -> String {
        self.error
    }

    /// The sentence, as an item of a batch has it.
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
        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        headers
    }

    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn parts(&self) -> (u16, &str) {
        (self.status.as_u16(), &self.error)
    }
}

/// What both dialects refuse alike, without the codes of v1.
impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        let (status, error) = error.into_sentence();
        match status {
            StatusCode::UNAUTHORIZED => Self::unauthorized(),
            status => Self::new(status, error),
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let status = match &error {
            Error::Forbidden { .. } | Error::ForbiddenAccount { .. } | Error::ReadOnly => {
                StatusCode::FORBIDDEN
            }
            Error::QueueNotFound(name) => return Self::not_found("queue", name.as_str()),
            Error::MessageNotFound
            | Error::UrlGroupNotFound(_)
            | Error::ScheduleNotFound(_)
            | Error::DlqNotFound(_)
            | Error::FlowKeyNotFound(_) => StatusCode::NOT_FOUND,
            Error::DeadLetterCycle(_) | Error::RedriveToItself => StatusCode::BAD_REQUEST,
            Error::QueueIsDeadLetterTarget { .. }
            | Error::QueueIsPushed(_)
            | Error::NotLeased
            | Error::LeaseLost => StatusCode::CONFLICT,
            Error::Overloaded(_) => StatusCode::SERVICE_UNAVAILABLE,
            Error::Quota { .. } => StatusCode::PRECONDITION_FAILED,
            Error::DailyLimit { limit, resets_at } => {
                return Self {
                    daily: Some((*limit, resets_at.as_secs())),
                    ..Self::new(StatusCode::TOO_MANY_REQUESTS, error.to_string())
                };
            }
        };
        Self::new(status, error.to_string())
    }
}

impl From<CallError> for Refusal {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(error) => error.into(),
            CallError::Stopped => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "the server is shutting down",
            ),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = Json::object(|json| self.write(json)).into_response(self.status);
        response.headers_mut().extend(self.headers());
        response
    }
}
