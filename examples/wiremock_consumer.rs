//! A consumer made of `wiremock`, for tests that have its matchers already: the server calls whatever listens.
//! wiremock runs on a thread of its own, which does not mind a manual clock; only tokio's paused clock would
//! not wait for it.

use std::time::Duration;

use qstash_client::Client;
use qstash_examples::{Failure, ensure};
use qstash_mock_server::MockServer;
use qstash_mock_server::engine::Timestamp;
use qstash_verify::Verifier;
use serde_json::json;
use wiremock::matchers::{body_json, header, header_exists, method, path};
use wiremock::{Mock, ResponseTemplate};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::main]
async fn main() -> Result<(), Failure> {
    run().await
}

async fn run() -> Result<(), Failure> {
    let start = Timestamp::from_millis(1_800_000_000_000);
    let server = MockServer::builder().manual_clock(start).start().await?;
    let consumer = wiremock::MockServer::start().await;
    let order = json!({"order_id": 42});
    // Down twice, then up: wiremock judges its own expectations when it is dropped.
    let call = || {
        Mock::given(method("POST"))
            .and(path("/hooks/orders"))
            .and(header("qstash-queue", "orders"))
            .and(header_exists("qstash-signature"))
            .and(body_json(&order))
    };
    call()
        .respond_with(ResponseTemplate::new(503).insert_header("Retry-After", "1800"))
        .up_to_n_times(2)
        .expect(2)
        .mount(&consumer)
        .await;
    call()
        .respond_with(ResponseTemplate::new(200))
        .expect(1)
        .mount(&consumer)
        .await;

    let client = Client::builder()
        .base_url(server.uri())
        .token(server.token())
        .build()?;
    let queues = client.v1().queues();
    let webhook = format!("{}/hooks/orders", consumer.uri());
    queues.create("orders").webhook_url(webhook).send().await?;
    server
        .expect()
        .message_to("orders")
        .delivered()
        .times(1)
        .within(HOUR);
    client.v1().publish("orders", &order).send().await?;

    let report = server.advance(HOUR).await?;

    ensure(report.unanswered == 0, "wiremock answered each time")?;
    server.verify().await;
    let deliveries = server.deliveries().of("orders").all();
    for delivery in &deliveries {
        let minutes = delivery.started_at().since(start).as_secs() / 60;
        let status = delivery.status().unwrap_or_default();
        println!(
            "attempt {} after {minutes} min: {status}",
            delivery.attempt()
        );
    }
    // What wiremock recorded is what the server signed.
    let verifier = Verifier::builder()
        .secret(server.signing_secret())
        .clock(server.clock())
        .build()?;
    let requests = consumer.received_requests().await.unwrap_or_default();
    ensure(requests.len() == 3, "three attempts")?;
    for request in requests {
        let call = axum::http::Request::post(request.url.path());
        let (mut parts, ()) = call.body(())?.into_parts();
        parts.headers = request.headers;
        verifier.verify(&parts, &request.body, verifier.now())?;
    }
    Ok(())
}

#[tokio::test]
async fn wiremock_consumes() {
    run().await.unwrap();
}
