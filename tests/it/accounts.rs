//! Tokens, accounts and secrets.

use qstash_client::ErrorKind;
use qstash_client::v1::{MessageState, NewMessage};
use qstash_mock_server::MockServer;

use crate::support::{Consumer, MINUTE, START, TOKEN_SECRET, World, code, fixed};

async fn secured() -> World {
    World::with(
        MockServer::builder()
            .manual_clock(START)
            .token_secret(TOKEN_SECRET),
    )
    .await
}

#[tokio::test]
async fn a_scoped_token_publishes_where_it_may_and_nowhere_else() {
    let world = secured().await;
    let producer =
        world.client_of(r#"{"sub":"defaultUser","queues":["order-*"],"permissions":["publish"]}"#);
    producer
        .v1()
        .publish("order-events", &1)
        .send()
        .await
        .unwrap();
    let refused = producer
        .v1()
        .publish("payments", &1)
        .send()
        .await
        .unwrap_err();
    assert_eq!(
        (refused.kind(), refused.code()),
        (ErrorKind::Forbidden, Some("forbidden"))
    );
    let said = &refused.api().unwrap().message;
    assert!(
        said.contains("payments") && said.contains("publish"),
        "{said}"
    );
    let batch = ["order-1", "payments", "order-2"].map(|queue| NewMessage::new(queue, &1));
    let results = producer.v1().publish_batch(batch).send().await.unwrap();
    let codes: Vec<_> = results
        .iter()
        .map(|it| it.as_ref().err().and_then(|it| it.code.clone()))
        .collect();
    assert_eq!(codes, [None, Some("forbidden".to_owned()), None]);
    assert_eq!(
        code(producer.v1().receive::<u32>("order-events").send().await),
        "forbidden"
    );
    assert_eq!(code(producer.v1().metrics().send().await), "forbidden");
    let names: Vec<_> = world
        .client
        .v1()
        .queues()
        .list()
        .send()
        .await
        .unwrap()
        .items;
    let names: Vec<_> = names.iter().map(|queue| queue.name.as_str()).collect();
    assert_eq!(
        names,
        ["order-1", "order-2", "order-events"],
        "a refused publish makes no queue"
    );
}

#[tokio::test]
async fn a_consumer_token_settles_only_what_it_may_see() {
    let world = secured().await;
    let other = world.publish("payments", "1").await;
    world.publish("order-events", "2").await;
    let worker =
        world.client_of(r#"{"sub":"defaultUser","queues":["order-*"],"permissions":["consume"]}"#);
    let lease = worker
        .v1()
        .receive::<u32>("order-events")
        .send()
        .await
        .unwrap()
        .pop()
        .unwrap();
    lease.ack().await.unwrap();
    world
        .client
        .v1()
        .receive::<u32>("payments")
        .send()
        .await
        .unwrap();
    assert_eq!(
        code(worker.v1().messages().ack(&other).send().await),
        "message_not_found"
    );
    assert_eq!(world.state(&other).await, MessageState::Leased);
}

#[tokio::test]
async fn an_expired_token_is_told_so_whatever_the_queues_clock_says() {
    let world = secured().await;
    let expired = world.client_of(r#"{"sub":"defaultUser","exp":1000}"#);
    let error = expired.v1().publish("orders", &1).send().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Unauthorized, Some("expired_token"))
    );
    // Good for centuries of real time; the manual clock goes further.
    let lasting = world.client_of(r#"{"sub":"defaultUser","exp":32503680000}"#);
    world
        .server
        .advance(1000 * 366 * crate::support::DAY)
        .await
        .unwrap();
    lasting.v1().publish("orders", &1).send().await.unwrap();
}

#[tokio::test]
async fn two_accounts_with_the_same_names_share_nothing() {
    let world = secured().await;
    let mut story = vec![];
    for account in ["bakery", "florist"] {
        let client = world.client_of(&format!(r#"{{"sub":"{account}"}}"#));
        let secret = client.v1().signing_secret().send().await.unwrap();
        let consumer = Consumer::accepting(&[secret.current.expose()], async |_| 200).await;
        let create = client
            .v1()
            .queues()
            .create("orders")
            .webhook_url(consumer.url());
        create.send().await.unwrap();
        let publish = client
            .v1()
            .publish("orders", account)
            .idempotency_key("first");
        let published = publish.send().await.unwrap();
        assert!(!published.deduplicated, "an account's keys are its own");
        story.push((account, client, consumer, published.message_id));
    }
    world.settle().await;
    for (account, client, consumer, id) in &story {
        assert_eq!(
            consumer.bodies(),
            [format!("\"{account}\"")],
            "each is signed with its own secret"
        );
        let metrics = client.v1().metrics().send().await.unwrap();
        assert_eq!((metrics.totals.published, metrics.totals.delivered), (1, 1));
        for (_, stranger, ..) in story.iter().filter(|it| it.0 != *account) {
            assert_eq!(
                code(stranger.v1().messages().get(id).send().await),
                "message_not_found"
            );
            assert_eq!(
                code(stranger.v1().messages().cancel(id).send().await),
                "message_not_found"
            );
        }
    }
    story[0]
        .1
        .v1()
        .queues()
        .delete("orders")
        .send()
        .await
        .unwrap();
    story[0]
        .1
        .v1()
        .rotate_signing_secret()
        .send()
        .await
        .unwrap();
    let florist = &story[1].1;
    assert!(florist.v1().queues().get("orders").send().await.is_ok());
    assert!(
        florist
            .v1()
            .signing_secret()
            .send()
            .await
            .unwrap()
            .previous
            .is_none()
    );
    assert!(
        world
            .client
            .v1()
            .queues()
            .list()
            .send()
            .await
            .unwrap()
            .items
            .is_empty()
    );
}

#[tokio::test]
async fn consumers_roll_over_to_a_new_secret_without_losing_a_message() {
    let world = World::manual().await;
    let before = world.server.signing_secret().to_owned();
    let behind = Consumer::accepting(&[&before], async |_| 200).await;
    let queue = world.pushed("orders", &behind).retry_backoff(fixed(MINUTE));
    queue.send().await.unwrap();
    let first = world.publish("orders", "1").await;
    world.settle().await;
    assert_eq!(world.state(&first).await, MessageState::Delivered);

    let rotated = world
        .client
        .v1()
        .rotate_signing_secret()
        .send()
        .await
        .unwrap();
    let previous = rotated.previous.as_ref().unwrap().expose();
    assert_eq!(previous, before);
    let second = world.publish("orders", "2").await;
    world.settle().await;
    assert_eq!(
        behind.count(),
        1,
        "a consumer that knows only the old secret refuses"
    );
    assert_eq!(world.message(&second).await.attempts[0].status, Some(401));
    let rolling = Consumer::accepting(&[rotated.current.expose(), previous], async |_| 200).await;
    world.pushed("orders", &rolling).send().await.unwrap();
    world.advance(MINUTE).await;
    assert_eq!(
        (rolling.bodies(), world.state(&second).await),
        (vec!["2".to_owned()], MessageState::Delivered)
    );
}
