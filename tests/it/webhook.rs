//! From publish to a webhook that verifies: what arrives, and what each answer does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use qstash_client::v1::{MessageState, OnAccepted};
use qstash_verify::Verifier;
use qstash_verify::axum::Verified;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::support::{Consumer, Door, HOUR, MINUTE, SECOND, START, World, code, fixed, serve};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    order_id: u64,
    customer: String,
}

#[derive(Clone)]
struct Shop {
    verifier: Verifier,
    orders: mpsc::UnboundedSender<(HeaderMap, Order)>,
}

impl axum::extract::FromRef<Shop> for Verifier {
    fn from_ref(shop: &Shop) -> Self {
        shop.verifier.clone()
    }
}

async fn take_order(
    State(shop): State<Shop>,
    headers: HeaderMap,
    Verified(Json(order)): Verified<Json<Order>>,
) -> StatusCode {
    shop.orders.send((headers, order)).unwrap();
    StatusCode::CREATED
}

#[tokio::test]
async fn a_typed_message_reaches_a_handler_that_verifies() {
    let world = World::manual().await;
    let (orders, mut taken) = mpsc::unbounded_channel();
    let verifier = Verifier::builder()
        .secret(world.server.signing_secret())
        .build()
        .unwrap();
    let app = Router::new()
        .route("/orders", post(take_order))
        .with_state(Shop { verifier, orders });
    let url = format!("{}/orders", serve(app).await);
    let queues = world.client.v1().queues();
    queues
        .create("order-events")
        .webhook_url(&url)
        .send()
        .await
        .unwrap();

    let order = Order {
        order_id: 42,
        customer: "Zoë".to_owned(),
    };
    let publish = world.client.v1().publish("order-events", &order);
    let id = publish
        .header("X-Trace", "t-1")
        .send()
        .await
        .unwrap()
        .message_id;
    world.settle().await;

    let (headers, seen) = taken.recv().await.unwrap();
    assert_eq!(seen, order);
    for (name, value) in [
        ("content-type", "application/json"),
        ("qstash-message-id", id.as_str()),
        ("qstash-queue", "order-events"),
        ("qstash-attempt", "1"),
        ("qstash-published-at", "2026-11-24T00:00:00.000Z"),
        ("x-trace", "t-1"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    let agent = headers["user-agent"].to_str().unwrap();
    assert!(agent.starts_with("qstash-mock-server/"), "{agent}");
    let message = world.message(id.as_str()).await;
    assert_eq!(message.state, MessageState::Delivered);
    assert_eq!(message.attempts[0].status, Some(201));
    // An unsigned request does not get to the handler, nor does a body that was changed on the way.
    let signature = headers["qstash-signature"].to_str().unwrap();
    for (signature, body, status) in [
        (None, r#"{"order_id":42,"customer":"Zoë"}"#, 401),
        (Some(signature), r#"{"order_id":43,"customer":"Zoë"}"#, 401),
        (Some(signature), r#"{"order_id":42,"customer":"Zoë"}"#, 201),
    ] {
        let mut request = reqwest::Client::new()
            .post(&url)
            .header("Content-Type", "application/json")
            .body(body);
        if let Some(signature) = signature {
            request = request.header("QStash-Signature", signature);
        }
        assert_eq!(
            request.send().await.unwrap().status(),
            status,
            "{signature:?} {body}"
        );
    }
}

#[tokio::test]
async fn the_bytes_of_a_message_arrive_exactly_as_published() {
    let world = World::manual().await;
    let consumer = Consumer::of(&world).await;
    world
        .pushed("exact", &consumer)
        .parallelism(1)
        .send()
        .await
        .unwrap();
    let large = format!("\"{}\"", "x".repeat((1 << 20) - 2));
    let messages = [
        "null",
        "1.0",
        "-0",
        "1e999",
        "123456789012345678901234567890.10",
        r#""\ud800 \u0041 ä 😀""#,
        "{ \"z\":1 ,\t\"a\" : [ ],\n\"a\":2}",
        "\"\"",
        &large,
    ];
    for message in messages {
        world.publish("exact", message).await;
    }
    let batch = messages.map(|message| qstash_client::v1::NewMessage::raw("exact", message));
    for published in world.client.v1().publish_batch(batch).send().await.unwrap() {
        published.unwrap();
    }
    world.settle().await;
    assert_eq!(consumer.bodies(), [messages, messages].concat());
}

#[tokio::test]
async fn a_202_keeps_a_message_pending_until_it_is_acknowledged() {
    let world = World::manual().await;
    let consumer = Consumer::answering(&world, async |_| 202).await;
    world
        .pushed("orders", &consumer)
        .visibility_timeout(30 * SECOND)
        .send()
        .await
        .unwrap();
    let id = world.publish("orders", "1").await;
    world.settle().await;
    assert_eq!(world.state(&id).await, MessageState::Leased);
    let metrics = world.metrics("orders").await;
    assert_eq!(
        (metrics.pending, metrics.in_flight, metrics.delivered),
        (1, 1, 0)
    );
    world.advance(30 * SECOND - Duration::from_millis(1)).await;
    assert_eq!(consumer.count(), 1);
    world.advance(Duration::from_millis(1)).await;
    assert_eq!(consumer.count(), 2);
    let first = consumer.calls()[0].clone();
    let second = consumer.calls()[1].clone();
    assert_eq!((first.attempt(), second.attempt()), (1, 2));
    let messages = world.client.v1().messages();
    assert_eq!(
        code(messages.ack(&id).lease_id(first.lease()).send().await),
        "lease_lost"
    );
    messages
        .extend(&id, HOUR)
        .lease_id(second.lease())
        .send()
        .await
        .unwrap();
    world.advance(HOUR - SECOND).await;
    assert_eq!(consumer.count(), 2, "an extended message stays away");
    messages
        .ack(&id)
        .lease_id(second.lease())
        .send()
        .await
        .unwrap();
    world.advance(5 * MINUTE).await;
    assert_eq!(
        (consumer.count(), world.state(&id).await),
        (2, MessageState::Delivered)
    );
    assert_eq!(world.metrics("orders").await.pending, 0);
}

#[tokio::test]
async fn a_202_is_the_end_where_the_queue_says_so() {
    let world = World::manual().await;
    let consumer = Consumer::answering(&world, async |_| 202).await;
    let queue = world
        .pushed("orders", &consumer)
        .on_accepted(OnAccepted::Done);
    queue.send().await.unwrap();
    let id = world.publish("orders", "1").await;
    world.advance(5 * MINUTE).await;
    assert_eq!(
        (consumer.count(), world.state(&id).await),
        (1, MessageState::Delivered)
    );
}

#[tokio::test]
async fn a_consumer_joins_the_trace_of_its_producer() {
    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let world = World::manual().await;
    let consumer = Consumer::of(&world).await;
    world.pushed("orders", &consumer).send().await.unwrap();
    let traced = qstash_client::Client::builder()
        .base_url(world.server.uri())
        .token(world.server.token())
        .trace_context(|| qstash_client::TraceContext::parse(TRACE).ok())
        .build()
        .unwrap();
    traced.v1().publish("orders", &1).send().await.unwrap();
    let batch = [qstash_client::v1::NewMessage::new("orders", &2)];
    traced.v1().publish_batch(batch).send().await.unwrap();
    world.settle().await;
    assert_eq!(consumer.count(), 2);
    for call in consumer.calls().iter() {
        assert_eq!(call.header("traceparent"), TRACE);
    }
}

#[tokio::test]
async fn retry_after_puts_the_next_attempt_off() {
    for (status, count) in [(503, 1), (429, 1), (500, 2)] {
        let world = World::manual().await;
        let consumer = Consumer::answering(&world, move |call| async move {
            let status = StatusCode::from_u16(if call.attempt() == 1 { status } else { 200 });
            (status.unwrap(), [("Retry-After", "120")]).into_response()
        })
        .await;
        world
            .pushed("orders", &consumer)
            .retry_backoff(fixed(5 * SECOND))
            .send()
            .await
            .unwrap();
        world.publish("orders", "1").await;
        world.advance(120 * SECOND - Duration::from_millis(1)).await;
        assert_eq!(consumer.count(), count, "{status}");
        world.advance(Duration::from_millis(1)).await;
        assert_eq!(consumer.count(), 2, "{status}");
        assert_eq!(world.metrics("orders").await.delivered, 1);
    }
}

#[tokio::test]
async fn what_goes_wrong_is_told_attempt_by_attempt() {
    let world = World::manual().await;
    let status = Arc::new(AtomicU16::new(500));
    let answer = Arc::clone(&status);
    let consumer = Consumer::answering(&world, move |_| {
        let status = answer.load(Ordering::SeqCst);
        async move { status }
    })
    .await;
    world
        .pushed("orders", &consumer)
        .retry_backoff(fixed(MINUTE))
        .send()
        .await
        .unwrap();
    let id = world.publish("orders", "1").await;
    for next in [404, 302, 200] {
        world.settle().await;
        status.store(next, Ordering::SeqCst);
        world.advance(MINUTE).await;
    }
    let message = world.message(&id).await;
    let told: Vec<_> = message
        .attempts
        .iter()
        .map(|it| (it.attempt, it.status))
        .collect();
    let expected = [500, 404, 302, 200].into_iter().zip(1..);
    let expected: Vec<_> = expected
        .map(|(status, it)| (Some(it), Some(status)))
        .collect();
    assert_eq!((told, message.state), (expected, MessageState::Delivered));
    let started: Vec<_> = message
        .attempts
        .iter()
        .map(|it| it.started_at.unwrap().as_millis())
        .collect();
    let start = i64::try_from(START.as_millis()).unwrap();
    assert_eq!(
        started,
        [0, 1, 2, 3].map(|minutes| start + minutes * 60_000)
    );
    assert_eq!(message.attempts[3].error, None);
    assert!(message.attempts[..3].iter().all(|it| it.error.is_some()));
}

#[tokio::test]
async fn extending_while_a_call_is_in_flight_moves_its_timeout() {
    let builder = qstash_mock_server::MockServer::builder().manual_clock(START);
    let world = World::with(builder.real_time_limit(Duration::from_millis(10))).await;
    let door = Door::closed();
    let consumer = Consumer::behind(&world, &door).await;
    world
        .pushed("slow", &consumer)
        .delivery_timeout(10 * SECOND)
        .send()
        .await
        .unwrap();
    let id = world.publish("slow", "1").await;
    consumer.until(1).await;
    let lease = consumer.calls()[0].lease().to_owned();
    let messages = world.client.v1().messages();
    messages
        .extend(&id, MINUTE)
        .lease_id(&lease)
        .send()
        .await
        .unwrap();
    let advanced = world.server.advance(MINUTE - SECOND).await.unwrap();
    assert_eq!(advanced.unanswered, 1);
    assert_eq!(world.state(&id).await, MessageState::InFlight);
    door.admit(1);
    world.settle().await;
    assert_eq!(
        (consumer.count(), world.state(&id).await),
        (1, MessageState::Delivered)
    );
}

#[tokio::test]
async fn a_webhook_may_be_named_after_the_first_publish() {
    let world = World::manual().await;
    let id = world.publish("orders", "1").await;
    world.advance(HOUR).await;
    assert_eq!(world.state(&id).await, MessageState::Ready);
    let consumer = Consumer::of(&world).await;
    world.pushed("orders", &consumer).send().await.unwrap();
    world.settle().await;
    assert_eq!(
        (consumer.count(), world.state(&id).await),
        (1, MessageState::Delivered)
    );
}

#[tokio::test]
async fn a_paused_queue_keeps_what_comes_and_pushes_it_when_resumed() {
    let world = World::manual().await;
    let consumer = Consumer::of(&world).await;
    world
        .pushed("orders", &consumer)
        .paused(true)
        .send()
        .await
        .unwrap();
    let [kept, cancelled] = [
        world.publish("orders", "1").await,
        world.publish("orders", "2").await,
    ];
    world.advance(HOUR).await;
    assert_eq!(consumer.count(), 0);
    let cancel = world.client.v1().messages().cancel(&cancelled);
    assert!(cancel.send().await.unwrap().cancelled);
    world
        .client
        .v1()
        .queues()
        .resume("orders")
        .send()
        .await
        .unwrap();
    world.settle().await;
    assert_eq!(consumer.bodies(), ["1"]);
    assert_eq!(world.state(&kept).await, MessageState::Delivered);
    assert_eq!(world.state(&cancelled).await, MessageState::Cancelled);
}
