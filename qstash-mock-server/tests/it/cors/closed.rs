//! What stays closed: to other pages everything, and test control, metrics and health to all of them.

use qstash_mock_server::MockServer;
use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{OPEN, PAGE, builder, opened, start, varies_by_origin};
use crate::support::Api;

const ADMIN: &str = "an admin token";

impl Api {
    /// Sends a path that client libraries would change, with every header that may open something; the answer as text.
    async fn raw(&self, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(self.server.address()).await.unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nOrigin: {PAGE}\r\n\
             Access-Control-Request-Method: GET\r\nAuthorization: Bearer {ADMIN}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

#[tokio::test]
async fn other_pages_are_answered_as_before_and_may_read_nothing() {
    let open = start(builder()).await;
    let shut = start(MockServer::builder()).await;
    for origin in [
        &["https://other.example"][..],
        &["http://localhost:3001"],
        &["https://localhost:3000"],
        &["http://localhost"],
        &["http://localhost:3000.other.example"],
        &["http://localhost:3000/"],
        &["http://LOCALHOST:3000"],
        &["null"],
        &["*"],
        &[""],
        &[],
        &[PAGE, PAGE],
        &[PAGE, "https://other.example"],
    ] {
        let sent: Vec<_> = origin.iter().map(|it| ("origin", *it)).collect();
        for path in OPEN {
            let what = format!("{path} from {origin:?}");
            let now = open.preflight(path, &sent).await;
            let before = shut.preflight(path, &sent).await;
            assert_eq!(now.status(), before.status(), "{what}");
            assert!(now.status().is_client_error(), "{what}");
            assert_eq!(opened(now.headers()), [""; 0], "{what}");
            assert!(varies_by_origin(now.headers()), "{what}");
            assert_eq!(now.text().await.unwrap(), before.text().await.unwrap());
        }
        let request = open.request(Method::GET, "/v1/queues");
        let request = sent
            .iter()
            .fold(request, |it, (name, value)| it.header(*name, *value));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(opened(response.headers()), [""; 0], "{origin:?}");
        assert!(varies_by_origin(response.headers()), "{origin:?}");
    }
}

#[tokio::test]
async fn no_page_reads_test_control_metrics_or_health_however_they_are_spelled() {
    let api = start(builder().admin_token(ADMIN)).await;
    for (path, status) in [
        ("/_admin/clock", "200"),
        ("http://v1/_admin/clock", "200"),
        ("/_admin/clock?/v1/", "200"),
        ("/metrics", "200"),
        ("/health", "200"),
        ("/v1/../_admin/clock", "404"),
        ("/v1/%2e%2E/_admin/clock", "404"),
        ("/v1/queues/../../metrics", "404"),
        ("/v2/../_admin/clock", "401"),
        ("/v2/publish/.%2e/../_admin/clock", "401"),
        ("//_admin/clock", "404"),
        ("//v1/queues", "404"),
        ("/_ADMIN/clock", "404"),
        ("/V1/queues", "404"),
        ("/v1%2fqueues", "404"),
        ("/v3/queues", "404"),
        ("/", "404"),
    ] {
        let answer = api.raw("GET", path).await;
        assert_eq!(answer.split(' ').nth(1), Some(status), "{path}: {answer}");
        for answer in [answer, api.raw("OPTIONS", path).await] {
            let answer = answer.to_ascii_lowercase();
            assert!(!answer.starts_with("http/1.1 204"), "{path}: {answer}");
            assert!(!answer.contains("\r\naccess-control-"), "{path}: {answer}");
            assert!(!answer.contains("\r\nvary"), "{path}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_named_page_is_refused_by_test_control_without_a_token() {
    let api = start(builder()).await;
    let request = api
        .bare(Method::GET, "/_admin/clock")
        .header("origin", PAGE);
    assert_eq!(request.send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn metrics_at_an_address_of_their_own_are_no_pages_business() {
    let elsewhere = builder().metrics_address(([127, 0, 0, 1], 0).into());
    let server = elsewhere.start().await.unwrap();
    let metrics = server.metrics_url().unwrap();
    for url in [metrics.clone(), metrics.replace("/metrics", "/v1/metrics")] {
        for method in [Method::GET, Method::OPTIONS] {
            let request = reqwest::Client::new().request(method, &url);
            let request = request.header("access-control-request-method", "GET");
            let response = request.header("origin", PAGE).send().await.unwrap();
            assert_eq!(opened(response.headers()), [""; 0], "{url}");
            assert!(!varies_by_origin(response.headers()), "{url}");
        }
    }
}

#[tokio::test]
async fn without_a_named_origin_nothing_is_said_to_browsers() {
    let api = start(MockServer::builder()).await;
    for path in OPEN {
        let request = api.by_page(PAGE, Method::GET, path);
        for response in [
            request.send().await.unwrap(),
            api.preflight(path, &[("origin", PAGE)]).await,
        ] {
            assert_ne!(response.status(), 204, "{path}");
            assert_eq!(opened(response.headers()), [""; 0], "{path}");
            assert!(!varies_by_origin(response.headers()), "{path}");
        }
    }
}
