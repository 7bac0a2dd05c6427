//! The layer that verifies.

use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use tower_layer::Layer;
use tower_service::Service;

use super::{AnswerBody, ResponseFuture};
use crate::Verifier;
use crate::receive::receive;

/// Lets only verified requests through.
///
/// The layer reads the body up to the verifier's limit, verifies the request, puts the
/// [`OwnedDelivery`](crate::OwnedDelivery) into its extensions, and passes the body on in one piece. A refused request
/// never reaches the inner service; the reason is in the extensions of the answer and in a trace event.
///
/// With feature `axum` the verifier's limit replaces axum's `DefaultBodyLimit` for the handlers inside, unless they
/// have one of their own. A lower limit in front, such as tower-http's `RequestBodyLimitLayer`, makes the answer 413,
/// too.
///
/// The layer compares the signed URL with the URI that came over the wire. With feature `axum` it knows that URI even
/// behind axum's `nest`, which cuts a prefix off. Without that feature, and behind anything else that changes the URI
/// (another router, `NormalizePath`), it does not: let the layer stand outside of that.
#[derive(Clone, Debug)]
pub struct VerifyLayer {
    verifier: Verifier,
}

impl VerifyLayer {
    /// Makes a layer that asks `verifier`.
    #[must_use]
    pub fn new(verifier: Verifier) -> Self {
        Self { verifier }
    }
}

impl<S> Layer<S> for VerifyLayer {
    type Service = VerifyService<S>;

    fn layer(&self, inner: S) -> VerifyService<S> {
        VerifyService {
            inner,
            verifier: self.verifier.clone(),
        }
    }
}

/// The service that [`VerifyLayer`] makes of an inner service.
#[derive(Clone, Debug)]
pub struct VerifyService<S> {
    inner: S,
    verifier: Verifier,
}

impl<S, B, R> Service<Request<B>> for VerifyService<S>
where
    S: Service<Request<Full<Bytes>>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    R: AnswerBody + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = ResponseFuture<R, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that was polled ready is the one to call; its clone is for the next request.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let verifier = self.verifier.clone();
        Box::pin(async move {
            match receive(&verifier, request).await {
                Ok(request) => inner.call(request.map(Full::new)).await,
                Err((_, answer)) => Ok(answer.map(R::of_text)),
            }
        })
    }
}
