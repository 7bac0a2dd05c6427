//! The manual clock: from deadline to deadline, in order, with nothing skipped.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use qstash_client::v1::{Backoff, MessageState};
use qstash_mock_server::{ClockBusy, MockServer};

use crate::gate::Gate;
use crate::support::{Consumer, DAY, Door, HOUR, MINUTE, SECOND, START, World, code, fixed};

/// A consumer that knows the server, and tells when and what it was called with.
type Diary = Arc<Mutex<Vec<(Duration, String, u32)>>>;

async fn diarist(world: &World, status: u16) -> (Consumer, Diary) {
    let (diary, server) = (Diary::default(), Arc::downgrade(&world.server));
    let written = Arc::clone(&diary);
    let consumer = Consumer::answering(world, move |call| {
        let elapsed = server.upgrade().unwrap().now().since(START);
        let entry = (elapsed, call.text().to_owned(), call.attempt());
        written.lock().unwrap().push(entry);
        async move { status }
    })
    .await;
    (consumer, diary)
}

#[tokio::test]
async fn a_ladder_of_days_is_climbed_in_one_call_to_the_millisecond() {
    let world = World::manual().await;
    let (consumer, diary) = diarist(&world, 500).await;
    let rungs = vec![Duration::from_millis(1), 90 * SECOND, HOUR, DAY];
    let backoff = Backoff::List {
        waits: rungs.clone(),
    };
    let queue = world
        .pushed("orders", &consumer)
        .max_retries(6)
        .retry_backoff(backoff);
    queue.dead_letter_queue("failures").send().await.unwrap();
    world.publish("orders", "1").await;
    let advanced = world.server.advance(30 * DAY).await.unwrap();
    assert_eq!(advanced.unanswered, 0);
    // The last rung is used for all further attempts.
    let waits = rungs.into_iter().chain([DAY, DAY]);
    let (mut at, mut expected) = (Duration::ZERO, vec![(Duration::ZERO, "1".to_owned(), 1)]);
    for (wait, attempt) in waits.zip(2..) {
        at += wait;
        expected.push((at, "1".to_owned(), attempt));
    }
    assert_eq!(*diary.lock().unwrap(), expected);
    assert_eq!(world.elapsed(), 30 * DAY);
    assert_eq!(world.metrics("failures").await.pending, 1);
}

#[tokio::test]
async fn what_many_queues_have_due_happens_in_the_order_of_time() {
    let world = World::manual().await;
    let (consumer, diary) = diarist(&world, 500).await;
    for (name, seconds) in [("seven", 7), ("eleven", 11), ("thirteen", 13)] {
        let queue = world.pushed(name, &consumer).max_retries(20);
        queue
            .retry_backoff(fixed(seconds * SECOND))
            .send()
            .await
            .unwrap();
        world.publish(name, &format!("\"{name}\"")).await;
    }
    world.advance(HOUR).await;
    let diary = diary.lock().unwrap();
    assert!(diary.is_sorted_by_key(|(at, ..)| *at), "{diary:?}");
    for (name, seconds) in [("seven", 7_u32), ("eleven", 11), ("thirteen", 13)] {
        let text = format!("\"{name}\"");
        let times: Vec<_> = diary
            .iter()
            .filter(|it| it.1 == text)
            .map(|it| it.0)
            .collect();
        let expected: Vec<_> = (0..=20).map(|retry| retry * seconds * SECOND).collect();
        assert_eq!(times, expected, "{name}");
    }
}

#[tokio::test]
async fn a_second_hand_on_the_clock_is_refused() {
    let world = World::manual().await;
    let door = Door::closed();
    let consumer = Consumer::behind(&world, &door).await;
    world.pushed("slow", &consumer).send().await.unwrap();
    let id = world.publish("slow", "1").await;
    consumer.until(1).await;
    let server = Arc::clone(&world.server);
    let moving = tokio::spawn(async move { server.advance(SECOND).await });
    world.let_things_happen().await;
    assert_eq!(world.server.advance(SECOND).await, Err(ClockBusy::Moving));
    assert_eq!(world.server.settle().await, Err(ClockBusy::Moving));
    door.admit(1);
    assert_eq!(moving.await.unwrap().unwrap().unanswered, 0);
    assert_eq!(world.elapsed(), SECOND, "a refused move moves nothing");
    world.advance(SECOND).await;
    assert_eq!(world.state(&id).await, MessageState::Delivered);
}

#[tokio::test]
async fn a_handler_cannot_move_the_clock_that_waits_for_it() {
    let world = World::manual().await;
    let refused = Arc::new(OnceLock::new());
    let (server, told) = (Arc::downgrade(&world.server), Arc::clone(&refused));
    let consumer = Consumer::answering(&world, move |_| {
        let (server, told) = (server.upgrade().unwrap(), Arc::clone(&told));
        async move {
            told.set((server.advance(HOUR).await, server.settle().await))
                .unwrap();
            200
        }
    })
    .await;
    world.pushed("orders", &consumer).send().await.unwrap();
    let publish = world.client.v1().publish("orders", &1).delay(MINUTE);
    publish.send().await.unwrap();
    world.advance(MINUTE).await;
    assert_eq!(
        refused.get(),
        Some(&(Err(ClockBusy::Moving), Err(ClockBusy::Moving)))
    );
    assert_eq!(world.elapsed(), MINUTE);
}

#[tokio::test]
async fn the_machines_clock_cannot_be_moved() {
    let world = World::start().await;
    assert_eq!(
        world.server.advance(SECOND).await,
        Err(ClockBusy::NotManual)
    );
    assert_eq!(world.server.settle().await, Err(ClockBusy::NotManual));
}

#[tokio::test]
async fn a_consumer_that_hangs_is_left_behind_and_fails_at_its_virtual_timeout() {
    let builder = MockServer::builder().manual_clock(START);
    let world = World::with(builder.real_time_limit(Duration::from_millis(20))).await;
    let consumer = Consumer::answering(&world, async |call| {
        if call.attempt() == 1 {
            std::future::pending::<()>().await;
        }
        200
    })
    .await;
    let queue = world
        .pushed("slow", &consumer)
        .delivery_timeout(30 * SECOND);
    queue.retry_backoff(fixed(MINUTE)).send().await.unwrap();
    let id = world.publish("slow", "1").await;
    let advanced = world.server.advance(2 * MINUTE).await.unwrap();
    assert_eq!(advanced.unanswered, 1);
    let message = world.message(&id).await;
    assert_eq!(message.state, MessageState::Delivered);
    let [hung, answered] = message.attempts.as_slice() else {
        panic!("{message:?}");
    };
    assert_eq!((hung.status, hung.duration), (None, Some(30 * SECOND)));
    assert!(hung.error.as_deref().unwrap().contains("30 s"), "{hung:?}");
    let start = i64::try_from(START.as_millis()).unwrap();
    assert_eq!(answered.started_at.unwrap().as_millis() - start, 90_000);
}

#[tokio::test]
async fn a_move_that_is_given_up_loses_no_outcome() {
    let world = World::manual().await;
    let door = Door::closed();
    let consumer = Consumer::behind(&world, &door).await;
    world.pushed("slow", &consumer).send().await.unwrap();
    let ids = [
        world.publish("slow", "1").await,
        world.publish("slow", "2").await,
    ];
    consumer.until(2).await;
    tokio::select! {
        biased;
        moved = world.server.advance(HOUR) => panic!("{moved:?}"),
        () = async {
            // One answer comes while the clock is being moved, and is held back with the move.
            door.admit(1);
            world.let_things_happen().await;
        } => {}
    }
    door.admit(1);
    world.settle().await;
    for id in ids {
        assert_eq!(world.state(&id).await, MessageState::Delivered);
    }
}

#[tokio::test]
async fn a_long_poll_ends_at_its_virtual_deadline() {
    let store = Gate::default();
    let world = World::with(
        MockServer::builder()
            .manual_clock(START)
            .store(store.clone()),
    )
    .await;
    world
        .client
        .v1()
        .queues()
        .create("orders")
        .send()
        .await
        .unwrap();
    let commits = store.commits();
    let poll = {
        let client = world.client.clone();
        tokio::spawn(async move {
            let receive = client.v1().receive::<u32>("orders").wait(20 * SECOND);
            receive.send().await.unwrap().len()
        })
    };
    // The poll is an input like any other: from here on the server knows it.
    store.until(commits + 1).await;
    world.advance(20 * SECOND - Duration::from_millis(1)).await;
    world.let_things_happen().await;
    assert!(!poll.is_finished());
    world.advance(Duration::from_millis(1)).await;
    assert_eq!(poll.await.unwrap(), 0);
    assert_eq!(world.elapsed(), 20 * SECOND);
    // It is forgotten: what comes now is there for the next one.
    let id = world.publish("orders", "1").await;
    assert_eq!(world.state(&id).await, MessageState::Ready);
}

#[tokio::test]
async fn a_long_poll_gets_what_falls_due_while_the_clock_moves() {
    let store = Gate::default();
    let world = World::with(
        MockServer::builder()
            .manual_clock(START)
            .store(store.clone()),
    )
    .await;
    let publish = world.client.v1().publish("orders", &7).delay(20 * SECOND);
    publish.send().await.unwrap();
    let commits = store.commits();
    let client = world.client.clone();
    let poll = tokio::spawn(async move {
        let receive = client.v1().receive::<u32>("orders").wait(20 * SECOND);
        receive.send().await.unwrap().pop().map(|lease| *lease)
    });
    store.until(commits + 1).await;
    // Both deadlines are the same millisecond.
    world.advance(HOUR).await;
    assert_eq!(poll.await.unwrap(), Some(7));
}

#[tokio::test]
async fn a_time_in_the_past_moves_nothing() {
    let world = World::manual().await;
    world.advance(DAY).await;
    world.server.advance_to(START).await.unwrap();
    assert_eq!(world.elapsed(), DAY);
    world.server.advance_to(START + 2 * DAY).await.unwrap();
    assert_eq!(world.elapsed(), 2 * DAY);
    assert_eq!(
        code(world.client.v1().queues().get("none").send().await),
        "queue_not_found"
    );
}
