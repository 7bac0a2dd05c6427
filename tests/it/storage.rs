//! A store that is slow, and one that fails: nothing leaves before it is durable, everything in order.

use qstash_client::ErrorKind;
use qstash_client::v1::MessageState;
use qstash_mock_server::MockServer;
use qstash_mock_server::storage::{Acknowledge, Commit, Durability, Loaded, Store, StoreError};
use tokio::task::JoinHandle;

use crate::gate::Gate;
use crate::support::{Consumer, SECOND, START, World};

async fn world(store: &Gate) -> World {
    World::with(
        MockServer::builder()
            .manual_clock(START)
            .store(store.clone()),
    )
    .await
}

/// Publishes in the background; finished once it is answered.
fn publish(
    world: &World,
    queue: &'static str,
    number: u32,
) -> JoinHandle<Result<String, ErrorKind>> {
    let client = world.client.clone();
    tokio::spawn(async move {
        let published = client.v1().publish(queue, &number).send().await;
        published
            .map(|it| it.message_id.into())
            .map_err(|error| error.kind())
    })
}

#[tokio::test]
async fn no_reply_and_no_webhook_leaves_before_its_commit_is_durable() {
    let store = Gate::default();
    let world = world(&store).await;
    let consumer = Consumer::of(&world).await;
    world.pushed("orders", &consumer).send().await.unwrap();
    store.hold();
    let commits = store.commits();
    let published = publish(&world, "orders", 1);
    store.until(commits + 1).await;
    world.let_things_happen().await;
    assert!(!published.is_finished() && consumer.count() == 0);
    store.release(1);
    let id = published.await.unwrap().unwrap();
    consumer.until(1).await;
    store.open();
    world.settle().await;
    assert_eq!(world.state(&id).await, MessageState::Delivered);
}

#[tokio::test]
async fn replies_leave_in_the_order_of_their_commits() {
    let store = Gate::default();
    let world = world(&store).await;
    store.hold();
    let mut published = vec![];
    for number in 0..3 {
        let commits = store.commits();
        published.push(publish(&world, "orders", number));
        store.until(commits + 1).await;
    }
    for answered in 0..3 {
        world.let_things_happen().await;
        let finished: Vec<_> = published.iter().map(JoinHandle::is_finished).collect();
        let expected: Vec<_> = (0..3).map(|it| it < answered).collect();
        assert_eq!(finished, expected);
        store.release(1);
        while !published[answered].is_finished() {
            tokio::task::yield_now().await;
        }
    }
    for publish in published {
        publish.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_reader_sees_nothing_that_might_still_be_lost() {
    let store = Gate::default();
    let world = world(&store).await;
    store.hold();
    let commits = store.commits();
    let published = publish(&world, "orders", 1);
    store.until(commits + 1).await;
    let client = world.client.clone();
    let seen = tokio::spawn(async move { client.v1().metrics().send().await.unwrap() });
    let client = world.client.clone();
    let taken = tokio::spawn(async move {
        let receive = client.v1().receive::<u32>("orders").wait(SECOND);
        receive.send().await.unwrap().len()
    });
    store.until(commits + 3).await;
    world.let_things_happen().await;
    assert!(!seen.is_finished() && !taken.is_finished());
    store.open();
    published.await.unwrap().unwrap();
    assert_eq!(seen.await.unwrap().queues["orders"].pending, 1);
    assert_eq!(taken.await.unwrap(), 1);
}

#[tokio::test]
async fn a_failed_commit_stops_the_server_and_nothing_of_it_leaves() {
    let store = Gate::default();
    let world = world(&store).await;
    let consumer = Consumer::of(&world).await;
    world.pushed("orders", &consumer).send().await.unwrap();
    store.fail();
    for number in 0..2 {
        let refused = world
            .client
            .v1()
            .publish("orders", &number)
            .send()
            .await
            .unwrap_err();
        assert_eq!(refused.status().unwrap().as_u16(), 503);
        assert_eq!(refused.code(), Some("shutting_down"));
    }
    let refused = world.client.v1().metrics().send().await.unwrap_err();
    assert_eq!(
        refused.status().unwrap().as_u16(),
        503,
        "memory is ahead of the disk"
    );
    let health = reqwest::get(format!("{}/health", world.server.uri()))
        .await
        .unwrap();
    assert_eq!(health.status(), 503);
    assert_eq!(consumer.count(), 0);
}

#[tokio::test]
async fn a_long_poll_is_told_that_the_server_stopped() {
    let store = Gate::default();
    let world = world(&store).await;
    world
        .client
        .v1()
        .queues()
        .create("orders")
        .send()
        .await
        .unwrap();
    let poll = |world: &World| {
        let client = world.client.clone();
        tokio::spawn(async move {
            let receive = client.v1().receive::<u32>("orders").wait(20 * SECOND);
            receive
                .send()
                .await
                .map(|it| it.len())
                .map_err(|error| error.kind())
        })
    };
    // One that waits when the disk is lost, and one whose own commit is refused.
    let commits = store.commits();
    let waiting = poll(&world);
    store.until(commits + 1).await;
    store.fail();
    assert_eq!(poll(&world).await.unwrap(), Err(ErrorKind::Server));
    assert_eq!(waiting.await.unwrap(), Err(ErrorKind::Server));
}

#[tokio::test]
async fn a_commit_that_is_lost_later_takes_back_what_waited_for_it() {
    let store = Gate::default();
    let world = world(&store).await;
    let consumer = Consumer::of(&world).await;
    world.pushed("orders", &consumer).send().await.unwrap();
    store.hold();
    let commits = store.commits();
    let published = [publish(&world, "orders", 1), publish(&world, "orders", 2)];
    store.until(commits + 2).await;
    store.lose();
    for publish in published {
        assert_eq!(publish.await.unwrap(), Err(ErrorKind::Server));
    }
    assert_eq!(consumer.count(), 0);
    let restarted = self::world(&store.after_crash()).await;
    assert_eq!(restarted.metrics("orders").await.pending, 0);
}

#[tokio::test]
async fn a_stopped_server_commits_nothing_more() {
    let store = Gate::default();
    let world = world(&store).await;
    let door = crate::support::Door::closed();
    let consumer = Consumer::behind(&world, &door).await;
    world.pushed("orders", &consumer).send().await.unwrap();
    world.publish("orders", "1").await;
    consumer.until(1).await;
    let commits = store.commits();
    drop(world);
    door.admit(1);
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(store.commits(), commits);
}

/// A store that tells inside `commit` how far it has come.
struct Prompt {
    acknowledge: Option<Acknowledge>,
    tell: fn(Acknowledge, u64),
}

impl Store for Prompt {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        Ok(Loaded::default())
    }

    fn start(&mut self, acknowledge: Acknowledge) {
        self.acknowledge = Some(acknowledge);
    }

    fn commit(&mut self, commit: Commit<'_>) -> Result<Durability, StoreError> {
        let acknowledge = self.acknowledge.clone().expect("the store was started");
        (self.tell)(acknowledge, commit.number());
        drop(commit.into_changes());
        Ok(Durability::Later)
    }
}

async fn prompt(tell: fn(Acknowledge, u64)) -> World {
    let store = Prompt {
        acknowledge: None,
        tell,
    };
    World::with(MockServer::builder().manual_clock(START).store(store)).await
}

#[tokio::test]
async fn a_store_may_acknowledge_inside_the_commit() {
    let at_once = |acknowledge: Acknowledge, number| acknowledge.durable(number);
    let from_a_thread_it_waits_for = |acknowledge: Acknowledge, number| {
        let told = std::thread::spawn(move || acknowledge.durable(number));
        told.join().unwrap();
    };
    for tell in [at_once as fn(Acknowledge, u64), from_a_thread_it_waits_for] {
        let world = prompt(tell).await;
        let consumer = Consumer::of(&world).await;
        world.pushed("orders", &consumer).send().await.unwrap();
        let id = world.publish("orders", "1").await;
        consumer.until(1).await;
        world.settle().await;
        assert_eq!(world.state(&id).await, MessageState::Delivered);
    }
}

#[tokio::test]
async fn a_commit_may_be_reported_lost_while_it_is_handed_over() {
    let lost = |acknowledge: Acknowledge, _| {
        acknowledge.failed(StoreError("the disk is gone".to_owned()));
    };
    let world = prompt(lost).await;
    let refused = world.client.v1().metrics().send().await.unwrap_err();
    assert_eq!(refused.code(), Some("shutting_down"));
}
