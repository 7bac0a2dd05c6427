//! Pages in browsers: which may call the server, and what they may read.

mod closed;

use qstash_mock_server::testing::Fault;
use qstash_mock_server::{MockServer, MockServerBuilder, Origin, OriginError};
use reqwest::header::{HeaderMap, HeaderName};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::support::Api;

const PAGE: &str = "http://localhost:3000";
const APP: &str = "tauri://localhost";
const LATER: (&str, &str) = ("upstash-delay", "1d");
/// Routes of both dialects that exist, and some that do not.
const OPEN: [&str; 6] = [
    "/v1/queues",
    "/v1/nothing",
    "/v2/publish/https://app.example//x?y=%2F",
    "/V2/Queues",
    "/v2/nothing",
    "/llm/v1/chat/completions",
];

fn builder() -> MockServerBuilder {
    let server = MockServer::builder().cors(PAGE.parse().unwrap());
    server.cors(Origin::new("TAURI://localhost").unwrap())
}

async fn start(builder: MockServerBuilder) -> Api {
    Api::over(builder.start().await.unwrap())
}

impl Api {
    fn by_page(&self, origin: &str, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).header("origin", origin)
    }

    /// What a browser asks before it sends the request of a page.
    async fn preflight(&self, path: &str, more: &[(&str, &str)]) -> Response {
        let request = self.bare(Method::OPTIONS, path);
        let request = request.header("access-control-request-method", "POST");
        let add =
            |request: RequestBuilder, (name, value): &(&str, &str)| request.header(*name, *value);
        more.iter().fold(request, add).send().await.unwrap()
    }
}

/// The names of an answer's headers for browsers.
fn opened(headers: &HeaderMap) -> Vec<&str> {
    let names = headers.keys().map(HeaderName::as_str);
    names
        .filter(|it| it.starts_with("access-control-"))
        .collect()
}

fn varies_by_origin(headers: &HeaderMap) -> bool {
    let lines = headers.get_all("vary").iter();
    let mut names = lines.flat_map(|line| line.to_str().unwrap().split(", "));
    names.any(|name| name == "Origin")
}

/// A page of `origin` may read the answer with all its headers.
fn assert_readable(response: &Response, origin: &str, what: &str) {
    let headers = response.headers();
    let allowed = headers.get_all("access-control-allow-origin").iter();
    assert_eq!(allowed.collect::<Vec<_>>(), [origin], "{what}");
    let expected = [
        "access-control-allow-origin",
        "access-control-expose-headers",
    ];
    let mut found = opened(headers);
    found.sort_unstable();
    assert_eq!(found, expected, "{what}");
    assert!(varies_by_origin(headers), "{what}: {headers:?}");
    let exposed = headers["access-control-expose-headers"].to_str().unwrap();
    for name in headers.keys().map(HeaderName::as_str) {
        let of_message = !name.starts_with("access-control-")
            && !["vary", "connection", "content-length"].contains(&name);
        let known = exposed.split(", ").any(|it| it == name);
        assert!(known || !of_message, "{what}: {name} is not in {exposed}");
    }
}

#[tokio::test]
async fn a_named_page_publishes_and_reads_the_answers() {
    let api = start(builder()).await;
    for origin in [PAGE, APP] {
        let request = api.by_page(origin, Method::POST, "/v1/publish");
        let message = json!({"queue": "q", "message": 1, "delay_seconds": 60});
        let response = request.json(&message).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_readable(&response, origin, "/v1/publish");

        let destination = "https://app.example//a/b?c=%2F";
        let path = format!("/v2/publish/{destination}");
        let request = api.by_page(origin, Method::POST, &path);
        let response = request.header(LATER.0, LATER.1).send().await.unwrap();
        assert_eq!(response.status(), 201);
        assert_readable(&response, origin, &path);
        let sent: Value = response.json().await.unwrap();

        let path = format!("/V2/Messages/{}", sent["messageId"].as_str().unwrap());
        let request = api.by_page(origin, Method::GET, &path);
        // Only `OPTIONS` is a preflight.
        let request = request.header("access-control-request-method", "GET");
        let response = request.send().await.unwrap();
        assert_readable(&response, origin, &path);
        let message: Value = response.json().await.unwrap();
        assert_eq!(message["url"], destination);
    }
}

#[tokio::test]
async fn a_preflight_of_a_named_page_needs_no_token() {
    let api = start(builder().token_secret("a token secret for tests")).await;
    let asked = "authorization,content-type,upstash-forward-order,x-anything";
    for path in OPEN {
        let more = [("origin", APP), ("access-control-request-headers", asked)];
        let response = api.preflight(path, &more).await;
        assert_eq!(response.status(), 204, "{path}");
        let headers = response.headers();
        for (name, expected) in [
            ("allow-origin", APP),
            ("allow-methods", "GET, HEAD, POST, PATCH, DELETE"),
            ("allow-headers", asked),
            ("max-age", "600"),
        ] {
            assert_eq!(
                headers[&format!("access-control-{name}")],
                expected,
                "{path}"
            );
        }
        assert_eq!(opened(headers).len(), 4, "{path}: {headers:?}");
        assert_eq!(
            headers["vary"],
            "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
        );
        assert_eq!(response.text().await.unwrap(), "", "{path}");
    }
}

#[tokio::test]
async fn a_preflight_allows_names_of_headers_only_and_the_private_network_where_it_is_asked_for() {
    let api = start(builder()).await;
    let long = format!("a{}", ",b".repeat(10_000));
    for (asked, value, allowed) in [
        (
            "access-control-request-headers",
            "Upstash-Cron",
            Some("allow-headers"),
        ),
        ("access-control-request-headers", "", None),
        ("access-control-request-headers", "a b", None),
        ("access-control-request-headers", "a,,b", None),
        ("access-control-request-headers", &*long, None),
        (
            "access-control-request-private-network",
            "true",
            Some("allow-private-network"),
        ),
        ("access-control-request-private-network", "false", None),
    ] {
        let more = [("origin", PAGE), (asked, value)];
        let response = api.preflight("/v2/queues", &more).await;
        assert_eq!(response.status(), 204);
        let mut found = opened(response.headers());
        found.retain(|name| {
            !["allow-origin", "allow-methods", "max-age"]
                .contains(&name.trim_start_matches("access-control-"))
        });
        let expected = allowed.map(|name| format!("access-control-{name}"));
        assert_eq!(found, expected.as_slice(), "{asked}: {value:.20}");
        if let Some(name) = found.first() {
            assert_eq!(response.headers()[*name], value);
        }
    }
}

#[tokio::test]
async fn a_page_reads_refusals_too() {
    let api = start(builder()).await;
    let large = vec![b' '; (64 << 10) + 1];
    let json = ("content-type", "application/json");
    for (method, path, header, body, status) in [
        (
            Method::GET,
            "/v1/queues",
            ("authorization", "Bearer no"),
            &b""[..],
            401,
        ),
        (
            Method::GET,
            "/v2/queues",
            ("authorization", "Bearer no"),
            b"",
            401,
        ),
        (Method::GET, "/v1/nothing", LATER, b"", 404),
        (Method::GET, "/v2/nothing", LATER, b"", 404),
        (Method::PUT, "/v1/queues", LATER, b"", 405),
        (Method::PUT, "/v2/queues", LATER, b"", 405),
        (Method::OPTIONS, "/v1/queues", LATER, b"", 405),
        (Method::OPTIONS, "/v2/queues", LATER, b"", 405),
        (Method::POST, "/v1/queues", json, &large, 413),
        (
            Method::POST,
            "/v1/publish",
            ("content-type", "text/plain"),
            b"1",
            415,
        ),
        (Method::POST, "/v1/publish", json, b"{", 400),
        (Method::POST, "/v2/publish/nowhere/x", LATER, b"", 400),
        (Method::POST, "/llm/v1/chat/completions", LATER, b"", 501),
    ] {
        let what = format!("{method} {path}");
        let request = api.bare(method, path).header("origin", PAGE);
        let request = match header.0 {
            "authorization" => request,
            _ => request.bearer_auth(api.server.token()),
        };
        let request = request.header(header.0, header.1).body(body.to_owned());
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{what}");
        assert_readable(&response, PAGE, &what);
    }
}

#[tokio::test]
async fn a_page_reads_the_answers_of_faults_and_its_preflight_meets_none() {
    let api = start(builder()).await;
    let fault = Fault::api_status(429)
        .header("Burst-RateLimit-Reset", "1")
        .header("Vary", "Accept")
        .header("Access-Control-Allow-Origin", "https://other.example");
    let fault = api.server.inject(fault);
    let mut hits = 0;
    for path in ["/v1/queues", "/v2/queues"] {
        assert_eq!(api.preflight(path, &[("origin", PAGE)]).await.status(), 204);
        assert_eq!(fault.hits(), hits, "{path}");
        let request = api.by_page(PAGE, Method::GET, path);
        let response = request.send().await.unwrap();
        hits += 1;
        assert_eq!((response.status().as_u16(), fault.hits()), (429, hits));
        assert_readable(&response, PAGE, path);
        let vary: Vec<_> = response.headers().get_all("vary").iter().collect();
        assert_eq!(vary, ["Accept", "Origin"], "{path}");
    }
}

#[test]
fn an_origin_that_no_page_has_is_refused_with_what_to_write() {
    for (text, sentence) in [
        (
            "*",
            "whoever calls the API needs a token, so name each page",
        ),
        ("null", "serve the page over HTTP and name its origin"),
        ("localhost:3000", "such as http://localhost:3000"),
        (
            "http://localhost:3000/",
            "leave out the path (a single `/`, too)",
        ),
        (
            "http://user@localhost",
            "leave out what stands before the `@`",
        ),
        ("http://localhost:port", "PORT must be a number"),
        ("http://127.1", "as `location.origin` shows it"),
    ] {
        let told = text.parse::<Origin>().unwrap_err().to_string();
        assert!(told.contains(sentence), "{text}: {told}");
    }
    assert_eq!(Origin::new("*"), Err(OriginError::Wildcard));
}
