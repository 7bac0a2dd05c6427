//! Opening connections to consumers: TCP, and TLS over it where the URL is one with https.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Uri;
use http::uri::Scheme;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::Service;

use super::scope::{DeliveryScope, Resolver};
#[cfg(feature = "tls-no-provider")]
use super::tls::Tls;

/// A connection to a consumer.
#[cfg(feature = "tls-no-provider")]
pub(super) type Stream = hyper_rustls::MaybeHttpsStream<TokioIo<TcpStream>>;
#[cfg(not(feature = "tls-no-provider"))]
pub(super) type Stream = TokioIo<TcpStream>;

type BoxError = Box<dyn Error + Send + Sync>;

/// Opens connections to addresses within the scope of deliveries.
#[derive(Clone)]
pub(super) struct Connector {
    tcp: HttpConnector<Resolver>,
    #[cfg(feature = "tls-no-provider")]
    tls: Tls,
}

/// The error of a delivery by https from a build that cannot make it.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "https needs TLS, and this build of qstash-mock-server has none: turn on its feature `tls`"
)]
pub(super) struct NoTls;

impl Connector {
    pub(super) fn new(scope: DeliveryScope, #[cfg(feature = "tls-no-provider")] tls: Tls) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(Resolver::new(scope));
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        Self {
            tcp,
            #[cfg(feature = "tls-no-provider")]
            tls,
        }
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    #[cfg(feature = "tls-no-provider")]
    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.tcp.call(uri.clone());
        if uri.scheme() != Some(&Scheme::HTTPS) {
            return Box::pin(async move { Ok(Stream::Http(connecting.await?)) });
        }
        let tls = self.tls.clone();
        Box::pin(async move {
            tls.check()?;
            let host = uri.host().unwrap_or_default();
            Ok(tls.over(connecting.await?, host).await?.into())
        })
    }

    #[cfg(not(feature = "tls-no-provider"))]
    fn call(&mut self, uri: Uri) -> Self::Future {
        if uri.scheme() == Some(&Scheme::HTTPS) {
            return Box::pin(async { Err(NoTls.into()) });
        }
        let connecting = self.tcp.call(uri);
        Box::pin(async move { Ok(connecting.await?) })
    }
}
