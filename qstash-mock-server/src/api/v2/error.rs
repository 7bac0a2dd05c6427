//! Every way in which v2 says no: a status and `{"error": "…"}` (v2.md section 1.6).

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{ALLOW, HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};

use super::super::error::{ApiError, shortened};
use super::super::json::Json;

/// A refusal: one sentence, in the words of the hosted service where they are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    status: StatusCode,
    error: String,
    /// For a method that a path does not take: those that it does.
    allow: Option<&'static str>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self {
            status,
            error: error.into(),
            allow: None,
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

    /// The sentence, as an item of a batch has it.
    pub(super) fn write(&self, json: &mut Json) {
        json.key("error").text(&self.error);
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(allowed) = self.allow {
            headers.insert(ALLOW, HeaderValue::from_static(allowed));
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

    #[cfg(test)]
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

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = Json::object(|json| self.write(json)).into_response(self.status);
        response.headers_mut().extend(self.headers());
        response
    }
}
