//! The layer that lets each message through once.

use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderValue, Request, Response, StatusCode};
use tower_layer::Layer;
use tower_service::Service;

use super::{AnswerBody, ResponseFuture};
use crate::idempotency::{Begin, Guard, Store, StoreError};
use crate::{OwnedDelivery, Scheme};

/// Runs the inner service once for each message. It tells messages apart by the id of the verified delivery.
///
/// The layer must stand **inside** a [`VerifyLayer`](super::VerifyLayer), so that it remembers only verified messages.
///
/// | delivery | answer |
/// |---|---|
/// | the first of a message | that of the inner service; a 2xx finishes the message, anything else, a panic or a cancellation makes it free again |
/// | of a finished message | 200, without calling the inner service |
/// | of a message in progress | 409, with `Retry-After`: the time until the claim ends at the latest |
/// | without a message id, or with one over 256 bytes | 400 |
/// | while the store fails | 503, with `Retry-After: 1`; the inner service is not called |
///
/// In v1 the answer 202 means *not processed yet: deliver again unless the consumer acknowledges the message* (v1.md
/// section 5), so it makes the message free again. In v2 it finishes the message, like every 2xx.
#[derive(Debug)]
pub struct GuardLayer<St> {
    guard: Guard<St>,
}

impl<St: Store> GuardLayer<St> {
    /// Makes a layer that asks `guard`.
    #[must_use]
    pub fn new(guard: Guard<St>) -> Self {
        Self { guard }
    }
}

impl<St> Clone for GuardLayer<St> {
    fn clone(&self) -> Self {
        let guard = self.guard.clone();
        Self { guard }
    }
}

impl<S, St> Layer<S> for GuardLayer<St> {
    type Service = GuardService<S, St>;

    fn layer(&self, inner: S) -> GuardService<S, St> {
        let guard = self.guard.clone();
        GuardService { inner, guard }
    }
}

/// The service that [`GuardLayer`] makes of an inner service.
#[derive(Debug)]
pub struct GuardService<S, St> {
    inner: S,
    guard: Guard<St>,
}

impl<S: Clone, St> Clone for GuardService<S, St> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            guard: self.guard.clone(),
        }
    }
}

impl<S, St, B, R> Service<Request<B>> for GuardService<S, St>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    St: Store,
    B: Send + 'static,
    R: AnswerBody + Send + 'static,
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
        let guard = self.guard.clone();
        Box::pin(async move {
            let Some(delivery) = request.extensions().get::<OwnedDelivery>() else {
                tracing::error!("a GuardLayer must stand inside of a VerifyLayer");
                return Ok(answer(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the request was not verified",
                    None,
                ));
            };
            let scheme = delivery.scheme();
            let ticket = match guard.begin(delivery.message_id().unwrap_or_default()).await {
                Ok(Begin::First(ticket)) => ticket,
                Ok(Begin::Finished) => {
                    return Ok(answer(
                        StatusCode::OK,
                        "the message was processed before",
                        None,
                    ));
                }
                Ok(Begin::InProgress { retry_after }) => {
                    let secs = retry_after.as_millis().div_ceil(1000).max(1);
                    let text = "the message is being processed";
                    return Ok(answer(StatusCode::CONFLICT, text, Some(secs)));
                }
                Err(StoreError::Id) => {
                    let text = "the request needs a message id of 1 to 256 bytes";
                    return Ok(answer(StatusCode::BAD_REQUEST, text, None));
                }
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "a message could not be claimed");
                    let text = "the store of message ids is not available";
                    return Ok(answer(StatusCode::SERVICE_UNAVAILABLE, text, Some(1)));
                }
            };
            let result = ticket.during(inner.call(request)).await;
            let done = result.as_ref().is_ok_and(|it| is_done(scheme, it.status()));
            ticket.settle(done).await;
            result
        })
    }
}

/// Whether the sender counts the message as delivered after this answer.
fn is_done(scheme: Scheme, status: StatusCode) -> bool {
    status.is_success() && !(scheme == Scheme::Hmac && status == StatusCode::ACCEPTED)
}

fn answer<R: AnswerBody>(
    status: StatusCode,
    text: &'static str,
    retry_after: Option<u128>,
) -> Response<R> {
    let mut response = Response::new(R::of_text(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    if let Some(secs) = retry_after {
        let secs = u64::try_from(secs).unwrap_or(u64::MAX);
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(secs));
    }
    response
}
