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
use crate::reject::read;

/// Lets only verified requests through.
///
/// The layer reads the body up to the verifier's limit, verifies the request, puts the
/// [`OwnedDelivery`](crate::OwnedDelivery) into its extensions, and passes the body on in one piece. A refused request
/// never reaches the inner service; the reason is in the extensions of the answer and in a trace event.
///
/// With feature `axum` the verifier's limit replaces axum's `DefaultBodyLimit` for the handlers inside, unless they have
/// one of their own. A lower limit in front, such as tower-http's `RequestBodyLimitLayer`, makes the answer 413, too.
///
/// The layer compares the signed URL with the URI that came over the wire. With feature `axum` it finds it behind
/// axum's `nest`, too, which cuts a prefix off. Without that feature, and behind anything else that changes the URI
/// (another router, `NormalizePath`), it cannot know it: let the layer stand outside of that.
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
            match verify(&verifier, request).await {
                Ok(request) => inner.call(request).await,
                Err(answer) => Ok(answer.map(R::of_text)),
            }
        })
    }
}

/// Returns the request with its body in one piece, or the answer to one that is refused.
async fn verify<B>(
    verifier: &Verifier,
    request: Request<B>,
) -> Result<Request<Full<Bytes>>, Response<Bytes>>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (mut parts, body) = request.into_parts();
    let refuse = |reason| verifier.reject(reason, &parts);
    let body = read(body, verifier.body_limit()).await.map_err(refuse)?;
    let delivery = verifier.verify(&parts, &body, verifier.now());
    let delivery = delivery.map_err(refuse)?.into_owned();
    parts.extensions.insert(delivery);
    let request = Request::from_parts(parts, Full::new(body));
    #[cfg(feature = "axum")]
    let request = {
        // axum's extractors would refuse a body over 2 MB, although the verifier has accepted it.
        let mut request = request;
        axum::extract::DefaultBodyLimit::disable().apply(&mut request);
        request
    };
    Ok(request)
}
