//! The default transport.

#[cfg(any(feature = "rustls-no-provider", feature = "native-tls"))]
mod kept;
mod proxy;
mod tls;

use std::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::base_url::BaseUrl;
use crate::cause::is_about_a_certificate;
use crate::error::Error;
use crate::transport::exchange::{BoxFuture, Transport, TransportError};
use crate::transport::setup::Setup;

/// The largest answer that the client reads, in bytes: 100 messages of 1 MiB and what surrounds them.
const ANSWER_BYTES_MAX: usize = 128 << 20;

/// Sends with a [`reqwest::Client`] and waits with tokio's clock.
#[derive(Clone, Debug)]
pub struct Reqwest {
    client: ::reqwest::Client,
    /// The proxy in front of the base URL, as errors name it.
    proxy: Option<String>,
    /// Whether https works. Of a client that somebody else set up this is not known, and it counts as yes.
    tls: bool,
}

impl Reqwest {
    /// Makes a transport with connections of its own, which follows no redirects. Where the environment names a proxy,
    /// the requests go through it, those to this machine included, unless `NO_PROXY` names their host. A client that
    /// was given no transport differs in this: it calls this machine directly.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) when TLS cannot be set up.
    pub fn new(connect_timeout: Duration) -> Result<Self, Error> {
        Self::set_up(&Setup::new(connect_timeout), None)
    }

    /// Makes a transport to the server at `base`, or to any if there is no `base`.
    pub(crate) fn set_up(setup: &Setup, base: Option<&BaseUrl>) -> Result<Self, Error> {
        let builder = ::reqwest::Client::builder()
            .connect_timeout(setup.connect_timeout)
            .redirect(::reqwest::redirect::Policy::none())
            .retry(::reqwest::retry::never())
            .user_agent(concat!("qstash-client/", env!("CARGO_PKG_VERSION")));
        let (builder, proxy) = proxy::choose(builder, &setup.proxy, base)?;
        let need = tls::Need::of(base, proxy.as_deref());
        let builder = tls::set_up(builder, setup.backend, &setup.roots, need)?;
        let client = build(builder)?;
        Ok(Self {
            client,
            proxy,
            tls: tls::AVAILABLE,
        })
    }

    /// Makes a transport of a client that you set up. The client must not follow redirects, which would carry the token
    /// along.
    #[must_use]
    pub fn from_client(client: ::reqwest::Client) -> Self {
        Self {
            client,
            proxy: None,
            tls: true,
        }
    }

    fn failed(&self, error: ::reqwest::Error) -> TransportError {
        let left = !(error.is_connect() || error.is_builder());
        // `without_url`: a destination in the path may hold secrets.
        let error = error.without_url();
        let failed = if left {
            TransportError::broken(error)
        } else if is_about_a_certificate(&error) {
            TransportError::untrusted(error)
        } else {
            TransportError::never_left(error)
        };
        failed.through(self.proxy.as_deref())
    }
}

fn build(builder: ::reqwest::ClientBuilder) -> Result<::reqwest::Client, Error> {
    let failed = "the HTTP client could not be built";
    let built = if tls::AVAILABLE {
        builder.build()
    } else {
        // Another crate may have turned on reqwest's rustls without a provider, and then reqwest panics here.
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| builder.build())).map_err(
            |_| {
                Error::config(format!(
                    "{failed}: reqwest has TLS of another crate and no provider for it"
                ))
            },
        )?
    };
    built.map_err(|error| Error::config(failed).with_source(error))
}

/// Writes the URL as its `Display` does, in a tenth of the time.
fn text(uri: &http::Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or_default();
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let path = uri.path_and_query().map_or("", |path| path.as_str());
    let mut text = String::with_capacity(scheme.len() + 3 + authority.len() + path.len());
    for part in [scheme, "://", authority, path] {
        text.push_str(part);
    }
    text
}

/// Whether this URL goes out with exactly this path and query.
fn sends(url: &::reqwest::Url, path_and_query: &str) -> bool {
    let (path, query) = match path_and_query.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path_and_query, None),
    };
    url.path() == path && url.query() == query && url.fragment().is_none()
}

impl Transport for Reqwest {
    fn execute(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let url = ::reqwest::Url::parse(&text(&parts.uri)).map_err(TransportError::refused)?;
            // `Url` normalises; what it would change must not go out as something else.
            let asked = parts.uri.path_and_query();
            if asked.is_some_and(|asked| !sends(&url, asked.as_str())) {
                return Err(TransportError::refused(
                    "URL parsing would change the path or query on the way",
                ));
            }
            if !self.tls && url.scheme() == "https" {
                return Err(TransportError::refused(tls::MISSING));
            }
            let mut request = ::reqwest::Request::new(parts.method, url);
            *request.headers_mut() = parts.headers;
            *request.body_mut() = Some(body.into());
            let sent = self.client.execute(request).await;
            let mut answer = sent.map_err(|error| self.failed(error))?;
            let mut response = http::Response::new(Bytes::new());
            *response.status_mut() = answer.status();
            *response.headers_mut() = std::mem::take(answer.headers_mut());
            let mut body = BytesMut::new();
            let broken = |e: ::reqwest::Error| TransportError::broken(e.without_url());
            while let Some(chunk) = answer.chunk().await.map_err(broken)? {
                if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                    return Err(TransportError::broken("the answer is larger than 128 MiB"));
                }
                body.extend_from_slice(&chunk);
            }
            *response.body_mut() = body.freeze();
            Ok(response)
        })
    }

    fn wait(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}
