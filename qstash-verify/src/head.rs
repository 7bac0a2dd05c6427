//! What a verifier reads of a request beside its body.

use std::fmt;

use http::request::Parts;
use http::{HeaderMap, Method, Request, Uri};

use crate::spelling::can_follow_origin;

/// The head of a request: its headers and, where the caller has them, its method, path and query.
///
/// `Into<RequestHead>` is what [`Verifier::verify`](crate::Verifier::verify) takes: `&Parts`, `&Request<B>`,
/// `&HeaderMap`, `(&Uri, &HeaderMap)`, `(&Method, &Uri, &HeaderMap)`, or a head made piece by piece, as where a
/// platform gives texts rather than types:
///
/// ```
/// use http::{HeaderMap, Method};
/// use qstash_verify::RequestHead;
///
/// let headers = HeaderMap::new();
/// let head = RequestHead::new(&headers).method(&Method::POST).target("/orders?id=42");
/// assert_eq!(head.path_and_query(), Some("/orders?id=42"));
/// ```
///
/// With feature `axum`, the head of `&Parts` and `&Request<B>` has the URI that came over the wire, even where a nested
/// router has cut a prefix off. `Debug` shows neither the query nor the headers.
#[derive(Clone, Copy)]
#[must_use = "a head is only read by a verifier"]
pub struct RequestHead<'a> {
    headers: &'a HeaderMap,
    method: Option<&'a Method>,
    /// The text as the caller gave it, even one that is no path.
    pub(crate) target: Option<&'a str>,
}

impl<'a> RequestHead<'a> {
    /// Makes a head of headers alone. Without a target it can be verified under `expected_url`, not under
    /// `public_origin`.
    pub fn new(headers: &'a HeaderMap) -> Self {
        Self {
            headers,
            method: None,
            target: None,
        }
    }

    /// Sets the method. No signature covers it; it is for the functions that you give the verifier.
    pub fn method(mut self, method: &'a Method) -> Self {
        self.method = Some(method);
        self
    }

    /// Sets path and query to those of this URI.
    pub fn uri(self, uri: &'a Uri) -> Self {
        self.target(uri.path_and_query().map_or("/", |it| it.as_str()))
    }

    /// Sets path and query, exactly as they came over the wire: `/orders?id=42`. Some gateways decode the path. What they
    /// make of it may be no [`Uri`], but it is verified here all the same.
    pub fn target(mut self, path_and_query: &'a str) -> Self {
        self.target = Some(path_and_query);
        self
    }

    /// Returns the headers.
    #[must_use]
    pub fn headers(&self) -> &'a HeaderMap {
        self.headers
    }

    /// Returns the method, if the caller gave one. All adapters do.
    #[must_use]
    pub fn http_method(&self) -> Option<&'a Method> {
        self.method
    }

    /// Returns path and query, if the caller gave them. All adapters do. You can append the text to an origin: it is
    /// empty, or it begins with `/`, `?` or `#`. A target of another form, such as `*`, is `None`.
    #[must_use]
    pub fn path_and_query(&self) -> Option<&'a str> {
        self.target.filter(|target| can_follow_origin(target))
    }

    /// Returns the path without the query, which may be a secret.
    pub(crate) fn path(&self) -> Option<&'a str> {
        self.target?.split('?').next()
    }

    fn of(method: &'a Method, uri: &'a Uri, headers: &'a HeaderMap) -> Self {
        Self::new(headers).method(method).uri(uri)
    }
}

/// Returns the URI as it came over the wire.
fn original<'a>(uri: &'a Uri, extensions: &'a http::Extensions) -> &'a Uri {
    #[cfg(feature = "axum")]
    if let Some(original) = extensions.get::<axum::extract::OriginalUri>() {
        // A nested router has cut its prefix off; the sender signed the whole path.
        return &original.0;
    }
    let _ = extensions;
    uri
}

impl<'a> From<&'a Parts> for RequestHead<'a> {
    fn from(parts: &'a Parts) -> Self {
        let uri = original(&parts.uri, &parts.extensions);
        Self::of(&parts.method, uri, &parts.headers)
    }
}

impl<'a, B> From<&'a Request<B>> for RequestHead<'a> {
    fn from(request: &'a Request<B>) -> Self {
        let uri = original(request.uri(), request.extensions());
        Self::of(request.method(), uri, request.headers())
    }
}

impl<'a> From<&'a HeaderMap> for RequestHead<'a> {
    fn from(headers: &'a HeaderMap) -> Self {
        Self::new(headers)
    }
}

impl<'a> From<(&'a Uri, &'a HeaderMap)> for RequestHead<'a> {
    fn from((uri, headers): (&'a Uri, &'a HeaderMap)) -> Self {
        Self::new(headers).uri(uri)
    }
}

impl<'a> From<(&'a Method, &'a Uri, &'a HeaderMap)> for RequestHead<'a> {
    fn from((method, uri, headers): (&'a Method, &'a Uri, &'a HeaderMap)) -> Self {
        Self::of(method, uri, headers)
    }
}

impl fmt::Debug for RequestHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", &self.method)
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}
