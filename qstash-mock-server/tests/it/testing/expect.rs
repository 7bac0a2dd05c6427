//! Expectations, and the reports on those that are not met.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use qstash_mock_server::MockServer;
use qstash_mock_server::testing::{Answer, Consumer};
use serde::Deserialize;

use super::{START, manual, start};
use crate::support::Api;

#[derive(Deserialize)]
struct Order {
    id: u32,
}

const MINUTE: Duration = Duration::from_secs(60);

/// A server with one delivered order and one that failed once.
async fn shop() -> (Api, Consumer) {
    let api = start(manual()).await;
    let consumer = api
        .server
        .consumer()
        .respond_with(|it| {
            if it.attempt() == 1 && it.body().ends_with(b"2}") {
                Answer::status(500).body("order 2 is unknown")
            } else {
                Answer::status(200)
            }
        })
        .start();
    api.queue("orders", &consumer.url(), "").await;
    api.publish("orders", r#"{"id":1}"#).await;
    api.publish("orders", r#"{"id":2}"#).await;
    (api, consumer)
}

#[tokio::test]
async fn expectations_that_are_met_say_nothing() {
    let (api, _consumer) = shop().await;
    let server = &api.server;
    server
        .expect()
        .message_to("orders")
        .matching(|order: &Order| order.id == 1)
        .delivered()
        .times(1);
    server
        .expect()
        .message_to("orders")
        .matching(|order: &Order| order.id == 2)
        .failed()
        .times(1);
    server.expect().delivered().times(2).within(MINUTE);
    server.expect().times(2..=3);
    server.expect().message_to("refunds").never();
    server.expect().with_header("qstash-attempt", "2");
    server.advance(MINUTE).await.unwrap();
    server.verify().await;
}

#[tokio::test]
async fn the_report_shows_what_came_nearest_and_what_is_in_the_queues() {
    let (api, consumer) = shop().await;
    api.server
        .expect()
        .message_to("order")
        .matching(|order: &Order| order.id == 2)
        .delivered()
        .times(3);
    api.server.settle().await.unwrap();
    let report = api.server.try_verify().await.unwrap_err().to_string();
    for part in [
        "1 expectation(s) not met",
        "expected: delivered of queue `order`, with a matching body, 3 times (",
        "tests/it/testing/expect.rs:",
        "happened: 0 times",
        "queue: asked for `order`, is `orders`",
        r#"body: the closure returned false for {"id":1}"#,
        "outcome: asked for delivered, is failed: answered 500 Internal Server Error",
        "captured in all: 2 requests",
        "queue orders of defaultUser: 0 ready, 1 delayed, 0 in flight, 1 delivered, 0 failed, 0 dead-lettered",
    ] {
        assert!(report.contains(part), "{part} is not in\n{report}");
    }
    // The nearest stand first.
    let at = |part: &str| report.find(part).unwrap();
    assert!(at("queue: asked for") < at("outcome: asked for"));
    drop(consumer);
}

#[tokio::test]
async fn the_report_reads_like_this() {
    let (api, consumer) = shop().await;
    let expectation = api.server.expect().message_to("orders");
    let _ = expectation
        .matching(|order: &Order| order.id == 2)
        .with_header("x-kind", "late")
        .delivered()
        .times(1);
    api.server.settle().await.unwrap();
    let unmet = api.server.try_verify().await.unwrap_err();
    let report = unmet.to_string();
    // As a test shows it that ends with this error.
    assert_eq!(format!("{unmet:?}"), report);
    let mut report = report.replace(&consumer.url(), "<consumer>");
    for (delivery, name) in api
        .server
        .deliveries()
        .into_iter()
        .zip(["<first>", "<second>"])
    {
        report = report.replace(&delivery.message_id().0.to_string(), name);
    }
    let place = report
        .find("(tests/")
        .or_else(|| report.find("(qstash-"))
        .unwrap();
    let end = place + report[place..].find(')').unwrap();
    report.replace_range(place..=end, "(<place>)");
    assert_eq!(
        report,
        r#"1 expectation(s) not met

- expected: delivered of queue `orders`, header `x-kind: late`, with a matching body, 1 times (<place>)
  happened: 0 times
  near: attempt 1 of message <second> in queue `orders` to <consumer> at 2027-01-15T08:00:00.000Z: failed: answered 500 Internal Server Error; it answered order 2 is unknown
    header x-kind: asked for `late`, is absent
    outcome: asked for delivered, is failed: answered 500 Internal Server Error
  near: attempt 1 of message <first> in queue `orders` to <consumer> at 2027-01-15T08:00:00.000Z: delivered
    header x-kind: asked for `late`, is absent
    body: the closure returned false for {"id":1}

captured in all: 2 requests
clock: manual, stands at 2027-01-15T08:00:00.000Z until `advance`, `advance_to` or `advance_to_next` moves it
due next: 2027-01-15T08:00:01.000Z, in 1 s: message <second> in queue `orders`
queue orders of defaultUser: 0 ready, 1 delayed, 0 in flight, 1 delivered, 0 failed, 0 dead-lettered
seed 7: `MockServer::builder().seed(7)` makes the same ids and faults again
"#
    );
}

#[tokio::test]
async fn bodies_headers_and_times_that_differ_are_told() {
    #[derive(Deserialize)]
    struct Refund {
        #[expect(dead_code, reason = "it only has to be missing")]
        reason: String,
    }
    let (api, _consumer) = shop().await;
    api.server
        .expect()
        .matching(|_: &Refund| true)
        .with_header("x-kind", "refund")
        .to_url("https://*");
    api.server.advance(MINUTE).await.unwrap();
    api.server
        .expect()
        .delivered()
        .times(9)
        .within(Duration::ZERO);
    let report = api.server.try_verify().await.unwrap_err().to_string();
    for part in [
        "Refund`: missing field `reason`",
        "header x-kind: asked for `refund`, is absent",
        "URL: asked for `https://*`, is `http://127.0.0.1:",
        "2 expectation(s) not met",
    ] {
        assert!(report.contains(part), "{part} is not in\n{report}");
    }
}

#[tokio::test]
async fn only_attempts_within_the_time_count() {
    let (api, _consumer) = shop().await;
    api.server
        .expect()
        .delivered()
        .times(2)
        .within(Duration::from_millis(500));
    api.server.advance(MINUTE).await.unwrap();
    let report = api.server.try_verify().await.unwrap_err().to_string();
    assert!(report.contains("time: 0.5 s too late"), "{report}");
}

#[tokio::test]
async fn verify_waits_on_the_system_clock_and_skips_time_on_an_automatic_one() {
    let system = start(MockServer::builder()).await;
    let consumer = system.server.consumer().start();
    system.queue("q", &consumer.url(), "").await;
    system.server.expect().delivered().times(1);
    let body = r#"{"queue":"q","message":1,"delay_seconds":0.2}"#;
    system.post("/v1/publish", body).await;
    system.server.verify().await;

    let auto = start(MockServer::builder().auto_clock(START)).await;
    let consumer = auto.server.consumer().respond([500, 500, 200]).start();
    auto.queue(
        "q",
        &consumer.url(),
        r#""retry_backoff":{"kind":"fixed","seconds":86400}"#,
    )
    .await;
    auto.server
        .expect()
        .delivered()
        .times(1)
        .within(3 * 86400 * Duration::from_secs(1));
    auto.publish("q", "1").await;
    auto.server.verify().await;
    assert_eq!(consumer.count(), 3);
}

#[tokio::test]
async fn a_drop_judges_what_was_not_judged_and_does_not_wait() {
    let (api, consumer) = shop().await;
    api.server.settle().await.unwrap();
    api.server.expect().message_to("refunds");
    let dropped = std::panic::catch_unwind(AssertUnwindSafe(|| drop(api)));
    let panic = dropped.unwrap_err();
    let report = panic.downcast_ref::<String>().unwrap();
    assert!(report.contains("queue `refunds`"), "{report}");
    assert!(report.contains("seed 7: "), "{report}");
    let hint = "they were judged when the server was dropped. If the test returned an `Err`, for example by `?`, this \
                panic hides it, because a drop cannot see it. To see the error, write `unwrap()` instead of `?`, or \
                end the test with `server.finish(result).await`\n";
    assert!(
        report.starts_with(&format!("1 expectation(s) not met\n{hint}")),
        "{report}"
    );
    drop(consumer);

    let (api, consumer) = shop().await;
    api.server.expect().message_to("refunds");
    let unmet = api.server.try_verify().await;
    assert!(unmet.is_err());
    // It was judged, and is not judged again.
    drop((api, consumer));
}

#[tokio::test]
async fn a_drop_while_panicking_stays_quiet() {
    let (api, _consumer) = shop().await;
    let panic = std::panic::catch_unwind(AssertUnwindSafe(move || {
        api.server.expect().message_to("refunds");
        let _held = api;
        panic!("the reason");
    }));
    assert_eq!(
        panic.unwrap_err().downcast_ref::<&str>(),
        Some(&"the reason")
    );
}
