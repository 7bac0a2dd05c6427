//! Pulling: leases, fences, heartbeats, long polls, many workers.

use std::time::Duration;

use qstash_client::v1::MessageState;
use qstash_client::{ErrorKind, RawJson};

use crate::support::{HOUR, MINUTE, SECOND, World, code, pass};

#[tokio::test]
async fn the_bytes_of_a_message_are_pulled_exactly_as_published() {
    let world = World::start().await;
    let messages = [
        "null",
        "1.0",
        "1e999",
        r#""\ud800 ä""#,
        "{ \"z\":1 ,\t\"a\" : [ ],\n\"a\":2}",
    ];
    for message in messages {
        world.publish("exact", message).await;
    }
    let receive = world
        .client
        .v1()
        .receive::<RawJson>("exact")
        .max_messages(100);
    let leases = receive.send().await.unwrap();
    let seen: Vec<_> = leases
        .iter()
        .map(|lease| lease.message().get().to_owned())
        .collect();
    assert_eq!(seen, messages);
}

#[tokio::test]
async fn who_lost_its_lease_settles_nothing() {
    let world = World::manual().await;
    let id = world.publish("orders", "1").await;
    let receive = async || {
        let receive = world
            .client
            .v1()
            .receive::<u32>("orders")
            .visibility_timeout(30 * SECOND);
        receive.send().await.unwrap().pop()
    };
    let slow = receive().await.unwrap();
    world.advance(30 * SECOND - Duration::from_millis(1)).await;
    assert!(receive().await.is_none(), "a leased message is hidden");
    world.advance(Duration::from_millis(1)).await;
    let mut quick = receive().await.unwrap();
    assert_eq!((slow.attempt(), quick.attempt()), (1, 2));
    assert_eq!(code(slow.ack().await), "lease_lost");
    assert_eq!(
        world.state(&id).await,
        MessageState::Leased,
        "the second worker's lease stands"
    );
    quick.extend(HOUR).await.unwrap();
    world.advance(HOUR - SECOND).await;
    quick.ack().await.unwrap();
    assert_eq!(world.state(&id).await, MessageState::Delivered);
    assert_eq!(world.metrics("orders").await.expired_leases, 1);
}

#[tokio::test]
async fn a_released_message_comes_back_after_its_delay_and_counts_as_a_failure() {
    let world = World::manual().await;
    let queue = world.client.v1().queues().create("orders").max_retries(1);
    queue.dead_letter_queue("failures").send().await.unwrap();
    let id = world.publish("orders", "1").await;
    let receive = async || {
        world
            .client
            .v1()
            .receive::<u32>("orders")
            .send()
            .await
            .unwrap()
            .pop()
    };
    receive().await.unwrap().release(MINUTE).await.unwrap();
    assert_eq!(world.state(&id).await, MessageState::Delayed);
    world.advance(MINUTE - Duration::from_millis(1)).await;
    assert!(receive().await.is_none());
    world.advance(Duration::from_millis(1)).await;
    let lease = receive().await.unwrap();
    assert_eq!(lease.attempt(), 2);
    lease.release(Duration::ZERO).await.unwrap();
    assert_eq!(world.metrics("orders").await.dead_lettered, 1);
    assert_eq!(world.message(&id).await.queue.as_str(), "failures");
}

#[tokio::test]
async fn a_lease_of_no_time_makes_a_message_visible_to_who_waits() {
    let world = World::start().await;
    world.publish("orders", "1").await;
    let mut lease = world
        .client
        .v1()
        .receive::<u32>("orders")
        .send()
        .await
        .unwrap()
        .pop()
        .unwrap();
    let waiting = {
        let client = world.client.clone();
        tokio::spawn(async move {
            let receive = client.v1().receive::<u32>("orders").wait(20 * SECOND);
            receive.send().await.unwrap()
        })
    };
    world.let_things_happen().await;
    assert!(
        !waiting.is_finished(),
        "a leased message is hidden from who waits"
    );
    lease.extend(Duration::ZERO).await.unwrap();
    let leases = waiting.await.unwrap();
    assert_eq!((leases.len(), leases[0].attempt()), (1, 2));
}

#[tokio::test]
async fn waiting_workers_are_served_in_the_order_they_came() {
    let world = World::start().await;
    world
        .client
        .v1()
        .queues()
        .create("orders")
        .send()
        .await
        .unwrap();
    let mut waiting = vec![];
    for _ in 0..3 {
        let client = world.client.clone();
        waiting.push(tokio::spawn(async move {
            let receive = client.v1().receive::<u32>("orders").wait(20 * SECOND);
            receive.send().await.unwrap().pop().map(|lease| *lease)
        }));
        world.let_things_happen().await;
    }
    for number in 0..3_u32 {
        world.publish("orders", &number.to_string()).await;
    }
    for (number, worker) in waiting.into_iter().enumerate() {
        assert_eq!(worker.await.unwrap(), u32::try_from(number).ok());
    }
}

/// On tokio's paused clock, which the server and the client share here: an hour of work takes no time.
#[tokio::test(start_paused = true)]
async fn a_heartbeat_keeps_a_lease_through_hours_of_work() {
    let world = World::start().await;
    let id = world.publish("orders", "1").await;
    let receive = async || {
        let receive = world
            .client
            .v1()
            .receive::<u32>("orders")
            .visibility_timeout(30 * SECOND);
        receive.send().await.unwrap().pop()
    };
    let lease = receive().await.unwrap();
    let heartbeat = lease.heartbeat(10 * SECOND, 30 * SECOND);
    for _ in 0..12 {
        pass(10 * MINUTE).await;
        assert!(receive().await.is_none(), "the lease has ended");
    }
    assert!(!heartbeat.is_lost());
    drop(heartbeat);
    pass(31 * SECOND).await;
    let mut again = receive().await.unwrap();
    assert_eq!(again.attempt(), 2, "without a heartbeat the lease ends");
    let work = again.keep_alive(10 * SECOND, 30 * SECOND, pass(HOUR)).await;
    work.unwrap();
    again.ack().await.unwrap();
    assert_eq!(world.state(&id).await, MessageState::Delivered);
}

/// Same clock as above.
#[tokio::test(start_paused = true)]
async fn work_ends_when_its_message_is_taken_away() {
    let world = World::start().await;
    let id = world.publish("orders", "1").await;
    let mut lease = world
        .client
        .v1()
        .receive::<u32>("orders")
        .send()
        .await
        .unwrap()
        .pop()
        .unwrap();
    let cancel = async {
        pass(MINUTE).await;
        world
            .client
            .v1()
            .messages()
            .cancel(&id)
            .send()
            .await
            .unwrap()
    };
    let work = lease.keep_alive(10 * SECOND, 30 * SECOND, std::future::pending::<()>());
    let (work, cancelled) = tokio::join!(work, cancel);
    assert!(cancelled.cancelled);
    assert_eq!(work.unwrap_err().kind(), ErrorKind::Conflict);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_workers_share_the_work_and_nothing_is_done_twice() {
    let world = World::start().await;
    let batch = (0..500_u32).map(|number| qstash_client::v1::NewMessage::new("orders", &number));
    world.client.v1().publish_batch(batch).send().await.unwrap();
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let client = world.client.clone();
            tokio::spawn(async move {
                let mut done = vec![];
                loop {
                    let receive = client.v1().receive::<u32>("orders").max_messages(7);
                    let leases = receive.send().await.unwrap();
                    if leases.is_empty() {
                        return done;
                    }
                    for lease in leases {
                        done.push(*lease);
                        lease.ack().await.unwrap();
                    }
                }
            })
        })
        .collect();
    let mut done = vec![];
    for worker in workers {
        done.extend(worker.await.unwrap());
    }
    done.sort_unstable();
    assert_eq!(done, (0..500).collect::<Vec<_>>());
    let metrics = world.metrics("orders").await;
    assert_eq!((metrics.pending, metrics.delivered), (0, 500));
}
