//! The consumers that a server brings along.

use std::time::Duration;

use qstash_mock_server::testing::Answer;
use reqwest::Method;

use super::{manual, start};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn each_message_goes_through_the_script_by_itself() {
    let api = start(manual()).await;
    let consumer = api.server.consumer().respond([503, 200]).start();
    api.queue("q", &consumer.url(), "").await;
    for message in ["1", "2", "3"] {
        api.publish("q", message).await;
    }
    api.server.advance(HOUR).await.unwrap();
    let statuses: Vec<_> = api
        .server
        .deliveries()
        .into_iter()
        .map(|it| it.status())
        .collect();
    assert_eq!(statuses, [503, 503, 503, 200, 200, 200].map(Some));
}

#[tokio::test]
async fn a_script_can_answer_everything_that_a_consumer_may() {
    let api = start(manual()).await;
    let consumer = api
        .server
        .consumer()
        .respond([
            Answer::reset(),
            Answer::status(200).body("cut in two").broken_off(),
            Answer::status(429)
                .header("Retry-After", "1800")
                .body("slow down"),
            Answer::from(201),
        ])
        .start();
    api.queue("q", &consumer.url(), r#""max_retries":9"#).await;
    api.publish("q", "1").await;
    api.server.advance(HOUR).await.unwrap();
    let errors: Vec<_> = api
        .server
        .deliveries()
        .into_iter()
        .map(|it| it.error().map(str::to_owned))
        .collect();
    let errors: Vec<_> = errors.iter().map(Option::as_deref).collect();
    assert_eq!(
        errors,
        [
            Some("connection reset"),
            Some("the connection broke in the middle of the answer"),
            Some("answered 429 Too Many Requests"),
            None,
        ]
    );
    let all = api.server.deliveries().all();
    assert_eq!(all[2].answer_body(), "slow down");
    assert_eq!(all[2].answer_headers()["retry-after"], "1800");
    let pause = all[3].started_at().since(all[2].started_at());
    assert_eq!(pause, Duration::from_secs(1800));
}

#[tokio::test]
async fn a_closure_answers_by_what_it_sees() {
    let api = start(manual()).await;
    let consumer = api
        .server
        .consumer()
        .respond_with(|received| if received.body() == "1" { 200 } else { 400 })
        .start();
    api.queue(
        "q",
        &format!("{}hook?a=1", consumer.url()),
        r#""max_retries":0"#,
    )
    .await;
    api.publish("q", "1").await;
    api.publish("q", "2").await;
    api.server.settle().await.unwrap();
    let statuses: Vec<_> = api
        .server
        .deliveries()
        .into_iter()
        .map(|it| it.status())
        .collect();
    assert_eq!(statuses, [Some(200), Some(400)]);
    let received = consumer.received();
    assert_eq!(received[0].path(), "/hook?a=1");
    assert_eq!(received[0].header("qstash-queue"), Some("q"));
    assert!(received[0].signature().is_ok());
}

#[tokio::test]
async fn a_request_that_the_server_did_not_sign_is_recorded_and_refused() {
    let api = start(manual()).await;
    let strict = api.server.consumer().start();
    let trusting = api.server.consumer().trusting().start();
    for (consumer, status) in [(&strict, 401), (&trusting, 200)] {
        let response = reqwest::Client::new()
            .post(consumer.url())
            .body("x")
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(consumer.count(), 1);
        assert!(consumer.received()[0].signature().is_err());
    }
}

#[tokio::test]
async fn a_script_can_be_replaced_while_the_consumer_runs() {
    let api = start(manual()).await;
    let consumer = api.server.consumer().respond([500]).start();
    api.queue("q", &consumer.url(), r#""max_retries":0"#).await;
    api.publish("q", "1").await;
    api.server.settle().await.unwrap();
    consumer.respond([204]);
    api.publish("q", "2").await;
    api.server.settle().await.unwrap();
    assert_eq!(api.server.deliveries().last().unwrap().status(), Some(204));
}

#[tokio::test]
async fn a_dropped_consumer_is_gone() {
    let api = start(manual()).await;
    let consumer = api.server.consumer().start();
    let url = consumer.url();
    api.queue("q", &url, r#""max_retries":0"#).await;
    drop(consumer);
    tokio::task::yield_now().await;
    api.publish("q", "1").await;
    api.server.settle().await.unwrap();
    let error = api
        .server
        .deliveries()
        .last()
        .unwrap()
        .error()
        .map(str::to_owned);
    assert_eq!(error.as_deref(), Some("connection refused"));
    assert!(api.bare(Method::GET, "/health").send().await.is_ok());
}
