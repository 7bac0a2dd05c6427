//! Things that go wrong on purpose.

use std::time::Duration;

use qstash_mock_server::testing::Fault;
use reqwest::Method;

use super::{START, manual, start};
use crate::support::{Api, assert_refused};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// The state of the message and how it came to it.
async fn attempts(api: &Api) -> Vec<(String, Vec<&'static str>)> {
    let ending = |it: &qstash_mock_server::testing::Delivery| {
        let ending = it.error().unwrap_or("delivered").to_owned();
        (ending, it.faults().to_vec())
    };
    api.server.deliveries().all().iter().map(ending).collect()
}

#[tokio::test]
async fn a_lost_answer_makes_the_message_come_again() {
    let api = start(manual()).await;
    let consumer = api.server.consumer().start();
    api.queue("q", &consumer.url(), "").await;
    let fault = api.server.inject(Fault::lose_answer().queue("q").times(1));
    let id = api.publish("q", "1").await;
    api.server.advance(SECOND).await.unwrap();
    assert_eq!(
        attempts(&api).await,
        [
            (
                "the answer was lost by a fault".to_owned(),
                vec!["lose_answer"]
            ),
            ("delivered".to_owned(), vec![]),
        ]
    );
    assert_eq!((consumer.count(), fault.hits()), (2, 1));
    let ids: Vec<_> = consumer
        .received()
        .iter()
        .map(|it| it.message_id().unwrap().to_owned())
        .collect();
    assert_eq!(ids, [id.clone(), id]);
}

#[tokio::test]
async fn a_duplicate_reaches_the_consumer_twice_and_the_first_answer_counts() {
    let api = start(manual()).await;
    let consumer = api.server.consumer().start();
    api.queue("q", &consumer.url(), "").await;
    api.server.inject(Fault::duplicate());
    api.publish("q", "1").await;
    api.server.advance(HOUR).await.unwrap();
    let delivered = ("delivered".to_owned(), vec!["duplicate"]);
    assert_eq!(attempts(&api).await, [delivered.clone(), delivered]);
    let deliveries = api.server.deliveries().all();
    let marks = deliveries
        .iter()
        .map(|it| (it.attempt(), it.is_duplicate()));
    assert_eq!(marks.collect::<Vec<_>>(), [(1, false), (1, true)]);
    assert_eq!(deliveries[0].headers(), deliveries[1].headers());
    assert_eq!(deliveries[1].body(), "1");
    let received = consumer.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].headers(), received[1].headers());
}

#[tokio::test]
async fn the_first_answer_counts_also_where_the_second_takes_too_long() {
    let api = start(manual().real_time_limit(HOUR)).await;
    let consumer = api.server.consumer().after(20 * SECOND).start();
    let settings = r#""delivery_timeout_seconds":30"#;
    api.queue("q", &consumer.url(), settings).await;
    api.server.inject(Fault::duplicate());
    api.publish("q", "1").await;
    api.server.advance(HOUR).await.unwrap();
    let all = api.server.deliveries().all();
    assert_eq!((all.len(), consumer.count()), (2, 2));
    assert!(all[0].is_delivered());
    assert_eq!(all[0].finished_at(), Some(START + 20 * SECOND));
    // It left when the first answer had come, and nobody waits for its answer.
    assert_eq!(all[1].started_at(), START + 20 * SECOND);
    assert_eq!(all[1].error(), Some("given up without an answer"));
}

#[tokio::test]
async fn each_request_that_left_counts_as_a_delivery() {
    let api = start(manual()).await;
    let consumer = api.server.consumer().start();
    api.queue("q", &consumer.url(), "").await;
    api.server.inject(Fault::duplicate().script([false, true]));
    for message in ["1", "2", "3"] {
        api.publish("q", message).await;
    }
    let seen = api.server.deliveries().wait_for(4).await.unwrap();
    assert_eq!(consumer.count(), seen.len());
    // Where the requests of an attempt stand together, whenever the second one left.
    let order = api.server.deliveries().json::<u8>().unwrap();
    assert_eq!(order, [1, 2, 2, 3]);
    api.server.expect().message_to("q").delivered().times(3);
    let unmet = api.server.try_verify().await.unwrap_err().to_string();
    assert!(unmet.contains("happened: 4 times"), "{unmet}");
    assert!(
        unmet.contains("near: duplicate of attempt 1 of message "),
        "{unmet}"
    );
    api.server.expect().message_to("q").delivered().times(4);
    api.server.verify().await;
    let journal = api.server.deliveries().journal([]);
    let again: Vec<_> = journal
        .lines()
        .filter(|it| it.contains(" duplicate"))
        .collect();
    assert_eq!(again.len(), 1, "{journal}");
}

#[tokio::test]
async fn a_duplicate_that_is_under_way_when_its_attempt_times_out_is_given_up() {
    let api = start(manual().real_time_limit(Duration::from_millis(50))).await;
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let consumer = api
        .server
        .consumer()
        .handle(move |_| {
            let first = calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
            async move {
                if !first {
                    std::future::pending::<()>().await;
                }
                200
            }
        })
        .start();
    let settings = r#""delivery_timeout_seconds":30,"max_retries":0"#;
    api.queue("q", &consumer.url(), settings).await;
    api.server.inject(Fault::duplicate());
    api.publish("q", "1").await;
    api.server.advance(HOUR).await.unwrap();
    let ends: Vec<_> = api
        .server
        .deliveries()
        .all()
        .iter()
        .map(|it| (it.is_duplicate(), it.is_failed()))
        .collect();
    assert_eq!(ends, [(false, true), (true, true)]);
}

#[tokio::test]
async fn delays_pass_in_the_servers_time_and_nobody_waits_for_them() {
    let api = start(manual().real_time_limit(Duration::from_secs(600))).await;
    let consumer = api.server.consumer().start();
    api.queue("q", &consumer.url(), "").await;
    let fault = api.server.inject(Fault::delay(10 * SECOND));
    api.server.inject(Fault::slow(5 * SECOND));
    api.publish("q", "1").await;
    api.server.advance(9 * SECOND).await.unwrap();
    assert_eq!(consumer.count(), 0);
    api.server.advance(SECOND).await.unwrap();
    assert_eq!(consumer.count(), 1);
    api.server.advance(HOUR).await.unwrap();
    let delivery = api.server.deliveries().last().unwrap();
    assert_eq!(delivery.finished_at(), Some(START + 15 * SECOND));
    fault.remove();
    api.server.clear_faults();
    api.publish("q", "1").await;
    api.server.settle().await.unwrap();
    assert!(api.server.deliveries().last().unwrap().is_delivered());
}

#[tokio::test]
async fn a_reordered_request_is_overtaken() {
    for round in 0..20 {
        let api = start(manual().seed(round)).await;
        let consumer = api.server.consumer().start();
        api.queue("q", &consumer.url(), "").await;
        api.server.inject(Fault::reorder().script([true]));
        for message in ["1", "2", "3"] {
            api.publish("q", message).await;
        }
        api.server.settle().await.unwrap();
        let order: Vec<u8> = consumer
            .received()
            .iter()
            .map(|it| it.json().unwrap())
            .collect();
        assert!(
            order == [2, 1, 3] || order == [2, 3, 1] || order == [3, 2, 1] || order == [3, 1, 2],
            "{order:?}"
        );
        assert_eq!(api.server.now(), START);
    }
}

#[tokio::test]
async fn what_nothing_overtakes_is_a_second_late() {
    let api = start(manual()).await;
    let consumer = api.server.consumer().start();
    api.queue("q", &consumer.url(), "").await;
    api.server.inject(Fault::reorder());
    api.publish("q", "1").await;
    api.server.advance(HOUR).await.unwrap();
    assert_eq!(consumer.received()[0].at(), START + SECOND);
}

#[tokio::test]
async fn connections_break_and_signatures_lie() {
    let api = start(manual()).await;
    let consumer = api.server.consumer().start();
    api.queue("q", &consumer.url(), "").await;
    api.server
        .inject(Fault::reset_mid_body().script([true, false]));
    api.server
        .inject(Fault::bad_signature().script([false, true]));
    api.publish("q", r#""a message of some length""#).await;
    api.server.advance(HOUR).await.unwrap();
    assert_eq!(
        attempts(&api).await,
        [
            (
                "the connection was reset in the middle of the body by a fault".to_owned(),
                vec!["reset_mid_body"]
            ),
            (
                "answered 401 Unauthorized".to_owned(),
                vec!["bad_signature"]
            ),
            ("delivered".to_owned(), vec![]),
        ]
    );
    assert_eq!(consumer.count(), 2, "a request without its end is none");
}

#[tokio::test]
async fn a_key_that_is_rotated_in_mid_flight_is_still_good_as_the_previous_one() {
    let api = start(manual()).await;
    let consumer = api.server.consumer().start();
    api.queue("q", &consumer.url(), "").await;
    let before = api.get("/v1/signing-secret").await["current"].clone();
    api.server.inject(Fault::rotate_key().times(1));
    api.publish("q", "1").await;
    api.server.settle().await.unwrap();
    let secrets = api.get("/v1/signing-secret").await;
    assert_eq!(secrets["previous"], before);
    assert_ne!(secrets["current"], before);
    assert!(api.server.deliveries().last().unwrap().is_delivered());
}

#[tokio::test]
async fn the_api_answers_what_a_fault_wants_and_does_nothing() {
    let api = start(manual()).await;
    let fault = Fault::api_status(429)
        .header("Retry-After", "7")
        .path("/v1/publish")
        .queue("q");
    let fault = api.server.inject(fault.script([false, true]));
    let body = r#"{"queue":"q","message":1}"#;
    api.post("/v1/publish", body).await;
    let response = api.try_post("/v1/publish", body).await;
    assert_eq!(response.headers()["retry-after"], "7");
    assert_eq!(response.headers().get_all("retry-after").iter().count(), 1);
    assert_refused(response, (429, "rate_limited", None), "the second publish").await;
    api.post("/v1/publish", body).await;
    api.post("/v1/publish", r#"{"queue":"other","message":1}"#)
        .await;
    let metrics = api.get("/v1/metrics").await;
    assert_eq!(metrics["queues"]["q"]["published"], 2);
    assert_eq!(fault.hits(), 1);
}

#[tokio::test]
async fn the_api_resets_connections_before_and_after_it_did_what_was_asked() {
    for (fault, published) in [
        (Fault::api_reset_before(), 0),
        (Fault::api_reset_after(), 1),
    ] {
        let api = start(manual()).await;
        api.queue("q", "http://127.0.0.1:1/", r#""paused":true"#)
            .await;
        api.server.inject(fault.account("defaultUser").times(1));
        let error = api
            .request(Method::POST, "/v1/publish")
            .header("content-type", "application/json")
            .body(r#"{"queue":"q","message":1}"#)
            .send()
            .await
            .unwrap_err();
        let mut causes = std::iter::successors(std::error::Error::source(&error), |it| it.source());
        let reset = causes.any(|it| {
            it.downcast_ref::<std::io::Error>()
                .is_some_and(|it| it.kind() == std::io::ErrorKind::ConnectionReset)
        });
        assert!(reset, "{error:?}");
        let metrics = api.get("/v1/metrics").await;
        assert_eq!(metrics["queues"]["q"]["published"], published);
    }
}

#[tokio::test]
async fn a_slow_api_takes_real_time() {
    let api = start(manual()).await;
    api.server
        .inject(Fault::api_delay(Duration::from_millis(30)).path("/v1/queues"));
    let begun = std::time::Instant::now();
    api.get("/v1/queues").await;
    assert!(begun.elapsed() >= Duration::from_millis(30));
    // Health and metrics of the server are no part of the API.
    assert!(
        api.bare(Method::GET, "/health")
            .send()
            .await
            .unwrap()
            .status()
            .is_success()
    );
}

#[tokio::test]
#[should_panic(expected = "`probability` must be a number from 0 to 1")]
async fn a_fault_that_makes_no_sense_is_a_panic_that_says_so() {
    let api = start(manual()).await;
    api.server.inject(Fault::duplicate().probability(2.0));
}
