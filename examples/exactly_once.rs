//! A consumer whose effect happens exactly once, although one delivery in five comes twice and one answer
//! in five is lost: it remembers the business id together with the effect.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use qstash_client::Client;
use qstash_examples::{Failure, ensure, serve};
use qstash_mock_server::MockServer;
use qstash_mock_server::engine::Timestamp;
use qstash_mock_server::testing::Fault;
use qstash_verify::Verifier;
use qstash_verify::axum::Verified;
use serde::{Deserialize, Serialize};

const ORDERS: u32 = 1_000;

#[derive(Serialize, Deserialize)]
struct Order {
    order_id: u32,
    cents: u64,
}

/// What would be a table with a unique key, and the effect in the same transaction.
#[derive(Default)]
struct Ledger {
    booked: HashMap<u32, u64>,
    calls: u32,
    /// Deliveries of what was booked before.
    again: u32,
}

#[derive(Clone)]
struct Consumer {
    verifier: Verifier,
    ledger: Arc<Mutex<Ledger>>,
}

impl FromRef<Consumer> for Verifier {
    fn from_ref(consumer: &Consumer) -> Self {
        consumer.verifier.clone()
    }
}

async fn book(
    State(consumer): State<Consumer>,
    Verified(Json(order)): Verified<Json<Order>>,
) -> StatusCode {
    let mut ledger = consumer.ledger.lock().expect("no handler panics");
    ledger.calls += 1;
    let Ledger { booked, again, .. } = &mut *ledger;
    match booked.entry(order.order_id) {
        Entry::Occupied(_) => *again += 1,
        Entry::Vacant(free) => {
            free.insert(order.cents);
        }
    }
    StatusCode::OK
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    run().await
}

async fn run() -> Result<(), Failure> {
    let start = Timestamp::from_millis(1_800_000_000_000);
    let server = MockServer::builder()
        .manual_clock(start)
        .seed(2026)
        .start()
        .await?;
    let ledger = Arc::<Mutex<Ledger>>::default();
    let app = Router::new()
        .route("/orders", post(book))
        .with_state(Consumer {
            verifier: Verifier::builder()
                .secret(server.signing_secret())
                .build()?,
            ledger: Arc::clone(&ledger),
        });
    let webhook = format!("{}/orders", serve(app).await?);
    let client = Client::builder()
        .base_url(server.uri())
        .token(server.token())
        .build()?;
    let queues = client.v1().queues();
    let queue = queues.create("orders").webhook_url(webhook);
    queue.max_retries(20).send().await?;

    let twice = server.inject(Fault::duplicate().queue("orders").probability(0.2));
    let lost = server.inject(Fault::lose_answer().queue("orders").probability(0.2));
    for order_id in 0..ORDERS {
        let order = Order {
            order_id,
            cents: 100 + u64::from(order_id),
        };
        client.v1().publish("orders", &order).send().await?;
    }
    server.advance(Duration::from_secs(24 * 3600)).await?;

    let metrics = client.v1().metrics().send().await?;
    ensure(
        metrics.queues["orders"].pending == 0,
        "nothing is left behind",
    )?;
    let ledger = ledger.lock().expect("no handler panics");
    println!("{} calls for {ORDERS} orders", ledger.calls);
    println!(
        "{} came twice, {} answers were lost",
        twice.hits(),
        lost.hits()
    );
    ensure(twice.hits() > 100 && lost.hits() > 100, "the faults struck")?;
    ensure(
        ledger.again > 0 && ledger.calls == ORDERS + ledger.again,
        "what came again was noticed",
    )?;
    let booked: u64 = ledger.booked.values().sum();
    let expected: u64 = (0..u64::from(ORDERS)).map(|id| 100 + id).sum();
    ensure(
        ledger.booked.len() == ORDERS as usize && booked == expected,
        "every order is booked exactly once",
    )
}

#[tokio::test]
async fn every_order_is_booked_exactly_once() {
    run().await.unwrap();
}
