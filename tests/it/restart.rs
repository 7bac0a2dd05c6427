//! A server stops or crashes, and another one goes on from its store.

use std::collections::BTreeSet;

use qstash_client::v1::{MessageState, NewMessage};
use qstash_mock_server::MockServer;
use qstash_mock_server::engine::Timestamp;
use qstash_mock_server::storage::{MemoryStore, Store};

use crate::gate::Gate;
use crate::support::{Consumer, Door, HOUR, MINUTE, SECOND, START, World, code, fixed};

const SECRET: &str = "a signing secret for tests";

/// A server on `store`, at `time`. The seed is always the same: only the store keeps ids apart.
async fn on(store: impl Store, time: Timestamp) -> World {
    let builder = MockServer::builder().manual_clock(time).seed(7);
    World::with(builder.signing_secret(SECRET).store(store)).await
}

#[tokio::test]
async fn everything_that_was_acknowledged_is_there_after_a_restart() {
    let store = MemoryStore::new();
    let world = on(store.clone(), START).await;
    let queue = world.client.v1().queues().create("orders").max_retries(9);
    queue.dead_letter_queue("failures").send().await.unwrap();
    let [ready, leased] = [
        world.publish("orders", "{ \"n\": 1.0 }").await,
        world.publish("orders", "2").await,
    ];
    let keyed = world
        .client
        .v1()
        .publish("orders", &3)
        .delay(HOUR)
        .idempotency_key("k");
    let keyed = keyed.send().await.unwrap().message_id;
    let receive = world
        .client
        .v1()
        .receive::<qstash_client::RawJson>("orders")
        .max_messages(2);
    let mut leases = receive.visibility_timeout(MINUTE).send().await.unwrap();
    let lease = leases.pop().unwrap();
    leases
        .pop()
        .unwrap()
        .release(Default::default())
        .await
        .unwrap();
    let lease_id = lease.lease_id().to_string();
    drop((world, lease));

    let world = on(store, START + 30 * SECOND).await;
    let queue = world
        .client
        .v1()
        .queues()
        .get("orders")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (queue.max_retries, queue.dead_letter_queue.unwrap().as_str()),
        (9, "failures")
    );
    assert_eq!(
        world.state(&leased).await,
        MessageState::Leased,
        "a lease outlives its server"
    );
    let message = world.message(&ready).await;
    assert_eq!((message.state, message.attempt), (MessageState::Ready, 1));
    let listed = world
        .client
        .v1()
        .messages()
        .list("orders")
        .send()
        .await
        .unwrap();
    let listed = listed
        .items
        .into_iter()
        .find(|it| it.id == message.id)
        .unwrap();
    assert_eq!(listed.message.unwrap().get(), "{ \"n\": 1.0 }");
    let again = world
        .client
        .v1()
        .publish("orders", &3)
        .idempotency_key("k")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (again.message_id, again.deduplicated),
        (keyed.clone(), true)
    );
    let ack = world
        .client
        .v1()
        .messages()
        .ack(&leased)
        .lease_id(&lease_id);
    ack.send().await.unwrap();
    world.advance(HOUR).await;
    assert_eq!(world.state(keyed.as_str()).await, MessageState::Ready);
}

#[tokio::test]
async fn a_delivery_without_an_outcome_is_made_again() {
    let store = MemoryStore::new();
    let world = on(store.clone(), START).await;
    let door = Door::closed();
    let handler = door.clone();
    let consumer = Consumer::accepting(&[SECRET], move |_| {
        let door = handler.clone();
        async move {
            door.pass().await;
            200
        }
    })
    .await;
    world.pushed("orders", &consumer).send().await.unwrap();
    let id = world.publish("orders", "1").await;
    consumer.until(1).await;
    drop(world);
    door.admit(2);
    let world = on(store, START).await;
    world.settle().await;
    assert_eq!(
        (consumer.count(), world.state(&id).await),
        (2, MessageState::Delivered)
    );
    let calls = consumer.calls().clone();
    assert_eq!(
        (calls[0].id(), calls[0].attempt()),
        (calls[1].id(), calls[1].attempt())
    );
    assert_ne!(
        calls[0].lease(),
        calls[1].lease(),
        "the old lease opens nothing"
    );
}

#[tokio::test]
async fn no_id_and_no_lease_comes_twice_in_many_restarts() {
    let store = MemoryStore::new();
    let (mut ids, mut leases) = (BTreeSet::new(), BTreeSet::new());
    let mut time = START;
    for round in 0..5 {
        let world = on(store.clone(), time).await;
        for number in 0..10 {
            // Every other round only receives: a lease alone must not bring back the lives before.
            if round % 2 == 0 {
                assert!(ids.insert(world.publish("orders", &number.to_string()).await));
            }
        }
        let receive = world.client.v1().receive::<u32>("orders").max_messages(5);
        for lease in receive.visibility_timeout(SECOND).send().await.unwrap() {
            assert!(leases.insert(lease.lease_id().to_string()));
        }
        time = time + MINUTE;
    }
    assert_eq!((ids.len(), leases.len()), (30, 25));
}

#[tokio::test]
async fn a_lease_of_a_life_before_is_not_given_again() {
    let store = MemoryStore::new();
    let mut leases = BTreeSet::new();
    let consumer =
        Consumer::accepting(&[SECRET], async |_| std::future::pending::<u16>().await).await;
    let world = on(store.clone(), START).await;
    world.pushed("orders", &consumer).send().await.unwrap();
    world.publish("orders", "1").await;
    drop(world);
    for life in 1..5 {
        // Nothing is recorded of this life but that it began: the attempt has no outcome.
        let world = on(store.clone(), START).await;
        world.client.v1().queues().list().send().await.unwrap();
        consumer.until(life).await;
        drop(world);
    }
    for call in consumer.calls().iter() {
        assert!(leases.insert(call.lease().to_owned()), "{leases:?}");
    }
}

#[tokio::test]
async fn first_in_is_first_out_across_a_restart() {
    let store = MemoryStore::new();
    let fails = |call: &crate::support::Call| call.text() == "1" && call.attempt() == 1;
    let consumer = Consumer::accepting(&[SECRET], move |call| {
        let status = if fails(&call) { 500 } else { 200 };
        async move { status }
    })
    .await;
    let world = on(store.clone(), START).await;
    let queue = world
        .pushed("orders", &consumer)
        .parallelism(1)
        .retry_backoff(fixed(MINUTE));
    queue.send().await.unwrap();
    for number in 0..5 {
        world.publish("orders", &number.to_string()).await;
    }
    world.settle().await;
    assert_eq!(
        consumer.bodies(),
        ["0", "1"],
        "the second message is being retried"
    );
    drop(world);
    let world = on(store, START + SECOND).await;
    world.publish("orders", "5").await;
    world.settle().await;
    assert_eq!(
        consumer.count(),
        2,
        "its slot is taken after the restart too"
    );
    world.advance(MINUTE).await;
    assert_eq!(consumer.bodies(), ["0", "1", "1", "2", "3", "4", "5"]);
}

#[tokio::test]
async fn a_crash_keeps_what_was_answered_and_nothing_else() {
    let store = Gate::default();
    let world = on(store.clone(), START).await;
    let answered = world.publish("orders", "1").await;
    store.hold();
    let commits = store.commits();
    let batch = (2..=100_u32).map(|number| NewMessage::new("orders", &number));
    let client = world.client.clone();
    let half = tokio::spawn(async move { client.v1().publish_batch(batch).send().await });
    store.until(commits + 1).await;
    let crashed = store.after_crash();
    drop(world);
    assert!(
        half.await.unwrap().is_err(),
        "what was not durable was not promised"
    );
    let world = on(crashed, START).await;
    let receive = world.client.v1().receive::<u32>("orders").max_messages(100);
    let left = receive.send().await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].id().as_str(), answered);
}

#[tokio::test]
async fn a_rotated_secret_outlives_a_restart_and_is_the_one_that_is_told() {
    let store = MemoryStore::new();
    let start = async || {
        World::with(
            MockServer::builder()
                .manual_clock(START)
                .store(store.clone()),
        )
        .await
    };
    let world = start().await;
    let first = world.server.signing_secret().to_owned();
    let rotated = world
        .client
        .v1()
        .rotate_signing_secret()
        .send()
        .await
        .unwrap();
    let rotated = rotated.current.expose().to_owned();
    drop(world);
    let world = start().await;
    let secrets = world.client.v1().signing_secret().send().await.unwrap();
    assert_eq!(secrets.current.expose(), rotated);
    assert_eq!(secrets.previous.unwrap().expose(), first);
    assert_eq!(
        world.server.signing_secret(),
        rotated,
        "what is printed is what signs"
    );
    drop(world);
    // A secret that is set and was never seen is a rotation by hand.
    let builder = MockServer::builder()
        .manual_clock(START)
        .store(store.clone());
    let world = World::with(builder.signing_secret(SECRET)).await;
    let secrets = world.client.v1().signing_secret().send().await.unwrap();
    assert_eq!(
        (secrets.current.expose(), secrets.previous.unwrap().expose()),
        (SECRET, &*rotated)
    );
    assert_eq!(world.server.signing_secret(), SECRET);
    assert_eq!(
        code(world.client.v1().queues().get("none").send().await),
        "queue_not_found"
    );
}
