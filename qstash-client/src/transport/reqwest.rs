//! The default transport.

use std::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::error::Error;
use crate::transport::exchange::{BoxFuture, Transport, TransportError};

/// The largest answer that the client reads, in bytes: 100 messages of 1 MiB and what surrounds them.
const ANSWER_BYTES_MAX: usize = 128 << 20;

/// Sends with a [`reqwest::Client`] and waits with tokio's clock.
#[derive(Clone, Debug)]
pub struct Reqwest {
    client: ::reqwest::Client,
}

impl Reqwest {
    /// Makes a transport with connections of its own, which follows no redirects.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) when TLS cannot be set up.
    pub fn new(connect_timeout: Duration) -> Result<Self, Error> {
        ::reqwest::Client::builder()
            .connect_timeout(connect_timeout)
            .redirect(::reqwest::redirect::Policy::none())
            .retry(::reqwest::retry::never())
            .user_agent(concat!("qstash-client/", env!("CARGO_PKG_VERSION")))
            .build()
            .map(|client| Self { client })
            .map_err(|e| Error::config("the HTTP client could not be built").with_source(e))
    }

    /// Makes a transport of a client that you set up. The client must not follow redirects, which would carry the token
    /// along.
    #[must_use]
    pub fn from_client(client: ::reqwest::Client) -> Self {
        Self { client }
    }
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
            // `without_url`: a destination in the path may hold secrets.
            let (parts, body) = request.into_parts();
            let url = ::reqwest::Url::parse(&text(&parts.uri)).map_err(TransportError::refused)?;
            // `Url` normalises; what it would change must not go out as something else.
            let asked = parts.uri.path_and_query();
            if asked.is_some_and(|asked| !sends(&url, asked.as_str())) {
                return Err(TransportError::refused(
                    "URL parsing would change the path or query on the way",
                ));
            }
            let mut request = ::reqwest::Request::new(parts.method, url);
            *request.headers_mut() = parts.headers;
            *request.body_mut() = Some(body.into());
            let mut answer = self.client.execute(request).await.map_err(|e| {
                let connect = e.is_connect() || e.is_builder();
                let e = e.without_url();
                if connect {
                    TransportError::never_left(e)
                } else {
                    TransportError::broken(e)
                }
            })?;
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
