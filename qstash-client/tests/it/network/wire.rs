//! Over a real connection, through reqwest.

use std::time::Duration;

use qstash_client::{Client, ErrorKind, RetryPolicy};
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn client(uri: &str) -> Client {
    let builder = Client::builder().base_url(uri).token("t0ken");
    builder
        .retry(RetryPolicy {
            base: Duration::ZERO,
            ..RetryPolicy::default()
        })
        .build()
        .expect("valid")
}

#[tokio::test]
async fn a_publish_arrives_as_written() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/publish"))
        .and(header("authorization", "Bearer t0ken"))
        .and(body_json(
            serde_json::json!({"queue": "q", "message": "hi", "idempotency_key": "k"}),
        ))
        .respond_with(ResponseTemplate::new(200).set_body_raw(
            r#"{"message_id":"m","deduplicated":true}"#,
            "application/json",
        ))
        .expect(1)
        .mount(&server)
        .await;
    let client = client(&server.uri());
    let published = client
        .v1()
        .publish("q", "hi")
        .idempotency_key("k")
        .send()
        .await;
    assert!(published.expect("arrives").deduplicated);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let server = MockServer::start().await;
    let away = ResponseTemplate::new(307).insert_header("location", "http://elsewhere.test/");
    Mock::given(path("/v1/metrics"))
        .respond_with(away)
        .expect(1)
        .mount(&server)
        .await;
    let error = client(&server.uri())
        .v1()
        .metrics()
        .send()
        .await
        .expect_err("a redirect");
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert_eq!(error.status().map(|s| s.as_u16()), Some(307));
}

#[tokio::test]
async fn a_closed_port_is_a_connect_error() {
    // A port that was free a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    let uri = format!("http://{}", listener.local_addr().expect("bound"));
    drop(listener);
    let error = client(&uri)
        .v1()
        .publish("q", &1)
        .without_idempotency_key()
        .send()
        .await;
    let error = error.expect_err("nobody listens");
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert_eq!(error.retries(), 4, "repeating is safe: it never left");
    let text = error.to_string();
    let place = uri.trim_start_matches("http://");
    assert!(
        text.contains(&format!("no connection to {place} could be made: ")),
        "{text}"
    );
    assert!(text.contains("refused"), "{text}");
    assert_eq!(text.matches(place).count(), 1, "{text}");
}

#[cfg(feature = "rustls-aws-lc")]
#[test]
fn clients_that_the_program_makes_with_reqwest_itself_still_have_a_provider() {
    // Without one, reqwest panics here.
    reqwest::Client::builder().build().expect("valid");
}
