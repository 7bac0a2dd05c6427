//! Answers of a layer, in the type of the service's own.

use bytes::Bytes;
use http_body::Body;
use http_body_util::combinators::{BoxBody, UnsyncBoxBody};
use http_body_util::{BodyExt, Either, Full};

/// A body of responses that the layers can make themselves, so that a service has one type of answers with and without
/// them.
///
/// `Full<Bytes>`, `BoxBody`, `UnsyncBoxBody`, `axum::body::Body` (feature `axum`) and `Either<B, Full<Bytes>>` are such
/// bodies. Implement the trait for a type of your own; for any other type, map the service's body into one of these
/// first, as by `response.map(Either::Left)`.
#[diagnostic::on_unimplemented(
    message = "the layers of qstash-verify cannot make answers with a body of type `{Self}`",
    note = "put the layer that makes these bodies outside of the layer of qstash-verify, or map them into \
            `axum::body::Body` (feature `axum`), a boxed body or `Either<_, Full<Bytes>>` first"
)]
pub trait AnswerBody: Body<Data: Send, Error: Send> + Send {
    /// Makes a body of this text.
    fn of_text(text: Bytes) -> Self;
}

impl AnswerBody for Full<Bytes> {
    fn of_text(text: Bytes) -> Self {
        Self::new(text)
    }
}

impl<B> AnswerBody for Either<B, Full<Bytes>>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send,
{
    fn of_text(text: Bytes) -> Self {
        Self::Right(Full::new(text))
    }
}

impl<E: Send + 'static> AnswerBody for BoxBody<Bytes, E> {
    fn of_text(text: Bytes) -> Self {
        Full::new(text).map_err(|never| match never {}).boxed()
    }
}

impl<E: Send + 'static> AnswerBody for UnsyncBoxBody<Bytes, E> {
    fn of_text(text: Bytes) -> Self {
        Full::new(text)
            .map_err(|never| match never {})
            .boxed_unsync()
    }
}

#[cfg(feature = "axum")]
impl AnswerBody for axum::body::Body {
    fn of_text(text: Bytes) -> Self {
        Self::from(text)
    }
}
