//! Moving the clock past consumers that wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use qstash_mock_server::testing::Answer;
use qstash_mock_server::{ClockBusy, MockServer};
use reqwest::Method;
use serde_json::json;
use tokio::sync::Mutex;

use super::{START, manual, start};

const HOUR: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);

/// So long in real time that a test which waits for it would be noticed.
const NEVER: Duration = Duration::from_secs(600);

#[tokio::test]
async fn a_consumer_that_hangs_is_not_waited_for() {
    let api = start(manual().real_time_limit(NEVER)).await;
    let consumer = api.server.consumer().hang().start();
    api.queue(
        "q",
        &consumer.url(),
        r#""max_retries":2,"delivery_timeout_seconds":30"#,
    )
    .await;
    api.publish("q", "1").await;
    let report = api.server.advance(HOUR).await.unwrap();
    // The first one was started by the publish.
    assert_eq!((report.started, report.unanswered), (2, 0));
    assert_eq!(report.now, START + HOUR);
    let ends: Vec<_> = api
        .server
        .deliveries()
        .into_iter()
        .map(|it| it.finished_at().unwrap())
        .collect();
    // 30 s of timeout each, and backoffs of 1 s and 2 s.
    assert_eq!(ends, [30, 61, 93].map(|it| START + it * SECOND));
}

#[tokio::test]
async fn a_consumer_that_answers_later_does_so_in_the_servers_time() {
    let api = start(manual().real_time_limit(NEVER)).await;
    let consumer = api.server.consumer().after(10 * SECOND).start();
    api.queue("q", &consumer.url(), "").await;
    api.publish("q", "1").await;
    api.server.settle().await.unwrap();
    assert_eq!(api.server.deliveries().last().unwrap().finished_at(), None);
    api.server.advance(HOUR).await.unwrap();
    let delivery = api.server.deliveries().last().unwrap();
    assert!(delivery.is_delivered());
    assert_eq!(delivery.finished_at(), Some(START + 10 * SECOND));
}

#[tokio::test]
async fn the_date_of_a_retry_after_is_read_in_the_servers_time() {
    let api = start(manual().real_time_limit(NEVER)).await;
    // Two minutes after `START`, in whatever year this test runs.
    let busy = Answer::status(503).header("Retry-After", "Fri, 15 Jan 2027 08:02:00 GMT");
    let consumer = api
        .server
        .consumer()
        .respond([busy, Answer::status(200)])
        .start();
    api.queue("q", &consumer.url(), "").await;
    api.publish("q", "1").await;
    let publish = format!("/v2/publish/{}", consumer.url());
    let published = api.request(Method::POST, &publish).body("1").send().await;
    assert_eq!(published.unwrap().status(), 201);
    api.server.advance(HOUR).await.unwrap();
    let again = api
        .server
        .deliveries()
        .into_iter()
        .filter(|it| it.attempt() == 2);
    let started: Vec<_> = again.map(|it| it.started_at()).collect();
    assert_eq!(started, [START + 120 * SECOND; 2]);
}

#[tokio::test]
async fn an_answer_after_the_timeout_comes_too_late() {
    let api = start(manual().real_time_limit(NEVER)).await;
    let consumer = api.server.consumer().after(31 * SECOND).start();
    api.queue("q", &consumer.url(), r#""max_retries":0"#).await;
    api.publish("q", "1").await;
    let report = api.server.advance(40 * SECOND).await.unwrap();
    // The timeout, and not the answer that nobody waits for any more.
    assert_eq!(report.deadlines, 1);
    let delivery = api.server.deliveries().last().unwrap();
    assert_eq!(delivery.error(), Some("given up without an answer"));
}

#[tokio::test]
async fn a_stranger_that_hangs_is_left_behind_and_listed() {
    let api = start(manual().real_time_limit(Duration::from_millis(50))).await;
    // Takes connections and never says a word.
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", mute.local_addr().unwrap());
    api.queue("q", &url, r#""delivery_timeout_seconds":1000"#)
        .await;
    let id = api.publish("q", "1").await;
    let report = api.server.advance(SECOND).await.unwrap();
    assert_eq!(report.unanswered, 1);
    assert_eq!(report.left_behind[0].message.0.to_string(), id);
    assert_eq!(&*report.left_behind[0].url, url);
    let report = api.server.advance(SECOND).await.unwrap();
    assert_eq!(report.unanswered, 1, "it is waited for anew");
}

#[tokio::test]
async fn advance_to_next_tells_what_fell_due() {
    let api = start(manual()).await;
    let consumer = api.server.consumer().respond([503, 200]).start();
    api.queue("q", &consumer.url(), "").await;
    let id = api.publish("q", "1").await;
    let report = api.server.advance_to_next().await.unwrap().unwrap();
    assert_eq!(report.now, START + SECOND);
    let due: Vec<_> = report
        .due
        .iter()
        .map(|it| (it.message.0.to_string(), it.attempt))
        .collect();
    assert_eq!(due, [(id, 2)]);
    // The finished message is forgotten, and then there is nothing left.
    let report = api.server.advance_to_next().await.unwrap().unwrap();
    assert_eq!(report.due, []);
    assert_eq!(api.server.advance_to_next().await.unwrap(), None);
}

#[tokio::test]
async fn a_consumer_may_publish_again_and_everything_still_comes_in_order() {
    let api = start(manual().real_time_limit(NEVER)).await;
    let (uri, token) = (api.server.uri(), api.server.token().to_owned());
    let consumer = api
        .server
        .consumer()
        .handle(move |received| {
            let again = reqwest::Client::new()
                .post(format!("{uri}/v1/publish"))
                .bearer_auth(&token)
                .header("content-type", "application/json");
            async move {
                let number: u32 = received.json().unwrap();
                if number < 5 {
                    let body = format!(
                        r#"{{"queue":"q","message":{},"delay_seconds":60}}"#,
                        number + 1
                    );
                    again
                        .body(body)
                        .send()
                        .await
                        .unwrap()
                        .error_for_status()
                        .unwrap();
                }
                200
            }
        })
        .start();
    api.queue("q", &consumer.url(), "").await;
    api.publish("q", "1").await;
    let report = api.server.advance(HOUR).await.unwrap();
    // The first one was started by the publish.
    assert_eq!(report.started, 4);
    let times: Vec<_> = consumer
        .received()
        .iter()
        .map(|it| it.at().since(START))
        .collect();
    assert_eq!(times, [0, 60, 120, 180, 240].map(Duration::from_secs));
}

#[tokio::test]
async fn one_caller_at_a_time_moves_the_clock() {
    let api = start(manual()).await;
    let consumer = api.server.consumer().respond([503]).start();
    api.queue("q", &consumer.url(), r#""max_retries":9"#).await;
    api.publish("q", "1").await;
    let (first, second) = tokio::join!(api.server.advance(HOUR), api.server.settle());
    assert!(first.is_ok());
    assert_eq!(second.unwrap_err(), ClockBusy::Moving);
    assert!(api.server.settle().await.is_ok());
    let server = MockServer::start().await;
    assert_eq!(server.settle().await.unwrap_err(), ClockBusy::NotManual);
    assert_eq!(
        server.advance_to_next().await.unwrap_err(),
        ClockBusy::NotManual
    );
}

#[tokio::test]
async fn who_waits_for_a_busy_machine_is_not_left_behind() {
    let api = start(manual().real_time_limit(SECOND)).await;
    // One after the other, so that the last one waits longer than the clock has patience.
    let turn = Arc::new(Mutex::new(()));
    let consumer = api
        .server
        .consumer()
        .handle(move |_| {
            let turn = Arc::clone(&turn);
            async move {
                let _turn = turn.lock().await;
                let work = || std::thread::park_timeout(Duration::from_millis(300));
                tokio::task::spawn_blocking(work).await.unwrap();
                200
            }
        })
        .start();
    api.queue("q", &consumer.url(), "").await;
    for _ in 0..6 {
        api.publish("q", "1").await;
    }
    let report = api.server.advance(HOUR).await.unwrap();
    assert_eq!(report.unanswered, 0);
    let mut deliveries = api.server.deliveries().into_iter();
    assert!(deliveries.all(|it| it.is_delivered() && it.attempt() == 1));
}

#[tokio::test]
async fn consumers_that_publish_for_ever_at_one_moment_are_not_waited_for_that_long() {
    let api = start(manual().real_time_limit(NEVER).settle_limit(200)).await;
    let publish = reqwest::Client::new()
        .post(format!("{}/v1/publish", api.server.uri()))
        .bearer_auth(api.server.token())
        .header("content-type", "application/json")
        .body(r#"{"queue":"q","message":1}"#);
    let calm = Arc::new(AtomicBool::new(false));
    let is_calm = Arc::clone(&calm);
    let consumer = api
        .server
        .consumer()
        .handle(move |_| {
            let again = publish.try_clone().unwrap();
            let calm = is_calm.load(Ordering::Relaxed);
            async move {
                if !calm {
                    again.send().await.unwrap().error_for_status().unwrap();
                }
                200
            }
        })
        .start();
    api.queue("q", &consumer.url(), "").await;
    let body = r#"{"queue":"q","message":1,"delay_seconds":60}"#;
    api.post("/v1/publish", body).await;
    let endless = api.server.advance(HOUR).await;
    assert_eq!(endless.unwrap_err(), ClockBusy::Endless);
    assert_eq!(api.server.now(), START + 60 * SECOND);
    // Once they stop, everything settles.
    calm.store(true, Ordering::Relaxed);
    api.server.advance(HOUR).await.unwrap();
    assert_eq!(api.get("/v1/metrics").await["queues"]["q"]["pending"], 0);
}

#[tokio::test]
async fn a_long_poll_ends_after_the_same_real_time_if_nobody_moves_the_clock() {
    let api = start(manual()).await;
    api.post("/v1/queues", r#"{"name":"q"}"#).await;
    let wait = r#"{"wait_seconds":0.2}"#;
    let begun = std::time::Instant::now();
    let answer = api.post("/v1/queues/q/receive", wait).await;
    assert!(begun.elapsed() >= Duration::from_millis(200));
    assert_eq!(answer["messages"], json!([]));
    assert_eq!(api.server.now(), START);
}

/// The same ladder of retries on each kind of runtime; no client timeout may be hit by mistake.
async fn ladder() {
    let api = start(manual()).await;
    let consumer = api.server.consumer().respond([503, 503, 200]).start();
    api.queue(
        "q",
        &consumer.url(),
        r#""retry_backoff":{"kind":"fixed","seconds":3600}"#,
    )
    .await;
    for round in 1..=20 {
        api.publish("q", "1").await;
        // A retry is pending while the test talks to the server.
        api.server.advance(HOUR / 2).await.unwrap();
        api.get("/v1/metrics").await;
        let report = api.server.advance(3 * HOUR).await.unwrap();
        assert_eq!(report.unanswered, 0);
        assert_eq!(consumer.count(), 3 * round);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn time_moves_on_a_current_thread_runtime() {
    ladder().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn time_moves_on_a_multi_thread_runtime() {
    ladder().await;
}

#[tokio::test(start_paused = true)]
async fn time_moves_while_the_clock_of_tokio_is_paused() {
    ladder().await;
}
