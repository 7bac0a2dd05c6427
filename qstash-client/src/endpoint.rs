//! An operation is a value: pure code makes it, tests read it as text, one function sends it.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

use crate::error::{ApiError, BoxError, Error, ErrorKind};
use crate::rate_limit::RateLimit;
use crate::types::token::Token;

/// How much is shown of an error that is not the documented JSON, in characters.
const ERROR_TEXT_MAX: usize = 300;

/// Where the API is: scheme, authority and perhaps a path prefix, without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BaseUrl(String);

impl BaseUrl {
    /// Accepts an http(s) URL without user, query and fragment. Cuts trailing slashes.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let bad = |rule: &str| Err(Error::config(format!("base URL {text:?} {rule}")));
        if text.contains('@') {
            // Not shown: what stands before an `@` may be a password.
            return Err(Error::config("base URL must not hold a user or password"));
        }
        if text.contains(['#', '?']) {
            return bad("must not hold a query or a fragment");
        }
        let Ok(uri) = text.parse::<Uri>() else {
            return bad("is not a URL");
        };
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return bad("must begin with http:// or https://");
        }
        let host = uri.host().unwrap_or_default();
        // `Uri` reads an invalid port as none, and a user was refused above.
        let after_host = uri.authority().and_then(|it| it.as_str().get(host.len()..));
        let names_port = after_host.is_some_and(|rest| !rest.is_empty());
        if host.is_empty() || (names_port && uri.port_u16().is_none()) {
            return bad("must name a host, and a valid port if it names one");
        }
        if uri.path().split('/').any(is_dot_segment) {
            return bad("must not hold `.` or `..` segments");
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether URL parsers fold this segment away.
pub(crate) fn is_dot_segment(segment: &str) -> bool {
    let mut dots = 0;
    let mut rest = segment.as_bytes();
    while let [b'.', after @ ..] | [b'%', b'2', b'e' | b'E', after @ ..] = rest {
        (dots, rest) = (dots + 1, after);
    }
    rest.is_empty() && (dots == 1 || dots == 2)
}

/// Whether sending a request twice may do harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Safety {
    /// Twice does the same as once.
    Repeatable,
    /// The client may repeat it only when the first try certainly did nothing.
    Once,
}

/// One call of the API, ready to be sent any number of times.
pub(crate) struct Operation<T> {
    /// A constant name for the span of the call, such as `v1.publish`.
    pub(crate) name: &'static str,
    /// What the call does, for errors: "could not {attempted}".
    pub(crate) attempted: String,
    pub(crate) method: Method,
    /// Path and query, from the slash on.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) safety: Safety,
    /// How much longer than usual the server may take, for a long poll.
    pub(crate) patience: Duration,
    /// The message that the call names, for its span.
    pub(crate) message_id: Option<String>,
    /// Reads which message the answer names, for the span of the call.
    pub(crate) told_id: fn(&T) -> Option<&str>,
    /// Reads which limit a 429 reports; `None` where the dialect has no such headers.
    limit: Option<fn(&HeaderMap) -> RateLimit>,
    decode: fn(&Response<Bytes>) -> Result<T, BoxError>,
}

impl<T> Operation<T> {
    pub(crate) fn new(
        name: &'static str,
        attempted: impl Into<String>,
        method: Method,
        path: impl Into<String>,
        decode: fn(&Response<Bytes>) -> Result<T, BoxError>,
    ) -> Self {
        let safety = if method == Method::GET {
            Safety::Repeatable
        } else {
            Safety::Once
        };
        Self {
            name,
            attempted: attempted.into(),
            method,
            path: path.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            safety,
            patience: Duration::ZERO,
            message_id: None,
            told_id: |_| None,
            limit: None,
            decode,
        }
    }

    /// Sets the body and its content type.
    pub(crate) fn json(mut self, body: &impl Serialize) -> Result<Self, Error> {
        let text = serde_json::to_vec(body).map_err(|e| {
            let reason = "the request could not be written as JSON";
            Error::new(ErrorKind::Serialize, &self.attempted, reason).with_source(e)
        })?;
        self.body = Bytes::from(text);
        self.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(self)
    }

    /// Says that sending it twice does no more than sending it once.
    pub(crate) fn repeatable(self) -> Self {
        self.repeatable_if(true)
    }

    pub(crate) fn repeatable_if(mut self, yes: bool) -> Self {
        self.safety = if yes {
            Safety::Repeatable
        } else {
            Safety::Once
        };
        self
    }

    /// Says which message the call names.
    pub(crate) fn about(mut self, message_id: impl Into<String>) -> Self {
        self.message_id = Some(message_id.into());
        self
    }

    pub(crate) fn patience(mut self, more: Duration) -> Self {
        self.patience = more;
        self
    }

    /// Says how the headers of a 429 are read.
    pub(crate) fn limited(mut self, read: fn(&HeaderMap) -> RateLimit) -> Self {
        self.limit = Some(read);
        self
    }

    pub(crate) fn accept(mut self, media_type: &'static str) -> Self {
        self.headers
            .insert(ACCEPT, HeaderValue::from_static(media_type));
        self
    }

    /// Makes the request as it goes out.
    pub(crate) fn request(
        &self,
        base: &BaseUrl,
        token: Option<&Token>,
    ) -> Result<Request<Bytes>, Error> {
        let uri: Uri = format!("{}{}", base.as_str(), self.path)
            .parse()
            .map_err(|e| {
                Error::new(
                    ErrorKind::InvalidInput,
                    &self.attempted,
                    "the URL is not valid",
                )
                .with_source(e)
            })?;
        let mut request = Request::new(self.body.clone());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = self.headers.clone();
        if self.body.is_empty() && expects_body(&self.method) {
            // Not left to the transport: hyper, for one, says nothing about a body without bytes.
            request
                .headers_mut()
                .insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        if let Some(token) = token {
            request.headers_mut().insert(AUTHORIZATION, token.header());
        }
        Ok(request)
    }

    /// Returns the result, or the error that the server reports.
    pub(crate) fn decode(&self, response: &Response<Bytes>) -> Result<T, Error> {
        let status = response.status();
        if !status.is_success() {
            let limited = status == StatusCode::TOO_MANY_REQUESTS;
            let read = self.limit.filter(|_| limited);
            let limit = read.map(|read| read(response.headers()));
            let api = api_error(response.body());
            return Err(Error::answered(&self.attempted, status, api).with_rate_limit(limit));
        }
        (self.decode)(response).map_err(|source| {
            Error::new(
                ErrorKind::Decode,
                &self.attempted,
                "the answer does not have the expected shape",
            )
            .with_status(status)
            .with_source(source)
        })
    }

    /// Writes the request as text for golden tests: request line, headers by name, blank line, body.
    #[cfg(test)]
    pub(crate) fn to_text(&self) -> String {
        let mut headers: Vec<String> = self
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
            .collect();
        headers.sort();
        let mut text = format!("{} {}\n", self.method, self.path);
        for header in headers {
            text.push_str(&header);
            text.push('\n');
        }
        if !self.body.is_empty() {
            text.push('\n');
            text.push_str(&String::from_utf8_lossy(&self.body));
        }
        text
    }
}

/// Whether a request by this method says how long its body is even if that is nothing (RFC 9110, section 8.6). Some
/// servers and proxies answer 411 to a request that does not.
fn expects_body(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

/// Decodes a JSON body.
pub(crate) fn json<T: DeserializeOwned>(response: &Response<Bytes>) -> Result<T, BoxError> {
    Ok(serde_json::from_slice(response.body())?)
}

/// Accepts any body.
#[expect(clippy::unnecessary_wraps, reason = "stands where decoders stand")]
pub(crate) fn nothing(_: &Response<Bytes>) -> Result<(), BoxError> {
    Ok(())
}

/// Reads the documented error body, or whatever else the server says.
fn api_error(body: &[u8]) -> ApiError {
    #[derive(serde::Deserialize)]
    struct Wire {
        error: String,
        #[serde(default)]
        code: Option<String>,
        #[serde(default)]
        field: Option<String>,
    }
    match serde_json::from_slice::<Wire>(body) {
        Ok(wire) => ApiError {
            message: wire.error,
            code: wire.code,
            field: wire.field,
        },
        Err(_) => ApiError {
            message: String::from_utf8_lossy(body)
                .trim()
                .chars()
                .take(ERROR_TEXT_MAX)
                .collect(),
            code: None,
            field: None,
        },
    }
}

/// Percent-encodes one path segment, all but the unreserved characters.
pub(crate) fn segment(text: impl AsRef<str>) -> String {
    let mut out = String::new();
    push_encoded(&mut out, text.as_ref());
    out
}

fn push_encoded(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            use std::fmt::Write as _;
            write!(out, "%{byte:02X}").expect("writing to a String cannot fail");
        }
    }
}

/// A query string under construction. `Debug` shows how long it is, because URLs in it may hold secrets.
#[derive(Clone, Default)]
pub(crate) struct Query(String);

impl std::fmt::Debug for Query {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Query({} bytes)", self.0.len())
    }
}

impl Query {
    pub(crate) fn push(&mut self, name: &str, value: &(impl ToString + ?Sized)) {
        self.0.push(if self.0.is_empty() { '?' } else { '&' });
        push_encoded(&mut self.0, name);
        self.0.push('=');
        push_encoded(&mut self.0, &value.to_string());
    }

    pub(crate) fn push_some(&mut self, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.push(name, &value);
        }
    }

    /// Returns nothing, or the query from the question mark on.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls_are_checked() {
        let parsed = BaseUrl::parse("https://example.com:8443/qstash/").expect("valid");
        assert_eq!(parsed.as_str(), "https://example.com:8443/qstash");
        assert!(BaseUrl::parse("http://[::1]:8080").is_ok());
        for bad in [
            "",
            "example.com",
            "ftp://e.com",
            "http://",
            "http://u:p@e.com",
            "http://e.com?x=1",
            "http://e.com#f",
            "http://e.com:99999",
            "http://e.com/a/../b",
            "http://e.com/%2E%2e",
        ] {
            assert!(BaseUrl::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn dot_segments_are_known_in_every_spelling() {
        for dots in [".", "..", "%2e", "%2E.", ".%2e", "%2e%2E"] {
            assert!(is_dot_segment(dots), "{dots}");
        }
        for other in ["", "...", "%2e%2e%2e", ".a", "a.", "%2f", "%2", "%252e"] {
            assert!(!is_dot_segment(other), "{other}");
        }
    }

    #[test]
    fn a_password_in_a_base_url_is_not_repeated() {
        let error = BaseUrl::parse("http://u:hunter2@e.com").expect_err("user info");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    #[test]
    fn segments_and_queries_are_encoded() {
        assert_eq!(segment("a/b c?é"), "a%2Fb%20c%3F%C3%A9");
        let mut query = Query::default();
        query.push("prefix", "a&b");
        query.push_some("limit", Some(5));
        query.push_some("cursor", None::<String>);
        assert_eq!(query.as_str(), "?prefix=a%26b&limit=5");
    }

    #[test]
    fn errors_are_read_from_json_and_from_anything_else() {
        let api = api_error(br#"{"error":"No.","code":"invalid_field","field":"delay_seconds"}"#);
        assert_eq!(api.message, "No.");
        assert_eq!(api.code.as_deref(), Some("invalid_field"));
        assert_eq!(api.field.as_deref(), Some("delay_seconds"));
        assert_eq!(
            api_error(b"<h1>Bad gateway</h1>\n").message,
            "<h1>Bad gateway</h1>"
        );
        assert_eq!(api_error(&[b'x'; 1000]).message.len(), ERROR_TEXT_MAX);
    }
}
