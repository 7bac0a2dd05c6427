//! An attempt as an HTTP request (v1.md section 5). Pure.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};
use http::{HeaderMap, Method, Request, Uri};
use http_body_util::Full;
use qstash_verify::SigningKey;

use crate::engine::Attempt;
use crate::text::{lease_id, rfc3339};

const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("qstash-mock-server/", env!("CARGO_PKG_VERSION")));

/// The request that delivers the attempt, signed with `key`.
///
/// # Errors
/// One sentence, if the URL or a header cannot be sent.
pub(super) fn build(attempt: &Attempt, key: &SigningKey) -> Result<Request<Full<Bytes>>, String> {
    let uri: Uri = attempt
        .url
        .parse()
        .map_err(|error| format!("the webhook URL is not valid: {error}"))?;
    let mut request = Request::new(Full::new(attempt.body.clone()));
    *request.method_mut() = Method::POST;
    *request.headers_mut() = headers(attempt, key)?;
    if let Some(authority) = uri.authority() {
        request
            .headers_mut()
            .insert(HOST, value(authority.as_str())?);
    }
    *request.uri_mut() = uri;
    Ok(request)
}

fn headers(attempt: &Attempt, key: &SigningKey) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::with_capacity(16 + attempt.headers.len());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, AGENT);
    for (name, text) in attempt.headers.iter() {
        let name = HeaderName::try_from(name.as_str()).map_err(|error| error.to_string())?;
        headers.insert(name, value(text)?);
    }
    let own = [
        ("qstash-signature", key.sign(&attempt.body)),
        (
            "qstash-message-id",
            attempt.message.0.hyphenated().to_string(),
        ),
        ("qstash-queue", attempt.queue.as_str().to_owned()),
        ("qstash-attempt", attempt.number.to_string()),
        ("qstash-lease-id", lease_id(attempt.lease)),
        ("qstash-published-at", rfc3339(attempt.published_at)),
    ];
    for (name, text) in own {
        headers.insert(HeaderName::from_static(name), value(&text)?);
    }
    Ok(headers)
}

fn value(text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(text).map_err(|error| error.to_string())
}
