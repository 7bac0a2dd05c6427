//! The layer that lets each message through once.

use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderValue, Request, Response, StatusCode};
use tower_layer::Layer;
use tower_service::Service;

use super::replay::{keep, replay};
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
/// | of a finished message | 200, or the first answer once more ([`replay_answers`](Self::replay_answers)), without calling the inner service |
/// | of a message in progress | 409, with `Retry-After`: the time until the claim ends, unless it is renewed |
/// | without a message id, or with one over 256 bytes | 400 |
/// | while the store fails | 503, with `Retry-After: 1`; the inner service is not called |
///
/// In v1 the answer 202 means *not processed yet: deliver again unless the consumer acknowledges the message* (v1.md
/// section 5), so it makes the message free again. In v2 it finishes the message, like every 2xx.
#[derive(Debug)]
pub struct GuardLayer<St> {
    guard: Guard<St>,
    /// How many bytes of an answer's body are kept; `None` if answers are not kept.
    answers: Option<usize>,
}

impl<St: Store> GuardLayer<St> {
    /// Makes a layer that asks `guard`.
    #[must_use]
    pub fn new(guard: Guard<St>) -> Self {
        Self {
            guard,
            answers: None,
        }
    }

    /// Keeps the first answer of a finished message, its status, headers and body, and gives it to the duplicates, so
    /// that a sender that lost the answer learns the same as if it had not. Without it duplicates are answered 200.
    ///
    /// An answer whose body is longer than `longest_body` bytes, or of unknown length, is not kept. The store keeps the
    /// others for as long as it remembers the message. Mind the memory: headers and body are stored in base64, and so
    /// each answer takes some 4/3 of its size.
    #[must_use]
    pub fn replay_answers(mut self, longest_body: usize) -> Self {
        self.answers = Some(longest_body);
        self
    }
}

impl<St> Clone for GuardLayer<St> {
    fn clone(&self) -> Self {
        Self {
            guard: self.guard.clone(),
            answers: self.answers,
        }
    }
}

impl<S, St> Layer<S> for GuardLayer<St> {
    type Service = GuardService<S, St>;

    fn layer(&self, inner: S) -> GuardService<S, St> {
        GuardService {
            inner,
            layer: self.clone(),
        }
    }
}

/// The service that [`GuardLayer`] makes of an inner service.
#[derive(Debug)]
pub struct GuardService<S, St> {
    inner: S,
    layer: GuardLayer<St>,
}

impl<S: Clone, St> Clone for GuardService<S, St> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            layer: self.layer.clone(),
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
        let GuardLayer { guard, answers } = self.layer.clone();
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
            let id = delivery.message_id().unwrap_or_default();
            let ticket = match guard.begin_or_answer(id).await {
                Ok((Begin::First(ticket), _)) => ticket,
                Ok((Begin::Finished, kept)) => {
                    if let Some(first) = kept.as_deref().and_then(replay) {
                        return Ok(first);
                    }
                    return Ok(answer(
                        StatusCode::OK,
                        "the message was processed before",
                        None,
                    ));
                }
                Ok((Begin::InProgress { retry_after }, _)) => {
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
            let (result, kept) = match (result, answers) {
                (Ok(response), Some(longest)) if done => {
                    let (response, kept) = keep(response, longest).await;
                    (Ok(response), kept)
                }
                (result, _) => (result, None),
            };
            ticket.settle_with(done, kept.as_deref()).await;
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
