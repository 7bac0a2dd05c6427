//! One story on every kind of runtime and clock.

use std::time::Duration;

use qstash_client::v1::{Backoff, MessageState};
use qstash_mock_server::MockServer;

use crate::support::{Consumer, DAY, HOUR, SECOND, START, World, pass};

const LADDER: [Duration; 3] = [SECOND, HOUR, DAY];

/// Publishes a message that fails up the whole ladder; `wait` lets that much time pass.
async fn climb(world: &World, wait: impl AsyncFn(Duration)) {
    let consumer = Consumer::answering(
        world,
        async |call| if call.attempt() < 4 { 503 } else { 200 },
    )
    .await;
    let backoff = Backoff::List {
        waits: LADDER.to_vec(),
    };
    world
        .pushed("ladder", &consumer)
        .retry_backoff(backoff)
        .send()
        .await
        .unwrap();
    let id = world.publish("ladder", "1").await;
    for (rung, calls) in LADDER.into_iter().zip(1..) {
        consumer.until(calls).await;
        wait(rung).await;
    }
    consumer.until(4).await;
    wait(Duration::ZERO).await;
    let message = world.message(&id).await;
    assert_eq!(message.state, MessageState::Delivered);
    let times: Vec<_> = message
        .attempts
        .iter()
        .map(|it| it.started_at.unwrap().as_millis())
        .collect();
    for (rung, pair) in LADDER.into_iter().zip(times.windows(2)) {
        let between = Duration::from_millis(u64::try_from(pair[1] - pair[0]).unwrap());
        assert!(
            between >= rung && between < rung + 5 * SECOND,
            "{between:?} for {rung:?}"
        );
    }
}

async fn climb_by_hand() {
    let world = World::with(MockServer::builder().manual_clock(START)).await;
    climb(&world, async |wait| world.advance(wait).await).await;
}

#[tokio::test]
async fn a_manual_clock_on_one_thread() {
    climb_by_hand().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_manual_clock_on_many_threads() {
    climb_by_hand().await;
}

#[tokio::test(start_paused = true)]
async fn a_manual_clock_while_tokios_is_paused() {
    climb_by_hand().await;
}

/// The server's clock is tokio's, and tokio's is skipping: sleeping and reading agree.
#[tokio::test(start_paused = true)]
async fn the_machines_clock_while_tokios_is_paused() {
    let world = World::start().await;
    climb(&world, pass).await;
}

/// Tokio skips to the next timer as soon as nobody has anything to do. A server on the caller's runtime has,
/// while a request is under way, so that no timeout of the client fires falsely; nor does a retry that is
/// pending make time jump under a request.
#[tokio::test(start_paused = true)]
async fn a_paused_clock_makes_no_call_time_out() {
    let world = World::start().await;
    let consumer = Consumer::answering(&world, async |_| 500).await;
    let backoff = Backoff::Fixed { wait: HOUR };
    world
        .pushed("retried", &consumer)
        .retry_backoff(backoff)
        .max_retries(100)
        .send()
        .await
        .unwrap();
    world.publish("retried", "1").await;
    consumer.until(1).await;
    let began = tokio::time::Instant::now();
    for number in 0..300 {
        let published = world.client.v1().publish("orders", &number).send().await;
        published.unwrap_or_else(|error| panic!("call {number}: {error:?}"));
        let lease = world
            .client
            .v1()
            .receive::<u32>("orders")
            .send()
            .await
            .unwrap()
            .pop();
        lease.unwrap().ack().await.unwrap();
    }
    // Were time to jump to the pending retry under each request, this would be 900 hours.
    assert!(began.elapsed() < 2 * HOUR, "{:?}", began.elapsed());
    let metrics = world.metrics("orders").await;
    assert_eq!((metrics.delivered, metrics.pending), (300, 0));
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_on_a_paused_clock_ends_after_its_wait() {
    let world = World::start().await;
    world
        .client
        .v1()
        .queues()
        .create("orders")
        .send()
        .await
        .unwrap();
    let began = tokio::time::Instant::now();
    let receive = world.client.v1().receive::<u32>("orders").wait(20 * SECOND);
    assert_eq!(receive.send().await.unwrap().len(), 0);
    let waited = began.elapsed();
    assert!((20 * SECOND..21 * SECOND).contains(&waited), "{waited:?}");
}
