//! The axum extractor (feature `axum`).
//!
//! ```
//! use axum::{Json, Router, routing::post};
//! use qstash_verify::{Verifier, axum::Verified};
//!
//! async fn handle(Verified(Json(order)): Verified<Json<serde_json::Value>>) -> String {
//!     format!("got {order}")
//! }
//!
//! let verifier = Verifier::builder().secret("a secret of our own").build()?;
//! let app: Router = Router::new().route("/orders", post(handle)).with_state(verifier);
//! # Ok::<(), qstash_verify::KeyError>(())
//! ```

use axum::Json;
use axum::extract::{FromRef, FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use crate::{Verifier, VerifyError};

/// What a verified request carried: `Verified<Json<T>>`, `Verified<Bytes>` or `Verified<String>`.
///
/// The raw body is read within the verifier's limit and verified before anything looks at it.
#[derive(Clone, Copy, Debug)]
pub struct Verified<E>(pub E);

/// Made from a verified body.
pub trait FromVerified: Sized {
    /// Decodes the body.
    ///
    /// # Errors
    /// One sentence on why it cannot be decoded; it is sent to the caller, who is trusted.
    fn from_verified(body: Bytes) -> Result<Self, String>;
}

impl<T: DeserializeOwned> FromVerified for Json<T> {
    fn from_verified(body: Bytes) -> Result<Self, String> {
        serde_json::from_slice(&body)
            .map(Json)
            .map_err(|error| error.to_string())
    }
}

impl FromVerified for Bytes {
    fn from_verified(body: Bytes) -> Result<Self, String> {
        Ok(body)
    }
}

impl FromVerified for String {
    fn from_verified(body: Bytes) -> Result<Self, String> {
        Self::from_utf8(body.into()).map_err(|error| error.to_string())
    }
}

impl<S, E> FromRequest<S> for Verified<E>
where
    S: Send + Sync,
    E: FromVerified,
    Verifier: FromRef<S>,
{
    type Rejection = Rejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Rejection> {
        let verifier = Verifier::from_ref(state);
        let (parts, body) = request.into_parts();
        let body = match Limited::new(body, verifier.body_limit()).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Err(Rejection::TooLarge),
            Err(_) => return Err(Rejection::Unreadable),
        };
        verifier
            .verify(&parts.headers, &body)
            .map_err(Rejection::Untrusted)?;
        E::from_verified(body)
            .map(Self)
            .map_err(Rejection::Undecodable)
    }
}

/// Why a request did not reach its handler. The typed reason of a 401 is in the response's extensions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// 401: not from QStash. The answer does not tell why; the extensions and a trace event do.
    #[error("the request is not signed by QStash")]
    Untrusted(#[source] VerifyError),
    /// 413: over the verifier's limit.
    #[error("the body is over the limit")]
    TooLarge,
    /// 400: the connection broke.
    #[error("the body could not be read")]
    Unreadable,
    /// 400: signed, but not what the handler takes.
    #[error("the verified body could not be decoded: {0}")]
    Undecodable(String),
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Untrusted(_) => StatusCode::UNAUTHORIZED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unreadable | Self::Undecodable(_) => StatusCode::BAD_REQUEST,
        };
        let mut response = (status, self.to_string()).into_response();
        if let Self::Untrusted(reason) = self {
            tracing::event!(target: "qstash_verify::rejection", tracing::Level::TRACE, %reason, "request refused");
            response.extensions_mut().insert(reason);
        }
        response
    }
}
