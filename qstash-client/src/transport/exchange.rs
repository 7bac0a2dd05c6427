//! What a transport does for the client, and how it can fail.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;

use crate::error::BoxError;

/// A boxed future, which a trait object needs.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Sends the client's requests and measures the times that the client waits.
///
/// The client itself does timeouts and retries: it drops the future of `execute` when it has waited long enough. An
/// implementation must not follow redirects, must not retry, and must send path and query byte for byte, because v2
/// carries destination URLs in the path.
pub trait Transport: Send + Sync + 'static {
    /// Sends one request and collects the whole answer. Dropping the future abandons the request.
    ///
    /// The `Authorization` header is marked sensitive; do not log it.
    fn execute(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>>;

    /// Completes after `duration`. The client measures backoff, timeouts and heartbeats with it.
    fn wait(&self, duration: Duration) -> BoxFuture<'_, ()>;
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
#[error("{}", match .stage {
    Stage::Refused => "the request cannot be sent as it is",
    Stage::NeverLeft => "no connection could be made",
    Stage::Broken => "the exchange broke off",
})]
pub struct TransportError {
    stage: Stage,
    source: BoxError,
}

/// How far a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It cannot be sent, now or later.
    Refused,
    /// No byte of it left.
    NeverLeft,
    /// It may have reached the server.
    Broken,
}

impl TransportError {
    /// The transport does not send the request as it is. The client does not try again.
    pub fn refused(source: impl Into<BoxError>) -> Self {
        let source = source.into();
        Self {
            stage: Stage::Refused,
            source,
        }
    }

    /// The request did not leave: no byte of it reached the server. The client may safely try again.
    pub fn never_left(source: impl Into<BoxError>) -> Self {
        let source = source.into();
        Self {
            stage: Stage::NeverLeft,
            source,
        }
    }

    /// The request may have reached the server.
    pub fn broken(source: impl Into<BoxError>) -> Self {
        let source = source.into();
        Self {
            stage: Stage::Broken,
            source,
        }
    }

    pub(crate) fn into_parts(self) -> (Stage, BoxError) {
        (self.stage, self.source)
    }
}
