//! Publishing: keys, delays, batches, and the metrics that add up.

use std::collections::BTreeSet;
use std::time::Duration;

use qstash_client::v1::{MessageState, NewMessage};

use crate::support::{Consumer, DAY, HOUR, MINUTE, SECOND, World, fixed};

#[tokio::test]
async fn one_key_is_one_message_until_its_window_is_over() {
    let world = World::manual().await;
    let consumer = Consumer::of(&world).await;
    world.pushed("orders", &consumer).send().await.unwrap();
    let publish = async |text: &str, queue: &str| {
        let publish = world
            .client
            .v1()
            .publish(queue, text)
            .idempotency_key("order-42");
        publish.send().await.unwrap()
    };
    let first = publish("first", "orders").await;
    world.advance(10 * MINUTE - Duration::from_millis(1)).await;
    let second = publish("another content", "orders").await;
    assert_eq!(
        (&first.message_id, second.deduplicated),
        (&second.message_id, true)
    );
    assert!(
        !publish("first", "payments").await.deduplicated,
        "a key belongs to its queue"
    );
    world.advance(Duration::from_millis(1)).await;
    let third = publish("third", "orders").await;
    assert!(!third.deduplicated && third.message_id != first.message_id);
    world.settle().await;
    assert_eq!(consumer.bodies(), ["\"first\"", "\"third\""]);
    let metrics = world.metrics("orders").await;
    assert_eq!(
        (metrics.published, metrics.deduplicated, metrics.delivered),
        (2, 1, 2)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_with_one_key_make_one_message() {
    let world = World::start().await;
    let tasks: Vec<_> = (0..32)
        .map(|number| {
            let client = world.client.clone();
            tokio::spawn(async move {
                let publish = client
                    .v1()
                    .publish("orders", &number)
                    .idempotency_key("once");
                publish.send().await.unwrap()
            })
        })
        .collect();
    let (mut ids, mut stored) = (BTreeSet::new(), 0);
    for task in tasks {
        let published = task.await.unwrap();
        stored += usize::from(!published.deduplicated);
        ids.insert(published.message_id.to_string());
    }
    assert_eq!((ids.len(), stored), (1, 1));
    assert_eq!(world.metrics("orders").await.pending, 1);
}

#[tokio::test]
async fn a_delayed_message_comes_to_the_millisecond_and_takes_its_place_then() {
    let world = World::manual().await;
    let delayed = world
        .client
        .v1()
        .publish("orders", "delayed")
        .delay(90 * DAY);
    let id = delayed.send().await.unwrap().message_id;
    world.advance(90 * DAY - Duration::from_millis(1)).await;
    world.publish("orders", "\"at once\"").await;
    assert_eq!(world.state(id.as_str()).await, MessageState::Delayed);
    let metrics = world.metrics("orders").await;
    assert_eq!((metrics.pending, metrics.delayed, metrics.ready), (2, 1, 1));
    world.advance(Duration::from_millis(1)).await;
    let receive = world
        .client
        .v1()
        .receive::<String>("orders")
        .max_messages(10);
    let order: Vec<String> = receive
        .send()
        .await
        .unwrap()
        .iter()
        .map(|it| it.message().clone())
        .collect();
    assert_eq!(order, ["at once", "delayed"]);
}

#[tokio::test]
async fn the_items_of_a_batch_stand_on_their_own() {
    let world = World::manual().await;
    let consumer = Consumer::of(&world).await;
    world.pushed("pushed", &consumer).send().await.unwrap();
    let large = "x".repeat(1 << 20);
    let results = world
        .client
        .v1()
        .publish_batch([
            NewMessage::new("pushed", &1).idempotency_key("one"),
            NewMessage::new("pushed", &large),
            NewMessage::new("pulled", &3).delay(HOUR),
            NewMessage::new("pushed", &4).header("Host", "elsewhere"),
            NewMessage::new("pushed", &5).idempotency_key("one"),
        ])
        .send()
        .await
        .unwrap();
    let refusals: Vec<_> = results
        .iter()
        .map(|it| {
            it.as_ref()
                .err()
                .and_then(|error| Some((error.code.as_deref()?, error.field.as_deref()?)))
        })
        .collect();
    let expected = [
        None,
        Some(("message_too_large", "messages[1].message")),
        None,
        Some(("invalid_field", "messages[3].headers.Host")),
        None,
    ];
    assert_eq!(refusals, expected);
    let (first, last) = (results[0].as_ref().unwrap(), results[4].as_ref().unwrap());
    assert_eq!(
        (&first.message_id, last.deduplicated),
        (&last.message_id, true)
    );
    world.advance(HOUR).await;
    assert_eq!(consumer.bodies(), ["1"]);
    assert_eq!(world.metrics("pulled").await.ready, 1);
}

#[tokio::test]
async fn a_thousand_in_one_batch_are_delivered_and_one_more_is_refused() {
    let world = World::manual().await;
    let consumer = Consumer::of(&world).await;
    world
        .pushed("orders", &consumer)
        .parallelism(1000)
        .send()
        .await
        .unwrap();
    let batch = |count: u32| (0..count).map(|number| NewMessage::new("orders", &number));
    let results = world
        .client
        .v1()
        .publish_batch(batch(1000))
        .send()
        .await
        .unwrap();
    assert!(results.iter().all(Result::is_ok));
    world.settle().await;
    let mut seen: Vec<u32> = consumer
        .bodies()
        .iter()
        .map(|it| it.parse().unwrap())
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..1000).collect::<Vec<_>>());
    assert!(
        world
            .client
            .v1()
            .publish_batch(batch(1001))
            .send()
            .await
            .is_err()
    );
    assert_eq!(world.metrics("orders").await.published, 1000);
}

#[tokio::test]
async fn the_metrics_tell_the_whole_story() {
    let world = World::manual().await;
    let consumer = Consumer::answering(&world, async |call| match (call.text(), call.attempt()) {
        ("\"fails once\"", 1) | ("\"never\"", _) => 500,
        ("\"later\"", 1) => 202,
        _ => 200,
    })
    .await;
    let queue = world
        .pushed("orders", &consumer)
        .max_retries(1)
        .retry_backoff(fixed(2 * SECOND));
    queue.dead_letter_queue("failures").send().await.unwrap();
    for text in ["fine", "fails once", "never", "later"] {
        world
            .client
            .v1()
            .publish("orders", text)
            .idempotency_key(text)
            .send()
            .await
            .unwrap();
    }
    world
        .client
        .v1()
        .publish("orders", "fine")
        .idempotency_key("fine")
        .send()
        .await
        .unwrap();
    let delayed = world
        .client
        .v1()
        .publish("orders", "called back")
        .delay(DAY);
    let delayed = delayed.send().await.unwrap().message_id;
    world
        .client
        .v1()
        .publish("orders", "tomorrow")
        .delay(DAY)
        .send()
        .await
        .unwrap();
    world
        .client
        .v1()
        .messages()
        .cancel(&delayed)
        .send()
        .await
        .unwrap();
    world.advance(HOUR).await;

    let metrics = world.client.v1().metrics().send().await.unwrap();
    let orders = &metrics.queues["orders"];
    assert_eq!((orders.published, orders.deduplicated), (6, 1));
    assert_eq!(
        (
            orders.pending,
            orders.delayed,
            orders.ready,
            orders.in_flight
        ),
        (1, 1, 0, 0)
    );
    assert_eq!(
        (
            orders.delivered,
            orders.dead_lettered,
            orders.failed,
            orders.cancelled
        ),
        (3, 1, 0, 1)
    );
    assert_eq!(orders.expired_leases, 1, "the 202 that nobody settled");
    assert_eq!(metrics.queues["failures"].pending, 1);
    assert_eq!(metrics.totals.pending, 2);
    assert_eq!(metrics.uptime, HOUR);
    let text = world.client.v1().prometheus().send().await.unwrap();
    for (name, value) in [
        ("qstash_queue_pending", orders.pending),
        ("qstash_queue_published_total", orders.published),
        ("qstash_queue_retried_total", orders.retried),
        ("qstash_queue_dead_lettered_total", orders.dead_lettered),
    ] {
        let line = format!("{name}{{account=\"defaultUser\",queue=\"orders\"}} {value}");
        assert!(text.lines().any(|it| it == line), "{line}\n{text}");
    }
}

#[tokio::test]
async fn a_server_that_holds_enough_refuses_loudly_until_there_is_room() {
    let builder = qstash_mock_server::MockServer::builder().max_held_bytes(4096);
    let world = World::with(builder).await;
    let text = "x".repeat(1000);
    let mut accepted = 0;
    let error = loop {
        match world.client.v1().publish("orders", &text).send().await {
            Ok(_) => accepted += 1,
            Err(error) => break error,
        }
        assert!(accepted < 10, "4 KiB never fill up");
    };
    assert_eq!(
        (error.status().unwrap().as_u16(), error.code()),
        (503, Some("overloaded"))
    );
    assert_eq!(error.retry_after(), Some(SECOND));
    assert_eq!(world.metrics("orders").await.pending, accepted);
    let mut leases = world
        .client
        .v1()
        .receive::<String>("orders")
        .send()
        .await
        .unwrap();
    leases.pop().unwrap().ack().await.unwrap();
    world
        .client
        .v1()
        .publish("orders", &text)
        .send()
        .await
        .unwrap();
}
