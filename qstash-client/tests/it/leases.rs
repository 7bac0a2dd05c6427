//! Receiving, and what a lease can do.

use std::time::Duration;

use qstash_client::{ErrorKind, RawJson};
use serde::Deserialize;

use crate::fake::{Fake, Step, answer, ok};

#[derive(Debug, Deserialize)]
struct Order {
    order_id: u64,
}

fn received(messages: &[&str]) -> Step {
    let messages: Vec<String> = messages
        .iter()
        .enumerate()
        .map(|(n, message)| {
            format!(
                r#"{{"message_id":"m{n}","queue":"q","message":{message},"attempt":2,"lease_id":"l{n}",
                "lease_expires_at":"2026-11-24T00:00:30.000Z","published_at":"2026-11-24T00:00:00.000Z",
                "dead_letter":null}}"#
            )
        })
        .collect();
    ok(format!(r#"{{"messages":[{}]}}"#, messages.join(",")))
}

fn extended(seconds: u32) -> Step {
    let end = format!("2026-11-24T00:{:02}:{:02}.000Z", seconds / 60, seconds % 60);
    ok(format!(
        r#"{{"message_id":"m0","lease_expires_at":"{end}"}}"#
    ))
}

const LOST: &str = r#"{"error":"Another consumer holds it.","code":"lease_lost"}"#;

#[tokio::test(start_paused = true)]
async fn a_lease_reads_as_its_payload_and_is_settled_with_its_fence() {
    let fake = Fake::new([received(&[r#"{"order_id":42}"#]), extended(90), ok("")]);
    let client = fake.client();
    let receive = client
        .v1()
        .receive::<Order>("q")
        .max_messages(10)
        .wait(Duration::from_secs(1));
    let mut leases = receive.send().await.expect("receives");
    let mut lease = leases.pop().expect("one message");
    assert_eq!(lease.order_id, 42);
    assert_eq!(lease.attempt(), 2);
    assert_eq!(lease.published_at().to_string(), "2026-11-24T00:00:00.000Z");
    let end = lease
        .extend(Duration::from_secs(60))
        .await
        .expect("extends");
    assert_eq!(end.to_string(), "2026-11-24T00:01:30.000Z");
    assert_eq!(lease.expires_at(), end);
    lease.ack().await.expect("acks");

    let seen = fake.seen();
    assert_eq!(seen[0].line(), "POST http://q.test/v1/queues/q/receive");
    assert_eq!(
        seen[0].json(),
        serde_json::json!({"max_messages": 10, "wait_seconds": 1})
    );
    assert_eq!(seen[1].line(), "POST http://q.test/v1/messages/m0/extend");
    assert_eq!(
        seen[1].json(),
        serde_json::json!({"visibility_seconds": 60, "lease_id": "l0"})
    );
    assert_eq!(seen[2].line(), "POST http://q.test/v1/messages/m0/ack");
    assert_eq!(seen[2].json(), serde_json::json!({"lease_id": "l0"}));
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_message_is_released_and_the_others_arrive() {
    let fake = Fake::new([received(&["\"?\"", r#"{"order_id":1}"#]), ok("")]);
    let leases = fake
        .client()
        .v1()
        .receive::<Order>("q")
        .send()
        .await
        .expect("receives");
    assert_eq!(leases.len(), 1);
    let seen = fake.seen();
    assert_eq!(seen[1].line(), "POST http://q.test/v1/messages/m0/release");
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_message_that_comes_alone_is_reported() {
    let fake = Fake::new([received(&["\"?\""]), ok("")]);
    let error = fake
        .client()
        .v1()
        .receive::<Order>("q")
        .send()
        .await
        .expect_err("unreadable");
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(error.to_string().contains("`m0`"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn raw_payloads_keep_their_bytes_and_can_be_read_later() {
    let fake = Fake::new([received(&["{\"order_id\" : 7.0}"])]);
    let client = fake.client();
    let mut leases = client
        .v1()
        .receive::<RawJson>("q")
        .send()
        .await
        .expect("receives");
    let lease = leases.pop().expect("one");
    assert_eq!(lease.get(), "{\"order_id\" : 7.0}");
    let undecodable = lease.decode::<Order>().expect_err("7.0 is no u64");
    assert_eq!(undecodable.lease.id().as_str(), "m0");
}

#[tokio::test(start_paused = true)]
async fn work_keeps_its_lease_alive_as_long_as_it_goes_on() {
    let steps = [
        received(&["1"]),
        extended(40),
        Step::Broken,
        extended(50),
        extended(60),
    ];
    let fake = Fake::new(steps);
    let client = fake.client();
    let mut lease = client
        .v1()
        .receive::<u8>("q")
        .send()
        .await
        .expect("receives")
        .remove(0);
    let work = async {
        tokio::time::advance(Duration::from_secs(0)).await;
        tokio::time::timeout(Duration::from_secs(35), std::future::pending::<()>()).await
    };
    let ten = Duration::from_secs(10);
    let done = lease
        .keep_alive(ten, ten * 3, work)
        .await
        .expect("the lease holds");
    assert!(done.is_err(), "the work's own result is handed through");
    assert_eq!(lease.expires_at().to_string(), "2026-11-24T00:01:00.000Z");
    assert_eq!(fake.seen().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn work_is_dropped_when_its_lease_is_lost() {
    let fake = Fake::new([received(&["1"]), answer(409, LOST)]);
    let client = fake.client();
    let mut lease = client
        .v1()
        .receive::<u8>("q")
        .send()
        .await
        .expect("receives")
        .remove(0);
    let ten = Duration::from_secs(10);
    let error = lease
        .keep_alive(ten, ten, std::future::pending::<()>())
        .await;
    assert_eq!(error.expect_err("lost").code(), Some("lease_lost"));
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_beats_until_it_is_dropped_or_lost() {
    let fake = Fake::new([received(&["1"]), extended(40), answer(409, LOST)]);
    let client = fake.client();
    let lease = client
        .v1()
        .receive::<u8>("q")
        .send()
        .await
        .expect("receives")
        .remove(0);
    let mut heartbeat = lease.heartbeat(Duration::from_secs(10), Duration::from_secs(30));
    assert!(!heartbeat.is_lost());
    heartbeat.lost().await;
    assert_eq!(
        heartbeat.expires_at().to_string(),
        "2026-11-24T00:00:40.000Z"
    );
    assert_eq!(fake.seen()[2].at, Duration::from_secs(20));

    let quiet = lease.heartbeat(Duration::from_secs(10), Duration::from_secs(30));
    drop(quiet);
    tokio::time::advance(Duration::from_secs(60)).await;
    assert!(fake.seen().is_empty(), "a dropped heartbeat is silent");
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_answered_202_settles_by_id() {
    let fake = Fake::new([extended(40), ok(""), ok("")]);
    let client = fake.client();
    let messages = client.v1().messages();
    messages
        .extend("m0", Duration::from_secs(5))
        .lease_id("l0")
        .send()
        .await
        .expect("extends");
    messages.ack("m0").send().await.expect("acks");
    messages
        .release("m0", Duration::from_secs(2))
        .send()
        .await
        .expect("releases");
    assert_eq!(
        fake.seen()[2].json(),
        serde_json::json!({"delay_seconds": 2})
    );
}
