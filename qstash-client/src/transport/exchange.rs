//! One exchange with the server: what a transport does, and how it can fail.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;

use crate::error::BoxError;

/// A boxed future, as trait objects need it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Sends requests and lets time pass.
///
/// Timeouts and retries are the client's business: it drops the future of `execute` when it has waited long
/// enough. An implementation must not follow redirects, must not retry, and must send path and query byte for
/// byte: v2 carries destination URLs in the path.
pub trait Transport: Send + Sync + 'static {
    /// Sends one request and collects the whole answer. Dropping the future gives the request up.
    ///
    /// The `Authorization` header is marked sensitive; do not log it.
    fn execute(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>>;

    /// Completes after `duration`. Backoff, timeouts and heartbeats are measured with it.
    fn wait(&self, duration: Duration) -> BoxFuture<'_, ()>;
}

/// Why there is no answer.
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
    /// The transport would not send this request as it was built: trying again cannot help.
    pub fn refused(source: impl Into<BoxError>) -> Self {
        let source = source.into();
        Self {
            stage: Stage::Refused,
            source,
        }
    }

    /// The request never left: no byte of it reached the server, so repeating it is safe.
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
