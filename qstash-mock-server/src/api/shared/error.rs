//! Refusals, as `{"error", "code", "field"?}` (v1.md, head and section 7).

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::header::{HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

use super::json::Json;
use crate::driver::CallError;
use crate::engine::Error;

/// A refusal: one sentence for a person, and a code for a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::api) struct ApiError {
    status: StatusCode,
    code: &'static str,
    error: Cow<'static, str>,
    field: Option<String>,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, error: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            code,
            error: error.into(),
            field: None,
        }
    }

    /// The same refusal, with the name of the field.
    fn on(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    pub(in crate::api) fn invalid_json(error: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_json", error)
    }

    /// The refusal of a value whose field is not known yet; see [`Self::under`]. `error` is the rest of a sentence
    /// that begins with the field's name: "must be …".
    pub(in crate::api) fn invalid_value(error: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_field", error)
    }

    pub(in crate::api) fn invalid_field(field: &str, error: impl Into<Cow<'static, str>>) -> Self {
        Self::invalid_value(error).under(field)
    }

    /// The refusal of a field, in a whole sentence.
    pub(in crate::api) fn of_field(field: &str, sentence: String) -> Self {
        Self::invalid_value(sentence).on(field)
    }

    pub(in crate::api) fn unknown_field(field: &str) -> Self {
        let error = format!("`{}` is not known here; look for a typo", shortened(field));
        Self::new(StatusCode::BAD_REQUEST, "unknown_field", error).on(shortened(field))
    }

    pub(in crate::api) fn too_deep() -> Self {
        Self::invalid_json("is nested too deeply").under("message")
    }

    pub(in crate::api) fn message_too_large(limit: usize) -> Self {
        let error = format!("the message is larger than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "message_too_large", error).on("message")
    }

    pub(in crate::api) fn body_too_large(limit: usize) -> Self {
        let error = format!("the request body is larger than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", error)
    }

    /// The refusal of a request whose body takes too long to arrive.
    pub(in crate::api) fn request_timeout() -> Self {
        let error = "the request body took too long to arrive";
        Self::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", error)
    }

    pub(in crate::api) fn too_many_bodies() -> Self {
        Error::Overloaded("too many large requests at once").into()
    }

    pub(in crate::api) fn not_json() -> Self {
        let error = "the Content-Type must be application/json";
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            error,
        )
    }

    pub(in crate::api) fn missing_token() -> Self {
        let error = "the request needs an `Authorization: Bearer <token>` header";
        Self::new(StatusCode::UNAUTHORIZED, "missing_token", error)
    }

    pub(in crate::api) fn invalid_token() -> Self {
        let error = "the token is not one that this server accepts";
        Self::new(StatusCode::UNAUTHORIZED, "invalid_token", error)
    }

    pub(in crate::api) fn expired_token() -> Self {
        let error = "the token has expired; ask for a fresh one";
        Self::new(StatusCode::UNAUTHORIZED, "expired_token", error)
    }

    pub(in crate::api) fn no_such_route() -> Self {
        let error = "there is nothing at this path";
        Self::new(StatusCode::NOT_FOUND, "not_found", error)
    }

    /// The router adds the `Allow` header.
    pub(in crate::api) fn method_not_allowed() -> Self {
        let error = "this path does not take this method; see the Allow header";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", error)
    }

    pub(in crate::api) fn impossible_queue() -> Self {
        let error = "there is no such queue, and none can have this name";
        Self::new(StatusCode::NOT_FOUND, "queue_not_found", error)
    }

    pub(in crate::api) fn message_not_found() -> Self {
        Error::MessageNotFound.into()
    }

    pub(in crate::api) fn admin_is_local() -> Self {
        let error = "test control without a token is for callers on this machine, with a loopback Host and no Origin";
        Self::new(StatusCode::FORBIDDEN, "forbidden", error)
    }

    pub(in crate::api) fn clock(code: &'static str, error: String) -> Self {
        Self::new(StatusCode::CONFLICT, code, error)
    }

    pub(in crate::api) fn too_few(error: String) -> Self {
        Self::new(StatusCode::CONFLICT, "too_few", error)
    }

    pub(in crate::api) fn too_many_snapshots(limit: usize) -> Self {
        let error = format!("there are {limit} snapshots already; forget one first");
        Self::new(StatusCode::CONFLICT, "too_many_snapshots", error)
    }

    pub(in crate::api) fn too_large_snapshots(limit: u64) -> Self {
        let error =
            format!("all snapshots together would hold more than {limit} bytes; forget one first");
        Self::new(StatusCode::CONFLICT, "too_many_snapshots", error)
    }

    /// The refusal for a reply of the engine that does not belong to the command. No input leads here.
    pub(in crate::api) fn unexpected_reply() -> Self {
        let error = "the server made a mistake";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error)
    }

    /// The same refusal, with its field inside the field `parent`.
    pub(in crate::api) fn under(mut self, parent: &str) -> Self {
        let parent = shortened(parent);
        self.field = Some(match self.field {
            None => {
                self.error = format!("`{parent}` {}", self.error).into();
                parent
            }
            Some(field) if field.starts_with('[') => parent + &field,
            Some(field) => format!("{parent}.{field}"),
        });
        self
    }

    /// The refusal as a sentence for a person, if there is no HTTP request to answer.
    pub(in crate::api) fn sentence(&self) -> String {
        match &self.field {
            Some(field) => format!("{} (in `{field}`)", self.error),
            None => self.error.clone().into_owned(),
        }
    }

    /// Writes the refusal as an item of a batch, or as the whole body.
    pub(in crate::api) fn write(&self, json: &mut Json) {
        json.key("error").text(&self.error);
        json.key("code").text(self.code);
        if let Some(field) = &self.field {
            json.key("field").text(field);
        }
    }

    /// The status and the sentence, for a dialect without codes.
    pub(in crate::api) fn into_sentence(self) -> (StatusCode, String) {
        (self.status, self.error.into_owned())
    }

    #[cfg(test)]
    pub(in crate::api) fn parts(&self) -> (u16, &'static str, Option<&str>) {
        (self.status.as_u16(), self.code, self.field.as_deref())
    }
}

/// Why a call was refused, beside the answer: reports of tests tell it.
#[derive(Clone, Debug)]
pub(in crate::api) struct Reason(pub(in crate::api) String);

/// The header that every refusal with this status has.
pub(in crate::api) fn header_of(status: StatusCode) -> Option<(HeaderName, HeaderValue)> {
    match status {
        StatusCode::UNAUTHORIZED => Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
        StatusCode::SERVICE_UNAVAILABLE => Some((RETRY_AFTER, HeaderValue::from_static("1"))),
        _ => None,
    }
}

/// The beginning of a text that a caller sent, for an error.
pub(in crate::api) fn shortened(text: &str) -> String {
    const MOST: usize = 100;
    let mut characters = text.chars();
    let mut short: String = characters.by_ref().take(MOST).collect();
    if characters.next().is_some() {
        short.push('…');
    }
    short
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let (status, code, field) = match &error {
            Error::Forbidden { .. }
            | Error::ForbiddenAccount { .. }
            | Error::ForbiddenPermission { .. } => (StatusCode::FORBIDDEN, "forbidden", None),
            Error::QueueNotFound(_) => (StatusCode::NOT_FOUND, "queue_not_found", None),
            Error::MessageNotFound => (StatusCode::NOT_FOUND, "message_not_found", None),
            Error::DeadLetterCycle(_) => (
                StatusCode::BAD_REQUEST,
                "dead_letter_cycle",
                Some("dead_letter_queue"),
            ),
            Error::QueueIsDeadLetterTarget { .. } => {
                (StatusCode::CONFLICT, "queue_is_dead_letter_target", None)
            }
            Error::QueueIsPushed(_) => (StatusCode::CONFLICT, "queue_is_pushed", None),
            Error::NotLeased => (StatusCode::CONFLICT, "not_leased", None),
            Error::LeaseLost => (StatusCode::CONFLICT, "lease_lost", None),
            Error::RedriveToItself => (StatusCode::BAD_REQUEST, "invalid_field", Some("to")),
            Error::Settings(_) => (StatusCode::BAD_REQUEST, "invalid_field", None),
            Error::Overloaded(_) => (StatusCode::SERVICE_UNAVAILABLE, "overloaded", None),
            Error::ReadOnly => (StatusCode::FORBIDDEN, "forbidden", None),
            Error::UrlGroupNotFound(_)
            | Error::ScheduleNotFound(_)
            | Error::DeadLetterNotFound(_)
            | Error::FlowKeyNotFound(_) => (StatusCode::NOT_FOUND, "not_found", None),
            Error::Quota { .. } => (StatusCode::PRECONDITION_FAILED, "quota_exceeded", None),
            Error::DailyLimit { .. } => (StatusCode::TOO_MANY_REQUESTS, "rate_limited", None),
        };
        Self {
            field: field.map(Into::into),
            ..Self::new(status, code, error.to_string())
        }
    }
}

impl From<CallError> for ApiError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(error) => error.into(),
            CallError::Stopped => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "shutting_down",
                "the server is shutting down",
            ),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = Json::object(|json| self.write(json)).into_response(self.status);
        response.headers_mut().extend(header_of(self.status));
        response.extensions_mut().insert(Reason(self.sentence()));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_named_by_its_whole_path() {
        let error = ApiError::invalid_value("must be a number")
            .under("[2]")
            .under("seconds")
            .under("retry_backoff");
        assert_eq!(error.field.as_deref(), Some("retry_backoff.seconds[2]"));
    }

    #[test]
    fn what_the_caller_sent_is_cut() {
        let error = ApiError::unknown_field(&"ä".repeat(10_000));
        assert_eq!(error.field.unwrap().chars().count(), 101);
    }

    #[test]
    fn an_overloaded_server_says_when_to_come_back() {
        let response = ApiError::from(Error::Overloaded("messages")).into_response();
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["retry-after"], "1");
    }
}
