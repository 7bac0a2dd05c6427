//! Starting, stopping, going away: servers, ports, connections.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use qstash_client::v1::MessageState;
use qstash_mock_server::MockServer;
use qstash_mock_server::storage::MemoryStore;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OnceCell;

use crate::gate::Gate;
use crate::support::{Consumer, Door, HOUR, SECOND, START, World, client};

/// Sends a long poll over a connection of its own, and does not read the answer.
async fn long_poll(world: &World, queue: &str) -> TcpStream {
    let body = r#"{"wait_seconds":20}"#;
    let mut stream = TcpStream::connect(world.server.address()).await.unwrap();
    let request = format!(
        "POST /v1/queues/{queue}/receive HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        world.server.token(),
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// What the next worker gets: the payload and the number of the attempt.
async fn next(world: &World, queue: &str) -> Option<(u32, u32)> {
    let receive = world.client.v1().receive::<u32>(queue).send();
    receive
        .await
        .unwrap()
        .pop()
        .map(|lease| (*lease, lease.attempt()))
}

#[tokio::test]
async fn a_long_poll_that_goes_away_is_forgotten() {
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
    let poll = long_poll(&world, "orders").await;
    store.until(commits + 1).await;
    drop(poll);
    store.until(commits + 2).await;
    let id = world.publish("orders", "1").await;
    assert_eq!(world.state(&id).await, MessageState::Ready);
    assert_eq!(next(&world, "orders").await, Some((1, 1)));
}

#[tokio::test]
async fn what_was_handed_to_a_poll_that_is_gone_comes_back_and_counts_no_attempt() {
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
    let poll = long_poll(&world, "orders").await;
    store.until(commits + 1).await;
    // The engine hands the message to the poll, but the answer waits for its commit; the caller does not.
    store.hold();
    let client = world.client.clone();
    let published = tokio::spawn(async move { client.v1().publish("orders", &1).send().await });
    store.until(commits + 2).await;
    drop(poll);
    store.until(commits + 3).await;
    store.open();
    let id = published.await.unwrap().unwrap().message_id;
    store.until(commits + 4).await;
    assert_eq!(world.state(id.as_str()).await, MessageState::Ready);
    assert_eq!(next(&world, "orders").await, Some((1, 1)));
    assert_eq!(world.metrics("orders").await.expired_leases, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polls_that_come_and_go_lose_no_message() {
    let world = World::start().await;
    world
        .client
        .v1()
        .queues()
        .create("orders")
        .send()
        .await
        .unwrap();
    for number in 0..100_u32 {
        let poll = long_poll(&world, "orders").await;
        let json = number.to_string();
        let publish = world.publish("orders", &json);
        // Sometimes before, sometimes after the message was handed over.
        if number % 2 == 0 {
            drop(poll);
            publish.await;
        } else {
            publish.await;
            drop(poll);
        }
    }
    let metrics = world.metrics("orders").await;
    assert_eq!(
        (metrics.published, metrics.pending),
        (100, 100),
        "{metrics:?}"
    );
}

#[tokio::test]
async fn the_port_is_free_after_a_shutdown_whoever_is_still_connected() {
    let world = World::start().await;
    world
        .client
        .v1()
        .queues()
        .create("empty")
        .send()
        .await
        .unwrap();
    world.publish("orders", "1").await;
    let address = world.server.address();
    let waiting = long_poll(&world, "empty").await;
    let mut half = TcpStream::connect(address).await.unwrap();
    half.write_all(b"POST /v1/publish HTTP/1.1\r\nHost: x\r\nContent-Le")
        .await
        .unwrap();
    let idle = TcpStream::connect(address).await.unwrap();
    world.let_things_happen().await;
    let server = Arc::into_inner(world.server).unwrap();
    server.shutdown().await;
    TcpListener::bind(address).await.unwrap();
    drop((waiting, half, idle));
}

#[tokio::test]
async fn a_dropped_server_is_gone() {
    let world = World::start().await;
    world
        .client
        .v1()
        .queues()
        .create("empty")
        .send()
        .await
        .unwrap();
    let address = world.server.address();
    let mut poll = long_poll(&world, "empty").await;
    world.let_things_happen().await;
    drop(world.server);
    // The tasks are aborted; they end when the runtime gets to them.
    let mut answer = vec![];
    let read = poll.read_to_end(&mut answer).await;
    assert!(
        read.is_err() || answer.is_empty() || answer.starts_with(b"HTTP/1.1 503 "),
        "{answer:?}"
    );
    while TcpListener::bind(address).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert!(
        world
            .client
            .v1()
            .publish("orders", &1)
            .send()
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_shutdown_waits_for_what_is_in_flight_and_records_it() {
    let store = MemoryStore::new();
    let builder = || {
        MockServer::builder()
            .store(store.clone())
            .signing_secret("a signing secret for tests")
    };
    let world = World::with(builder()).await;
    let door = Door::closed();
    let consumer = Consumer::behind(&world, &door).await;
    world.pushed("orders", &consumer).send().await.unwrap();
    let id = world.publish("orders", "1").await;
    consumer.until(1).await;
    let server = Arc::into_inner(world.server).unwrap();
    let shutdown = tokio::spawn(server.shutdown_within(HOUR));
    turns().await;
    assert!(!shutdown.is_finished());
    door.admit(1);
    shutdown.await.unwrap();
    let world = World::with(builder()).await;
    assert_eq!(world.state(&id).await, MessageState::Delivered);
    assert_eq!(consumer.count(), 1);
}

#[tokio::test]
async fn a_shutdown_starts_no_further_delivery() {
    let store = MemoryStore::new();
    let builder = || {
        MockServer::builder()
            .store(store.clone())
            .signing_secret("a signing secret for tests")
    };
    let world = World::with(builder()).await;
    let door = Door::closed();
    let consumer = Consumer::behind(&world, &door).await;
    let queue = world.pushed("orders", &consumer).parallelism(1);
    queue.send().await.unwrap();
    let [first, second] = [
        world.publish("orders", "1").await,
        world.publish("orders", "2").await,
    ];
    consumer.until(1).await;
    let server = Arc::into_inner(world.server).unwrap();
    let shutdown = tokio::spawn(server.shutdown_within(HOUR));
    turns().await;
    door.admit(2);
    shutdown.await.unwrap();
    assert_eq!(consumer.bodies(), ["1"]);
    let world = World::with(builder()).await;
    assert_eq!(world.state(&first).await, MessageState::Delivered);
    consumer.until(2).await;
    assert_eq!(consumer.calls()[1].id(), second);
}

/// Gives every task on this thread many turns.
async fn turns() {
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_no_longer_than_it_may() {
    let world = World::start().await;
    let consumer = Consumer::answering(&world, async |_| std::future::pending::<u16>().await).await;
    let queue = world.pushed("orders", &consumer).delivery_timeout(HOUR);
    queue.send().await.unwrap();
    world.publish("orders", "1").await;
    consumer.until(1).await;
    let began = tokio::time::Instant::now();
    Arc::into_inner(world.server).unwrap().shutdown().await;
    let took = began.elapsed();
    assert!((5 * SECOND..7 * SECOND).contains(&took), "{took:?}");
}

#[tokio::test]
async fn many_servers_in_one_process_do_not_mix() {
    let mut worlds = vec![];
    for number in 0..20_u32 {
        let world = World::with(MockServer::builder().manual_clock(START)).await;
        world.advance(number * HOUR).await;
        let consumer = Consumer::of(&world).await;
        world.pushed("orders", &consumer).send().await.unwrap();
        for _ in 0..=number {
            world.publish("orders", &number.to_string()).await;
        }
        worlds.push((number, world, consumer));
    }
    let addresses: BTreeSet<SocketAddr> = worlds.iter().map(|it| it.1.server.address()).collect();
    let secrets: BTreeSet<&str> = worlds
        .iter()
        .map(|it| it.1.server.signing_secret())
        .collect();
    assert_eq!((addresses.len(), secrets.len()), (20, 20));
    for (number, world, consumer) in &worlds {
        world.settle().await;
        assert_eq!(world.elapsed(), *number * HOUR);
        assert_eq!(
            world.metrics("orders").await.delivered,
            u64::from(*number) + 1
        );
        assert!(
            consumer
                .bodies()
                .iter()
                .all(|body| *body == number.to_string())
        );
        let text = world.client.v1().prometheus().send().await.unwrap();
        assert_eq!(
            text.matches("qstash_queue_published_total{").count(),
            1,
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_server_refuses_secrets_that_are_none() {
    for (builder, name) in [
        (MockServer::builder().signing_secret(""), "signing_secret"),
        (
            MockServer::builder().signing_secret("fifteen bytes.."),
            "signing_secret",
        ),
        // What a verifier would refuse, so that both read `QSTASH_SIGNING_SECRET` alike.
        (
            MockServer::builder().signing_secret("\"sixteen bytes at least\""),
            "signing_secret",
        ),
        (
            MockServer::builder().signing_secret("sixteen bytes at least\n"),
            "signing_secret",
        ),
        (MockServer::builder().token_secret(""), "token_secret"),
        (MockServer::builder().admin_token(""), "admin_token"),
    ] {
        let refused = builder.start().await.unwrap_err().to_string();
        assert!(refused.contains(name), "{refused}");
    }
}

#[tokio::test]
async fn a_server_on_all_addresses_is_named_by_one_that_can_be_called() {
    for (address, host) in [("0.0.0.0:0", "127.0.0.1"), ("127.0.0.1:0", "127.0.0.1")] {
        let builder = MockServer::builder().address(address.parse().unwrap());
        let world = World::with(builder).await;
        let port = world.server.address().port();
        assert_eq!(world.server.uri(), format!("http://{host}:{port}"));
        world.publish("orders", "1").await;
    }
}

static SHARED: OnceCell<MockServer> = OnceCell::const_new();

async fn shared() -> &'static MockServer {
    let start = async || {
        MockServer::builder()
            .dedicated_thread()
            .start()
            .await
            .unwrap()
    };
    SHARED.get_or_init(start).await
}

/// As two tests of one binary do: the runtime that started the server ends before the second one begins.
#[test]
fn a_server_on_a_thread_of_its_own_outlives_the_runtime_that_started_it() {
    for number in 0..3_u32 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let server = shared().await;
            let client = client(server, server.token());
            client.v1().publish("shared", &number).send().await.unwrap();
            let metrics = client.v1().metrics().send().await.unwrap();
            assert_eq!(metrics.queues["shared"].published, u64::from(number) + 1);
        });
    }
}

#[tokio::test]
async fn a_server_on_a_thread_of_its_own_has_a_clock_and_stops_too() {
    let builder = MockServer::builder().manual_clock(START).dedicated_thread();
    let world = World::with(builder).await;
    let consumer = Consumer::of(&world).await;
    world.pushed("orders", &consumer).send().await.unwrap();
    world
        .client
        .v1()
        .publish("orders", &1)
        .delay(HOUR)
        .send()
        .await
        .unwrap();
    world.advance(HOUR).await;
    assert_eq!(consumer.bodies(), ["1"]);
    let address = world.server.address();
    Arc::into_inner(world.server).unwrap().shutdown().await;
    TcpListener::bind(address).await.unwrap();

    let world = World::with(MockServer::builder().dedicated_thread()).await;
    let address = world.server.address();
    drop(world.server);
    while TcpListener::bind(address).await.is_err() {
        tokio::task::yield_now().await;
    }
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let builder = MockServer::builder()
        .dedicated_thread()
        .address(taken.local_addr().unwrap());
    assert!(
        builder.start().await.is_err(),
        "its thread tells why it could not start"
    );
}
