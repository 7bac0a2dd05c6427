//! An operation is a value: pure code makes it, tests read it as text, one function sends it.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

use crate::base_url::BaseUrl;
use crate::error::{ApiError, BoxError, Error, ErrorKind};
use crate::rate_limit::RateLimit;
use crate::types::token::Token;

/// How much is shown of an error that is not the documented JSON, in characters.
const ERROR_TEXT_MAX: usize = 300;

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
