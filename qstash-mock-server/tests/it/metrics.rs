//! The metrics, and the signing secret.

use qstash_mock_server::MockServer;
use reqwest::Method;
use serde_json::json;

use crate::support::{Api, assert_refused};

#[tokio::test]
async fn the_metrics_have_the_documented_shape() {
    let api = Api::start().await;
    api.publish("order-events", "1").await;
    api.post(
        "/v1/publish",
        r#"{"queue":"order-events","message":2,"delay_seconds":60}"#,
    )
    .await;
    let metrics = api.get("/v1/metrics").await;
    let queue = &metrics["queues"]["order-events"];
    assert_eq!(queue["pending"], 2);
    assert_eq!((&queue["ready"], &queue["delayed"]), (&json!(1), &json!(1)));
    assert!(queue["oldest_ready_age_seconds"].is_number());
    let latency = json!({"p50": null, "p90": null, "p99": null});
    assert_eq!(queue["delivery_latency_seconds"], latency);
    assert!(metrics["uptime_seconds"].is_number());
    for name in [
        "pending",
        "ready",
        "delayed",
        "in_flight",
        "published",
        "deduplicated",
        "delivered",
        "retried",
        "dead_lettered",
        "failed",
        "cancelled",
        "expired_leases",
    ] {
        assert_eq!(metrics["totals"][name], queue[name], "{name}");
        assert!(queue[name].is_u64(), "{name}");
    }
}

#[tokio::test]
async fn a_scraper_gets_text_with_or_without_a_token() {
    let api = Api::start().await;
    api.publish("q", "1").await;
    let with_token = api
        .request(Method::GET, "/v1/metrics")
        .header("accept", "text/plain");
    for request in [with_token, api.bare(Method::GET, "/metrics")] {
        let response = request.send().await.unwrap();
        let kind = response.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
        let text = response.text().await.unwrap();
        let line = r#"qstash_queue_pending{account="defaultUser",queue="q"} 1"#;
        assert!(text.lines().any(|it| it == line), "{text}");
    }
}

#[tokio::test]
async fn the_open_metrics_can_be_switched_off() {
    let server = MockServer::builder().metrics(false).start().await.unwrap();
    let api = Api::over(server);
    let response = api.bare(Method::GET, "/metrics").send().await.unwrap();
    assert_refused(response, (404, "not_found", None), "/metrics").await;
    assert!(api.get("/v1/metrics").await["totals"].is_object());
}

#[tokio::test]
async fn rotating_keeps_the_secret_before() {
    let api = Api::start().await;
    let first = api.get("/v1/signing-secret").await;
    assert_eq!(
        first,
        json!({"current": api.server.signing_secret(), "previous": null})
    );
    let second = api.post("/v1/signing-secret/rotate", "").await;
    assert_eq!(second["previous"], first["current"]);
    assert_ne!(second["current"], first["current"]);
    assert_eq!(api.get("/v1/signing-secret").await, second);
    let unknown = (400, "unknown_field", Some("to"));
    api.refuses("/v1/signing-secret/rotate", &[(r#"{"to":"x"}"#, unknown)])
        .await;
    assert_eq!(api.get("/v1/signing-secret").await, second);
}
