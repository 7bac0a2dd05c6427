//! Out of retries: dead letters, and the way back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use axum::http::StatusCode;
use axum::response::IntoResponse;
use qstash_client::v1::MessageState;
use serde_json::{Value, json};

use crate::support::{Consumer, DAY, HOUR, MINUTE, SECOND, World, fixed};

/// A consumer whose answer can be changed.
async fn switchable(world: &World, first: u16) -> (Consumer, Arc<AtomicU16>) {
    let status = Arc::new(AtomicU16::new(first));
    let answer = Arc::clone(&status);
    let consumer = Consumer::answering(world, move |_| {
        let status = StatusCode::from_u16(answer.load(Ordering::SeqCst)).unwrap();
        async move { (status, "out of stock").into_response() }
    })
    .await;
    (consumer, status)
}

#[tokio::test]
async fn a_message_out_of_retries_tells_its_story_and_can_be_sent_back() {
    let world = World::manual().await;
    let (consumer, status) = switchable(&world, 500).await;
    let queue = world
        .pushed("orders", &consumer)
        .max_retries(2)
        .retry_backoff(fixed(SECOND));
    queue.dead_letter_queue("failures").send().await.unwrap();
    let id = world.publish("orders", r#"{"order_id":7}"#).await;
    world.advance(HOUR).await;
    assert_eq!(consumer.count(), 3);
    let (orders, failures) = (
        world.metrics("orders").await,
        world.metrics("failures").await,
    );
    assert_eq!(
        (
            orders.pending,
            orders.dead_lettered,
            orders.retried,
            orders.failed
        ),
        (0, 1, 2, 0)
    );
    assert_eq!((failures.pending, failures.published), (1, 0));

    let mut leases = world
        .client
        .v1()
        .receive::<Value>("failures")
        .send()
        .await
        .unwrap();
    let lease = leases.pop().unwrap();
    assert_eq!((lease.id().as_str(), lease.attempt()), (&*id, 1));
    assert_eq!(*lease.message(), json!({"order_id": 7}));
    let letter = lease.dead_letter().unwrap();
    assert_eq!(letter.source_queue.as_str(), "orders");
    assert_eq!((letter.attempts, letter.last_status), (3, Some(500)));
    assert_eq!(letter.last_response_body.as_deref(), Some("out of stock"));
    let died = letter.time.unwrap().as_millis() - lease.published_at().as_millis();
    assert_eq!(died, 2_000, "at the end of the third attempt");
    lease.release(Default::default()).await.unwrap();

    status.store(200, Ordering::SeqCst);
    let redriven = world
        .client
        .v1()
        .queues()
        .redrive("failures")
        .send()
        .await
        .unwrap();
    assert_eq!(redriven, 1);
    world.settle().await;
    assert_eq!(world.state(&id).await, MessageState::Delivered);
    let attempts: Vec<_> = consumer.calls().iter().map(|call| call.attempt()).collect();
    assert_eq!(
        attempts,
        [1, 2, 3, 1],
        "a message that is sent back starts afresh"
    );
    let orders = world.metrics("orders").await;
    assert_eq!((orders.published, orders.delivered), (1, 1));
}

#[tokio::test]
async fn a_message_without_a_dead_letter_queue_ends_as_failed() {
    let world = World::manual().await;
    let (consumer, _) = switchable(&world, 400).await;
    world
        .pushed("orders", &consumer)
        .max_retries(5)
        .retry_backoff(fixed(SECOND))
        .send()
        .await
        .unwrap();
    let publish = world.client.v1().publish("orders", &1).max_retries(1);
    let id = publish.send().await.unwrap().message_id;
    world.advance(MINUTE).await;
    assert_eq!(world.state(id.as_str()).await, MessageState::Failed);
    assert_eq!(consumer.count(), 2, "the message's own limit counts");
    let metrics = world.metrics("orders").await;
    assert_eq!(
        (metrics.failed, metrics.dead_lettered, metrics.pending),
        (1, 0, 0)
    );
}

#[tokio::test]
async fn a_consumer_that_puts_off_for_ever_ends_as_a_dead_letter() {
    let world = World::manual().await;
    let (consumer, _) = switchable(&world, 202).await;
    let queue = world
        .pushed("orders", &consumer)
        .max_retries(3)
        .dead_letter_queue("failures");
    queue.send().await.unwrap();
    world.publish("orders", "1").await;
    world.advance(DAY).await;
    assert_eq!(consumer.count(), 4);
    let failures = world.metrics("failures").await;
    assert_eq!((failures.pending, failures.ready), (1, 1));
}

#[tokio::test]
async fn a_dead_letter_queue_may_push_an_alert() {
    let world = World::manual().await;
    let (consumer, _) = switchable(&world, 500).await;
    let alert = Consumer::of(&world).await;
    world.pushed("failures", &alert).send().await.unwrap();
    let queue = world
        .pushed("orders", &consumer)
        .max_retries(0)
        .dead_letter_queue("failures");
    queue.send().await.unwrap();
    let id = world.publish("orders", "1").await;
    world.settle().await;
    assert_eq!((consumer.count(), alert.count()), (1, 1));
    let call = alert.calls()[0].clone();
    assert_eq!(
        (call.id(), call.attempt(), call.header("qstash-queue")),
        (&*id, 1, "failures")
    );
    assert_eq!(world.state(&id).await, MessageState::Delivered);
}

#[tokio::test]
async fn looking_at_a_dead_letter_does_not_lose_it() {
    let world = World::manual().await;
    let (consumer, _) = switchable(&world, 500).await;
    let queue = world
        .pushed("orders", &consumer)
        .max_retries(0)
        .dead_letter_queue("failures");
    queue.send().await.unwrap();
    let id = world.publish("orders", "1").await;
    world.settle().await;
    for look in 1..=10 {
        let leases = world
            .client
            .v1()
            .receive::<u32>("failures")
            .send()
            .await
            .unwrap();
        assert_eq!((leases.len(), leases[0].attempt()), (1, look));
        // Half of the lookers give it back, the others just go away.
        match look % 2 {
            0 => leases
                .into_iter()
                .next()
                .unwrap()
                .release(SECOND)
                .await
                .unwrap(),
            _ => drop(leases),
        }
        world.advance(HOUR).await;
    }
    assert_eq!(world.state(&id).await, MessageState::Ready);
}

#[tokio::test]
async fn a_redrive_goes_where_it_is_told_and_no_further() {
    let world = World::manual().await;
    let (consumer, _) = switchable(&world, 500).await;
    let queue = world
        .pushed("orders", &consumer)
        .max_retries(0)
        .dead_letter_queue("failures");
    queue.send().await.unwrap();
    for number in 0..5 {
        world.publish("orders", &number.to_string()).await;
        world.settle().await;
    }
    let redrive = world.client.v1().queues().redrive("failures");
    assert_eq!(
        redrive
            .to("inspection")
            .max_messages(2)
            .send()
            .await
            .unwrap(),
        2
    );
    let receive = world
        .client
        .v1()
        .receive::<u32>("inspection")
        .max_messages(100);
    let seen: Vec<u32> = receive
        .send()
        .await
        .unwrap()
        .iter()
        .map(|it| **it)
        .collect();
    assert_eq!(seen, [0, 1], "the oldest first");
    assert_eq!(world.metrics("failures").await.pending, 3);
    assert_eq!(consumer.count(), 5);
}
