//! What adapters answer to a request that they refuse.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::{RequestHead, VerifyError};

type Make = dyn Fn(&VerifyError, &RequestHead<'_>) -> http::Response<Bytes> + Send + Sync;

/// Makes the answer. The default answer does not tell the reason.
#[derive(Clone, Default)]
pub(crate) struct Response(Option<Arc<Make>>);

impl Response {
    pub(crate) fn new(
        make: impl Fn(&VerifyError, &RequestHead<'_>) -> http::Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Arc::new(make)))
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Response(..)")
    }
}

impl crate::Verifier {
    /// Makes the answer to a request that is refused for `reason`. The adapters use it, and adapters of your own can.
    /// The default answer has the reason's status and does not tell the reason. The reason goes into the response's
    /// extensions and into one event of the target `qstash_verify::rejection`: a warning with
    /// [advice](VerifyError::advice) where one of the keys fitted, and a trace where none did, which everybody can
    /// cause.
    #[must_use]
    pub fn reject<'a>(
        &self,
        reason: VerifyError,
        request: impl Into<RequestHead<'a>>,
    ) -> http::Response<Bytes> {
        let response = self.configured_rejection(&reason, &request.into());
        let mut response = response.unwrap_or_else(|| plain(&reason));
        response.extensions_mut().insert(reason);
        response
    }

    /// Notes the reason. Returns the answer that is configured, if any.
    pub(crate) fn configured_rejection(
        &self,
        reason: &VerifyError,
        request: &RequestHead<'_>,
    ) -> Option<http::Response<Bytes>> {
        let path = request.path().unwrap_or_default();
        match reason.advice() {
            Some(advice) => tracing::event!(
                target: "qstash_verify::rejection", tracing::Level::WARN, %reason, path, advice,
                "a request from QStash was refused"
            ),
            None => tracing::event!(
                target: "qstash_verify::rejection", tracing::Level::TRACE, %reason, path, "request refused"
            ),
        }
        self.0.response.0.as_ref().map(|make| make(reason, request))
    }

    /// Whether somebody wants to see the requests that are refused.
    #[cfg(any(feature = "actix", feature = "axum"))]
    pub(crate) fn has_rejection_response(&self) -> bool {
        self.0.response.0.is_some()
    }
}

/// Returns why a framework's own decoder answered this status, or `None` if the status is about something else.
#[cfg(any(feature = "actix", feature = "axum"))]
pub(crate) fn undecodable(status: u16, detail: String) -> Option<VerifyError> {
    match status {
        400 | 422 => Some(VerifyError::Undecodable { detail }),
        415 => Some(VerifyError::ContentType { detail }),
        _ => None,
    }
}

fn plain(reason: &VerifyError) -> http::Response<Bytes> {
    let text = match reason {
        VerifyError::BodyTooLarge { .. } | VerifyError::BodyTooLargeInFront => {
            "the body is too large"
        }
        VerifyError::UnreadableBody => "the body could not be read",
        VerifyError::Undecodable { .. } => "the body could not be decoded",
        VerifyError::ContentType { .. } => "the content type is not supported",
        _ => "the request could not be verified",
    };
    let mut response = http::Response::new(Bytes::from_static(text.as_bytes()));
    *response.status_mut() = reason.status();
    let text = http::HeaderValue::from_static("text/plain; charset=utf-8");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, text);
    response
}
