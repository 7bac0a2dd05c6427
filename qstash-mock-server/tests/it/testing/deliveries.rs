//! Looking at what was delivered.

use std::pin::Pin;
use std::time::Duration;

use qstash_mock_server::MockServer;

use super::{START, manual, start};

/// Whether a future that is looked at once is not done.
async fn waits(future: Pin<&mut impl Future<Output = ()>>) -> bool {
    tokio::select! {
        biased;
        () = future => false,
        () = std::future::ready(()) => true,
    }
}

#[tokio::test]
async fn a_delivery_tells_request_answer_times_and_verdict() {
    let api = start(manual()).await;
    let consumer = api.server.consumer().respond([503, 200]).start();
    api.queue("orders", &consumer.url(), "").await;
    let body = r#"{"queue":"orders","message":{"id": 42.0},"headers":{"X-Trace":"abc"}}"#;
    let id = api.post("/v1/publish", body).await["message_id"]
        .as_str()
        .unwrap()
        .to_owned();
    api.server.advance(Duration::from_secs(1)).await.unwrap();
    let all = api.server.deliveries().all();
    assert_eq!(all.len(), 2);
    let (first, second) = (&all[0], &all[1]);
    assert_eq!(first.message_id().0.to_string(), id);
    assert_eq!(
        (first.queue(), first.account()),
        (Some("orders"), "defaultUser")
    );
    assert_eq!((first.url(), first.attempt()), (consumer.url().as_str(), 1));
    assert_eq!(first.body(), r#"{"id": 42.0}"#);
    assert_eq!(
        (first.status(), first.error()),
        (Some(503), Some("answered 503 Service Unavailable"))
    );
    assert!(first.is_failed() && second.is_delivered());
    assert_eq!(
        (second.started_at(), second.finished_at()),
        (
            START + Duration::from_secs(1),
            Some(START + Duration::from_secs(1))
        )
    );
    assert!(second.took().is_some());
    // What it says was sent is what came.
    for (delivery, received) in all.iter().zip(consumer.received()) {
        for (name, value) in &delivery.headers() {
            assert_eq!(received.headers().get(name), Some(value), "{name}");
        }
        assert_eq!(delivery.header("x-trace").as_deref(), Some("abc"));
        assert_eq!(
            delivery.header("qstash-signature").as_deref(),
            received.header("qstash-signature")
        );
    }
}

#[tokio::test]
async fn filters_narrow_down() {
    let api = start(manual()).await;
    let (a, b) = (api.server.consumer().start(), api.server.consumer().start());
    api.queue("one", &a.url(), "").await;
    api.queue("two", &b.url(), "").await;
    let id = api.publish("one", "1").await;
    api.publish("two", "2").await;
    api.post(
        "/v1/publish",
        r#"{"queue":"two","message":3,"headers":{"x-kind":"late"}}"#,
    )
    .await;
    api.server.settle().await.unwrap();
    let deliveries = || api.server.deliveries();
    assert_eq!(deliveries().json::<u8>().unwrap(), [1, 2, 3]);
    assert_eq!(deliveries().of("two").json::<u8>().unwrap(), [2, 3]);
    assert_eq!(deliveries().to(a.url()).json::<u8>().unwrap(), [1]);
    assert_eq!(deliveries().to("http://127.0.0.1:*").count(), 3);
    assert_eq!(
        deliveries()
            .of("two")
            .with_header("X-Kind", "late")
            .json::<u8>()
            .unwrap(),
        [3]
    );
    assert_eq!(deliveries().message(id).json::<u8>().unwrap(), [1]);
    assert_eq!(deliveries().account("testUser1").count(), 0);
    assert!(deliveries().json::<String>().is_err());
}

#[tokio::test]
async fn waiting_ends_when_enough_is_there_and_the_engine_knows_it_too() {
    let api = start(MockServer::builder()).await;
    let consumer = api.server.consumer().start();
    api.queue("q", &consumer.url(), "").await;
    for _ in 0..50 {
        let id = api.publish("q", "1").await;
        api.server
            .deliveries()
            .message(&id)
            .wait_for(1)
            .await
            .unwrap();
        let message = api.get(&format!("/v1/messages/{id}")).await;
        assert_eq!(message["state"], "delivered");
    }
}

#[tokio::test]
async fn waiting_in_vain_ends_at_its_bound_with_a_report() {
    let api = start(manual()).await;
    let consumer = api.server.consumer().start();
    api.queue("q", &consumer.url(), "").await;
    api.publish("q", "1").await;
    let waiting = api
        .server
        .deliveries()
        .of("q")
        .within(Duration::from_millis(50));
    let report = waiting.wait_for(2).await.unwrap_err().to_string();
    assert!(
        report.starts_with(
            "waited for 2 deliveries and saw 1 (asked for queue `q`; 1 were captured in all)"
        ),
        "{report}"
    );
    let told = "the wait ended because the 0.05 s of `within` was over\n  attempt 1 of message ";
    assert!(report.contains(told), "{report}");
    assert!(
        report.contains(" at 2027-01-15T08:00:00.000Z: delivered\n"),
        "{report}"
    );
}

#[tokio::test]
async fn whoever_waits_for_more_than_is_kept_is_told_so() {
    let api = start(manual().capture(3)).await;
    let consumer = api.server.consumer().start();
    api.queue("q", &consumer.url(), "").await;
    let all = api.server.deliveries().within(Duration::from_millis(50));
    let waiting = async |count| all.wait_for(count).await.map(|it| it.len());
    for number in 1..=4 {
        api.publish("q", &number.to_string()).await;
        api.server.settle().await.unwrap();
    }
    assert_eq!(waiting(3).await.ok(), Some(3));
    let report = waiting(4).await.unwrap_err().to_string();
    assert!(
        report.starts_with("waited for 4 deliveries and saw 3"),
        "{report}"
    );
}

#[tokio::test]
async fn an_expectation_that_is_made_while_somebody_waits_is_waited_for_too() {
    let api = start(MockServer::builder().real_time_limit(Duration::from_secs(3600))).await;
    let consumer = api.server.consumer().start();
    api.queue("q", &consumer.url(), "").await;
    api.server.expect().message_to("q").times(1..);
    let verified = api.server.verify();
    tokio::pin!(verified);
    assert!(waits(verified.as_mut()).await);
    api.server.expect().message_to("q").times(2..);
    api.publish("q", "1").await;
    api.server.deliveries().wait_for(1).await.unwrap();
    assert!(waits(verified.as_mut()).await);
    api.publish("q", "2").await;
    verified.await;
}

#[tokio::test]
async fn the_oldest_are_forgotten_at_the_bound() {
    let api = start(manual().capture(3)).await;
    let consumer = api.server.consumer().start();
    api.queue("q", &consumer.url(), r#""parallelism":1"#).await;
    for number in 1..=4 {
        api.publish("q", &number.to_string()).await;
        api.server.settle().await.unwrap();
        assert_eq!(api.server.deliveries().count(), number.min(3));
    }
    assert_eq!(api.server.deliveries().json::<u8>().unwrap(), [2, 3, 4]);
    let none = start(manual().capture(0)).await;
    none.queue("q", &consumer.url(), "").await;
    none.publish("q", "1").await;
    none.server.settle().await.unwrap();
    assert_eq!(none.server.deliveries().count(), 0);
}
