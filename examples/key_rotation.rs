//! Signing secrets are rotated under load, each time in the middle of a delivery, and a consumer that asks
//! for the secrets when a signature does not fit refuses nothing.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::routing::post;
use qstash_client::Client;
use qstash_examples::{Failure, ensure, serve};
use qstash_mock_server::MockServer;
use qstash_mock_server::engine::Timestamp;
use qstash_mock_server::testing::Fault;
use qstash_verify::Verifier;

/// A consumer that knows where to ask for secrets.
#[derive(Clone)]
struct Consumer {
    client: Client,
    verifier: Arc<RwLock<Verifier>>,
}

impl Consumer {
    fn trusts(&self, parts: &Parts, body: &[u8]) -> bool {
        let verifier = self.verifier.read().unwrap_or_else(PoisonError::into_inner);
        verifier.verify(parts, body, verifier.now()).is_ok()
    }

    /// Accepts the current secret and the one before it.
    async fn renew(&self) -> Result<(), Failure> {
        let secrets = self.client.v1().signing_secret().send().await?;
        let mut both = Verifier::builder().secret(secrets.current.expose());
        if let Some(previous) = &secrets.previous {
            both = both.secret(previous.expose());
        }
        let renewed = both.build()?;
        *self
            .verifier
            .write()
            .unwrap_or_else(PoisonError::into_inner) = renewed;
        Ok(())
    }
}

async fn consume(State(consumer): State<Consumer>, parts: Parts, body: Bytes) -> StatusCode {
    if consumer.trusts(&parts, &body) {
        return StatusCode::OK;
    }
    // Perhaps a rotation that it has not heard of.
    let renewed = consumer.renew().await;
    if renewed.is_ok() && consumer.trusts(&parts, &body) {
        StatusCode::OK
    } else {
        StatusCode::UNAUTHORIZED
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    run().await
}

async fn run() -> Result<(), Failure> {
    let start = Timestamp::from_millis(1_800_000_000_000);
    let server = MockServer::builder().manual_clock(start).start().await?;
    let client = Client::builder()
        .base_url(server.uri())
        .token(server.token())
        .build()?;
    let first = Verifier::builder()
        .secret(server.signing_secret())
        .build()?;
    let consumer = Consumer {
        client: client.clone(),
        verifier: Arc::new(RwLock::new(first)),
    };
    let app = Router::new().route("/", post(consume)).with_state(consumer);
    let webhook = format!("{}/", serve(app).await?);
    let queues = client.v1().queues();
    queues.create("orders").webhook_url(webhook).send().await?;

    // Every hundredth delivery is signed just before a rotation and sent just after it.
    let in_flight = server.inject(Fault::rotate_key().script((1..=1_000).map(|n| n % 100 == 0)));
    for number in 0..1_000 {
        client.v1().publish("orders", &number).send().await?;
    }
    server.advance(Duration::from_secs(3600)).await?;

    let deliveries = server.deliveries().of("orders").all();
    let refused = deliveries
        .iter()
        .filter(|it| it.status() == Some(401))
        .count();
    println!(
        "{} deliveries, {} rotations, {refused} refused",
        deliveries.len(),
        in_flight.hits()
    );
    ensure(
        in_flight.hits() == 10,
        "ten rotations happened in mid-flight",
    )?;
    ensure(refused == 0, "no delivery was refused")?;
    let metrics = client.v1().metrics().send().await?;
    ensure(
        metrics.queues["orders"].delivered == 1_000,
        "all were delivered",
    )
}

#[tokio::test]
async fn no_delivery_is_refused_while_keys_are_rotated() {
    run().await.unwrap();
}
