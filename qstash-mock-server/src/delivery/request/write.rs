//! Writing the HTTP request of an attempt (v1.md section 5, v2.md section 3.1). Pure.

use base64ct::{Base64, Encoding};
use http::header::{AUTHORIZATION, HOST, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Uri};

use super::{v1, v2};
use crate::engine::{Attempt, Envelope};
use crate::percent::segment;

/// Why no request can be made of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsendable {
    /// The URL of the consumer is not an absolute http or https URL.
    Url,
    /// A header has a name or value that is not valid in HTTP.
    Header,
}

/// The request that delivers `attempt` to `url`, whose text is not changed. If a route has changed the URL, the
/// `Host` header keeps the published host.
pub(in crate::delivery) fn request<B>(
    attempt: &Attempt,
    url: &str,
    signature: &str,
    body: B,
) -> Result<Request<B>, Unsendable> {
    let mut request = Request::new(body);
    *request.method_mut() = match &attempt.envelope {
        Envelope::QueueRules(_) => Method::POST,
        Envelope::CarriedRules(envelope) => method(envelope.carried.method),
    };
    let meant = webhook(&attempt.url)?;
    *request.headers_mut() = headers(attempt, signature)?;
    if let Some(credentials) = credentials(&meant) {
        request
            .headers_mut()
            .entry(AUTHORIZATION)
            .or_insert(credentials);
    }
    if *url == *attempt.url {
        *request.uri_mut() = meant;
    } else {
        let host = meant.authority().map_or("", |authority| {
            let text = authority.as_str();
            text.rsplit('@').next().unwrap_or(text)
        });
        request.headers_mut().insert(HOST, text(host)?);
        *request.uri_mut() = webhook(url)?;
    }
    Ok(request)
}

fn method(method: crate::engine::Method) -> Method {
    match method {
        crate::engine::Method::Get => Method::GET,
        crate::engine::Method::Post => Method::POST,
        crate::engine::Method::Put => Method::PUT,
        crate::engine::Method::Patch => Method::PATCH,
        crate::engine::Method::Delete => Method::DELETE,
    }
}

fn webhook(url: &str) -> Result<Uri, Unsendable> {
    let uri: Uri = url.parse().map_err(|_| Unsendable::Url)?;
    let known = matches!(uri.scheme_str(), Some("http" | "https"));
    let named = uri.host().is_some_and(|host| !host.is_empty());
    // An impossible port, such as 99999, would silently become the default port.
    let ported = uri.authority().is_some_and(|authority| {
        let after_user = authority.as_str().rsplit('@').next().unwrap_or_default();
        after_user == authority.host() || authority.port_u16().is_some()
    });
    (known && named && ported)
        .then_some(uri)
        .ok_or(Unsendable::Url)
}

/// The `Authorization` header for a URL with a user (RFC 7617). A header of the publisher has precedence.
fn credentials(url: &Uri) -> Option<HeaderValue> {
    let (user, _) = url.authority()?.as_str().rsplit_once('@')?;
    // Text that cannot be decoded is taken as it is.
    let decoded = segment(user).unwrap_or_else(|| user.to_owned());
    let (name, password) = decoded.split_once(':').unwrap_or((&decoded, ""));
    let encoded = Base64::encode_string(format!("{name}:{password}").as_bytes());
    let mut value = HeaderValue::try_from(format!("Basic {encoded}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The publisher's headers and those of the server.
pub(crate) fn headers(attempt: &Attempt, signature: &str) -> Result<HeaderMap, Unsendable> {
    let mut headers = HeaderMap::with_capacity(16 + attempt.headers.len());
    for (name, value) in attempt.headers.iter() {
        let name = HeaderName::try_from(name.as_str()).map_err(|_| Unsendable::Header)?;
        headers.append(name, text(value)?);
    }
    match &attempt.envelope {
        Envelope::QueueRules(envelope) => v1::add(&mut headers, attempt, envelope, signature)?,
        Envelope::CarriedRules(envelope) => {
            v2::add(&mut headers, attempt, envelope, signature)?;
        }
    }
    Ok(headers)
}

pub(super) fn text(value: &str) -> Result<HeaderValue, Unsendable> {
    HeaderValue::from_bytes(value.as_bytes()).map_err(|_| Unsendable::Header)
}
