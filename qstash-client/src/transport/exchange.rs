//! What a transport does for the client, and how it can fail.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;

use crate::cause::told;
use crate::error::BoxError;

/// A boxed future, which a trait object needs.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Sends the client's requests and measures the times that the client waits.
///
/// The client itself does timeouts and retries: it drops the future of `execute` when it has waited long enough. An
/// implementation must not follow redirects, must not retry, and must send path and query byte for byte, because v2
/// carries destination URLs in the path. A request that has no body but whose method expects one says
/// `Content-Length: 0`; where the HTTP client writes lengths itself, leave that header out.
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
///
/// `Display` tells how far the request came, and [`source`](std::error::Error::source) why. `Debug` writes both as one
/// sentence, with scheme and host of the URLs in it and none of their paths.
#[derive(thiserror::Error)]
#[error("{}", match .stage {
    Stage::Refused => "the request cannot be sent as it is",
    Stage::NeverLeft => "no connection could be made",
    Stage::Untrusted => "the server's certificate is not accepted",
    Stage::Broken => "the exchange broke off",
})]
pub struct TransportError {
    stage: Stage,
    source: BoxError,
    /// What the request went through, if that is not the network alone.
    through: Option<String>,
}

/// How far a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It cannot be sent, now or later.
    Refused,
    /// No byte of it left.
    NeverLeft,
    /// No byte of it left, because the server's certificate is not accepted.
    Untrusted,
    /// It may have reached the server.
    Broken,
}

impl TransportError {
    /// The transport does not send the request as it is. The client does not try again.
    pub fn refused(source: impl Into<BoxError>) -> Self {
        Self::at(Stage::Refused, source)
    }

    /// The request did not leave: no byte of it reached the server. The client may safely try again.
    pub fn never_left(source: impl Into<BoxError>) -> Self {
        Self::at(Stage::NeverLeft, source)
    }

    /// The request did not leave, because the server's certificate is not accepted. The client does not try again.
    pub fn untrusted(source: impl Into<BoxError>) -> Self {
        Self::at(Stage::Untrusted, source)
    }

    /// The request may have reached the server.
    pub fn broken(source: impl Into<BoxError>) -> Self {
        Self::at(Stage::Broken, source)
    }

    fn at(stage: Stage, source: impl Into<BoxError>) -> Self {
        Self {
            stage,
            source: source.into(),
            through: None,
        }
    }

    /// Names the proxy that the request went through.
    #[cfg(feature = "reqwest")]
    pub(crate) fn through(mut self, proxy: Option<&str>) -> Self {
        self.through = proxy.map(|proxy| format!(" through the proxy {proxy}"));
        self
    }

    /// Returns how far the request came, what it went through as the end of a sentence, and why.
    pub(crate) fn into_parts(self) -> (Stage, String, BoxError) {
        (self.stage, self.through.unwrap_or_default(), self.source)
    }
}

impl std::fmt::Debug for TransportError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let through = self.through.as_deref().unwrap_or_default();
        write!(f, "{self}{through}: {}", told(self.source.as_ref()))
    }
}
