//! Calls from web pages: the browsers of named origins may use the dialects, preflights included (`docs/wire-v2.md`).
//!
//! The gate stands before everything else that answers, so that a page can read refusals of tokens and answers of
//! faults, too, and so that a preflight, which has no token, meets neither. It looks at the raw path, as the router
//! does, so what it opens is what the dialects answer, never test control, metrics or health.

mod origin;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, DATE, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use hyper::body::Incoming;

use super::limits::PREFLIGHT_HEADER_BYTES;
use super::{FaultGate, v2};
use crate::connection::Reset;
pub use origin::{Origin, OriginError};

/// The methods of all routes.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PATCH, DELETE");
/// How many seconds a browser may remember the answer to a preflight.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");
const VARY_OF_ANSWERS: HeaderValue = HeaderValue::from_static("Origin");
const VARY_OF_PREFLIGHTS: HeaderValue = HeaderValue::from_static(
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
);
/// What a browser asks before a page from the internet may call a server on this computer or in its network.
const PRIVATE_REQUESTED: &str = "access-control-request-private-network";
const PRIVATE_ALLOWED: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// The fault gate, behind what pages may do.
pub(crate) struct CorsGate {
    gate: FaultGate,
    /// The origins whose pages may use the dialects. If there are none, no answer says anything to browsers.
    origins: Vec<Origin>,
}

/// What the answer to a request says to browsers.
enum Audience {
    /// Nothing: it is none of their business.
    None,
    /// That it may be another one for another origin.
    Others,
    /// That a page of this origin may read it.
    Page(HeaderValue),
}

impl CorsGate {
    pub(crate) fn new(gate: FaultGate, origins: Vec<Origin>) -> Self {
        Self { gate, origins }
    }

    /// A gate for what no page may read.
    pub(crate) fn closed(gate: FaultGate) -> Self {
        Self::new(gate, Vec::new())
    }

    /// Answers a request, or returns that its connection is to be reset.
    pub(crate) async fn answer(
        self: Arc<Self>,
        request: http::Request<Incoming>,
    ) -> Result<Response, Reset> {
        let request = request.map(Body::new);
        let audience = self.audience(&request);
        if let Audience::Page(origin) = &audience
            && is_preflight(&request)
        {
            return Ok(preflight(origin, request.headers()));
        }
        let mut response = self.gate.answer(request).await?;
        audience.tell(response.headers_mut());
        Ok(response)
    }

    fn audience(&self, request: &Request) -> Audience {
        if self.origins.is_empty() || !is_open(request.uri().path()) {
            return Audience::None;
        }
        let mut sent = request.headers().get_all(ORIGIN).iter();
        let (Some(sent), None) = (sent.next(), sent.next()) else {
            return Audience::Others;
        };
        let mut named = self.origins.iter().map(Origin::value);
        match named.find(|it| *it == sent) {
            Some(origin) => Audience::Page(origin.clone()),
            None => Audience::Others,
        }
    }
}

impl Audience {
    fn tell(self, headers: &mut HeaderMap) {
        match self {
            Self::None => {}
            Self::Others => {
                headers.append(VARY, VARY_OF_ANSWERS);
            }
            Self::Page(origin) => {
                if let Some(names) = names_of(headers) {
                    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, names);
                }
                headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
                headers.append(VARY, VARY_OF_ANSWERS);
            }
        }
    }
}

/// Whether a raw path belongs to a dialect. Browsers resolve dot segments before they send a request, so a path that
/// has one comes from no page.
fn is_open(path: &str) -> bool {
    let in_v1 = path == "/v1" || path.starts_with("/v1/");
    (in_v1 || v2::is_v2(path)) && !path.split('/').any(is_dots)
}

fn is_dots(segment: &str) -> bool {
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    plain == "." || plain == ".."
}

fn is_preflight(request: &Request) -> bool {
    let headers = request.headers();
    request.method() == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Allows a page what it asks for. The engine, the token and faults have no part in it.
fn preflight(origin: &HeaderValue, asked: &HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    headers.insert(VARY, VARY_OF_PREFLIGHTS);
    if let Some(names) = asked_names(asked) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names);
    }
    if asked.get(PRIVATE_REQUESTED).is_some_and(|it| it == "true") {
        headers.insert(PRIVATE_ALLOWED, HeaderValue::from_static("true"));
    }
    response
}

/// The names of the headers that a page wants to send. There is no list of allowed ones, because a message may carry
/// any (`Upstash-Forward-…`). `None` if one of them is no name, or if they are too many.
fn asked_names(asked: &HeaderMap) -> Option<HeaderValue> {
    let mut lists = asked.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter();
    let (Some(list), None) = (lists.next(), lists.next()) else {
        return None;
    };
    let mut names = list.as_bytes().split(|byte| *byte == b',');
    let fine = list.len() <= PREFLIGHT_HEADER_BYTES
        && names.all(|name| HeaderName::from_bytes(name.trim_ascii()).is_ok());
    fine.then(|| list.clone())
}

/// The names of an answer's headers, those among them that a fault adds. `Date` joins them when the answer is sent.
fn names_of(headers: &HeaderMap) -> Option<HeaderValue> {
    let names: Vec<_> = headers
        .keys()
        .chain([&DATE])
        .map(HeaderName::as_str)
        .collect();
    HeaderValue::try_from(names.join(", ")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_may_use_what_the_dialects_answer_and_nothing_else() {
        for path in [
            "/v1",
            "/v1/",
            "/v1/metrics",
            "/v1/queues/a..b",
            "/v2",
            "/V2/Publish/https://a.example/x",
            "/v2/publish/https://a.example/...",
            "/llm/v1/chat/completions",
        ] {
            assert!(is_open(path), "{path}");
        }
        for path in [
            "",
            "*",
            "/",
            "/metrics",
            "/health",
            "/_admin/reset",
            "//_admin/reset",
            "//v1/queues",
            "/V1/queues",
            "/v1x",
            "/v1%2fqueues",
            "/v1/../_admin/reset",
            "/v1/./queues",
            "/v1/%2e%2E/_admin/reset",
            "/v2/.%2e/metrics",
            "/v2/..",
        ] {
            assert!(!is_open(path), "{path}");
        }
    }

    #[test]
    fn the_names_that_a_page_asks_for_are_allowed_if_they_are_names() {
        let fits = format!("a{}", ",b".repeat(PREFLIGHT_HEADER_BYTES / 2 - 1));
        for (lists, fine) in [
            (&["authorization, Upstash-Forward-Order"][..], true),
            (&["content-type"], true),
            (&[&*fits], true),
            (&[&*format!("{fits},c")], false),
            (&[], false),
            (&[""], false),
            (&["a,,b"], false),
            (&["a b"], false),
            (&["a: b"], false),
            (&["a", "b"], false),
        ] {
            let mut asked = HeaderMap::new();
            for list in lists {
                asked.append(ACCESS_CONTROL_REQUEST_HEADERS, list.parse().unwrap());
            }
            let expected = fine.then(|| asked[ACCESS_CONTROL_REQUEST_HEADERS].clone());
            assert_eq!(asked_names(&asked), expected, "{lists:?}");
        }
    }
}
