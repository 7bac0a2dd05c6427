#![doc = include_str!("../docs/axum.md")]

use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::extract::{
    FromRef, FromRequest, FromRequestParts, OptionalFromRequest, OriginalUri, Request,
};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;

use crate::receive::receive;
use crate::{OwnedDelivery, RequestHead, Verifier, VerifyError};

/// Verifies a request, then extracts `E` from it: `Verified<Json<T>>`, `Verified<Bytes>`, `Verified<String>`, or
/// anything else that axum extracts, also what reads the head alone, such as `Verified<OwnedDelivery>` and
/// `Verified<Path<T>>`. It stands last among a handler's arguments, because it reads the body in any case.
///
/// The extractor reads the body up to the verifier's limit, which replaces axum's `DefaultBodyLimit`, and verifies it
/// before `E` sees anything of it. `E` can be a tuple with [`OwnedDelivery`]: `Verified<(OwnedDelivery, Json<T>)>`.
///
/// Dropping the future drops the request as a whole.
#[derive(Clone, Copy, Debug)]
pub struct Verified<E>(pub E);

impl<S, E> FromRequest<S> for Verified<E>
where
    S: Send + Sync,
    E: FromRequest<S>,
    Verifier: FromRef<S>,
{
    type Rejection = Rejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Rejection> {
        let verifier = Verifier::from_ref(state);
        let request = match receive(&verifier, request).await {
            Ok(request) => request.map(Body::from),
            Err((reason, response)) => {
                let response = response.map(Body::from);
                return Err(Rejection::Refused { reason, response });
            }
        };
        let head = head_of(&request, verifier.has_rejection_response());
        let extracted = E::from_request(request, state).await;
        let own = match extracted.map_err(IntoResponse::into_response) {
            Ok(extracted) => return Ok(Self(extracted)),
            Err(own) => own,
        };
        Err(undecodable(&verifier, &head, own).await)
    }
}

/// Tells axum by which kind of extractor [`Verified`] extracts: by one that reads the head alone. No program has to
/// name it.
#[derive(Clone, Copy, Debug)]
pub enum ViaHead {}

impl<S, E> FromRequest<S, ViaHead> for Verified<E>
where
    S: Send + Sync,
    E: FromRequestParts<S>,
    Verifier: FromRef<S>,
{
    type Rejection = Rejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Rejection> {
        let verified = <Verified<OfHead<E>> as FromRequest<S>>::from_request(request, state);
        verified.await.map(|Verified(OfHead(it))| Self(it))
    }
}

/// An extractor that reads the head alone, as one of whole requests.
struct OfHead<E>(E);

impl<S, E> FromRequest<S> for OfHead<E>
where
    S: Send + Sync,
    E: FromRequestParts<S>,
{
    type Rejection = E::Rejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, E::Rejection> {
        let (mut parts, _) = request.into_parts();
        E::from_request_parts(&mut parts, state).await.map(Self)
    }
}

/// `Option<Verified<E>>` is `None` for a request without a signature, for routes that others may call, too. A signature
/// that is there must verify, or the request is refused. `E` is an extractor that may read the body, such as `Bytes` or
/// `(OwnedDelivery, Bytes)`.
impl<S, E> OptionalFromRequest<S> for Verified<E>
where
    S: Send + Sync,
    E: FromRequest<S>,
    Verifier: FromRef<S>,
{
    type Rejection = Rejection;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Rejection> {
        match <Self as FromRequest<S>>::from_request(request, state).await {
            Ok(verified) => Ok(Some(verified)),
            Err(Rejection::Refused {
                reason: VerifyError::MissingSignature,
                ..
            }) => Ok(None),
            Err(rejection) => Err(rejection),
        }
    }
}

/// A router whose state is an `Arc<AppState>` has a verifier if `AppState` has one. A program could not say so itself:
/// neither `FromRef`, `Arc` nor [`Verifier`] is its own.
impl<T> FromRef<Arc<T>> for Verifier
where
    Self: FromRef<T>,
{
    fn from_ref(state: &Arc<T>) -> Self {
        Self::from_ref(&**state)
    }
}

/// Copies the head of a request, as it came over the wire. The headers are copied if somebody asks for them.
fn head_of(request: &Request, with_headers: bool) -> Parts {
    let (mut parts, ()) = http::Request::new(()).into_parts();
    let original = request.extensions().get::<OriginalUri>();
    parts.uri = original.map_or_else(|| request.uri().clone(), |it| it.0.clone());
    parts.method = request.method().clone();
    if with_headers {
        parts.headers = request.headers().clone();
    }
    parts
}

/// Makes the rejection of `E`, which keeps `E`'s own answer if none is configured. axum answers 422 to JSON of another
/// shape; that becomes 400, because QStash retries both and one rule is simpler.
async fn undecodable(verifier: &Verifier, head: &Parts, own: Response) -> Rejection {
    let status = own.status().as_u16();
    let (own, detail) = sentence(own).await;
    let Some(reason) = crate::reject::undecodable(status, detail) else {
        return Rejection::Other(own);
    };
    let configured = verifier.configured_rejection(&reason, &RequestHead::from(head));
    let mut response = configured.map_or_else(
        || {
            let mut own = own;
            *own.status_mut() = reason.status();
            own
        },
        |response| response.map(Body::from),
    );
    response.extensions_mut().insert(reason.clone());
    Rejection::Undecodable { reason, response }
}

/// Returns the answer of an extractor, and its text: an extractor tells what is wrong in no other way.
async fn sentence(own: Response) -> (Response, String) {
    const LONGEST: usize = 8 * 1024;
    let size = own.body().size_hint().upper();
    if size.is_none_or(|size| size > LONGEST as u64) {
        return (own, String::new());
    }
    let (parts, body) = own.into_parts();
    let body = axum::body::to_bytes(body, LONGEST)
        .await
        .unwrap_or_default();
    let text = String::from_utf8_lossy(&body).into_owned();
    (Response::from_parts(parts, Body::from(body)), text)
}

/// Why a request did not reach its handler.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// The request failed verification and is answered 401, 413 or 400. The default answer does not tell why.
    #[error("the request is not trusted")]
    Refused {
        /// Why the request was refused. It is also in the response's extensions.
        #[source]
        reason: VerifyError,
        /// The answer.
        response: Response,
    },
    /// The request is verified, but it is not what the handler takes, and is answered 400 or 415. The default answer is
    /// that of the inner extractor, which tells why: the sender is trusted.
    #[error("the verified request could not be decoded")]
    Undecodable {
        /// What is wrong with the request. It is also in the response's extensions.
        #[source]
        reason: VerifyError,
        /// The answer.
        response: Response,
    },
    /// The inner extractor rejected the verified request for another reason.
    #[error("the verified request was rejected by the inner extractor")]
    Other(Response),
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        match self {
            Self::Refused { response, .. }
            | Self::Undecodable { response, .. }
            | Self::Other(response) => response,
        }
    }
}

/// Works inside [`Verified`], and behind the [`VerifyLayer`](https://docs.rs/qstash-verify) of feature `tower`.
impl<S: Sync> FromRequestParts<S> for OwnedDelivery {
    type Rejection = Unverified;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Unverified> {
        parts.extensions.get().cloned().ok_or(Unverified)
    }
}

/// A handler asks for the delivery of a request that nobody verified: the router is put together wrongly. It is
/// answered 500.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the request was not verified: extract `Verified<(OwnedDelivery, _)>`, or add a `VerifyLayer`"
)]
pub struct Unverified;

impl IntoResponse for Unverified {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, self.to_string()).into_response()
    }
}
