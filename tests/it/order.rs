//! Order and parallelism of a queue that pushes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{Consumer, Door, HOUR, SECOND, World, fixed};

#[tokio::test]
async fn with_one_call_at_a_time_nobody_overtakes_a_message_that_is_retried() {
    let world = World::manual().await;
    let consumer = Consumer::answering(&world, async |call| match (call.text(), call.attempt()) {
        ("1", 1 | 2) => 500,
        ("3", 1) => 202,
        _ => 200,
    })
    .await;
    let queue = world
        .pushed("orders", &consumer)
        .parallelism(1)
        .retry_backoff(fixed(10 * SECOND));
    queue.send().await.unwrap();
    for number in 0..5 {
        world.publish("orders", &number.to_string()).await;
    }
    world.advance(HOUR).await;
    assert_eq!(consumer.bodies(), ["0", "1", "1", "1", "2", "3", "3", "4"]);
}

#[tokio::test]
async fn with_more_calls_at_a_time_a_failing_message_blocks_nobody() {
    let world = World::manual().await;
    let consumer = Consumer::answering(&world, async |call| match call.text() {
        "0" | "1" => 500,
        _ => 200,
    })
    .await;
    let queue = world
        .pushed("orders", &consumer)
        .parallelism(2)
        .retry_backoff(fixed(HOUR));
    queue.send().await.unwrap();
    for number in 0..10 {
        world.publish("orders", &number.to_string()).await;
    }
    world.settle().await;
    let metrics = world.metrics("orders").await;
    assert_eq!((metrics.delivered, metrics.pending), (8, 2));
}

#[tokio::test]
async fn no_more_calls_are_in_flight_than_the_queue_allows() {
    let world = World::start().await;
    let door = Door::closed();
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (handler, peak) = (door.clone(), Arc::clone(&most));
    let consumer = Consumer::answering(&world, move |_| {
        let (door, running, peak) = (handler.clone(), Arc::clone(&running), Arc::clone(&peak));
        async move {
            peak.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            door.pass().await;
            running.fetch_sub(1, Ordering::SeqCst);
            200
        }
    })
    .await;
    world
        .pushed("orders", &consumer)
        .parallelism(3)
        .send()
        .await
        .unwrap();
    for number in 0..12 {
        world.publish("orders", &number.to_string()).await;
    }
    for called in 3..=12 {
        consumer.until(called).await;
        world.let_things_happen().await;
        assert_eq!(consumer.count(), called);
        door.admit(1);
    }
    assert_eq!(most.load(Ordering::SeqCst), 3);
    door.admit(12);
}
