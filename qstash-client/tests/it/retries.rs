//! What is sent again, when, and what the caller learns.

use std::error::Error as _;
use std::time::Duration;

use qstash_client::{ErrorKind, RetryPolicy};

use crate::fake::{Fake, Step, answer, ok};

/// No randomness, so that times can be asserted.
fn exact() -> RetryPolicy {
    RetryPolicy {
        jitter: 0.0,
        ..RetryPolicy::default()
    }
}

const PUBLISHED: &str = r#"{"message_id":"m1"}"#;

#[tokio::test(start_paused = true)]
async fn a_publish_is_repeated_with_the_same_idempotency_key() {
    let fake = Fake::new([
        answer(500, "{}"),
        Step::Broken,
        Step::NeverLeft,
        ok(PUBLISHED),
    ]);
    let client = fake.builder().retry(exact()).build().expect("valid");
    let published = client
        .v1()
        .publish("q", &1)
        .send()
        .await
        .expect("the fourth try works");
    assert_eq!(published.message_id.as_str(), "m1");
    let seen = fake.seen();
    let times: Vec<u128> = seen.iter().map(|s| s.at.as_millis()).collect();
    assert_eq!(times, [0, 100, 300, 700]);
    let keys: Vec<_> = seen
        .iter()
        .map(|s| s.json()["idempotency_key"].clone())
        .collect();
    assert!(
        keys[0].as_str().is_some_and(|key| key.len() == 36),
        "a UUID: {}",
        keys[0]
    );
    assert!(keys.iter().all(|key| *key == keys[0]));
}

#[tokio::test(start_paused = true)]
async fn a_publish_without_a_key_is_not_repeated_once_it_may_have_arrived() {
    for step in [answer(503, "{}"), Step::Broken, Step::Silence] {
        let fake = Fake::new([step]);
        let publish = fake.client();
        let publish = publish.v1().publish("q", &1).without_idempotency_key();
        let error = publish.send().await.expect_err("not repeated");
        assert_eq!(error.retries(), 0, "{error}");
        assert!(error.is_retryable());
        assert_eq!(fake.seen().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_publish_without_a_key_is_repeated_when_it_certainly_did_nothing() {
    let limited = Step::Answer(429, vec![("retry-after", "3")], String::new());
    let fake = Fake::new([Step::NeverLeft, limited, ok(PUBLISHED)]);
    let client = fake.builder().retry(exact()).build().expect("valid");
    client
        .v1()
        .publish("q", &1)
        .without_idempotency_key()
        .send()
        .await
        .expect("third");
    let times: Vec<u128> = fake.seen().iter().map(|s| s.at.as_millis()).collect();
    assert_eq!(times, [0, 100, 3100]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_longer_than_the_policy_allows_is_left_to_the_caller() {
    let fake = Fake::new([Step::Answer(
        429,
        vec![("retry-after", "3600")],
        String::new(),
    )]);
    let error = fake
        .client()
        .v1()
        .publish("q", &1)
        .send()
        .await
        .expect_err("too long");
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
    assert_eq!(fake.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_runs_into_the_request_timeout_each_time() {
    let fake = Fake::new([Step::Silence, Step::Silence]);
    let retry = RetryPolicy {
        max_retries: 1,
        ..exact()
    };
    let builder = fake
        .builder()
        .retry(retry)
        .request_timeout(Duration::from_secs(2));
    let client = builder.build().expect("valid");
    let error = client.v1().metrics().send().await.expect_err("silence");
    assert!(error.is_timeout());
    assert_eq!(error.retries(), 1);
    let text = "could not read the metrics: no answer from q.test:80 within 2s (after 1 retry)";
    assert_eq!(error.to_string(), text);
    assert_eq!(fake.seen()[1].at, Duration::from_millis(2100));
}

#[tokio::test(start_paused = true)]
async fn the_total_timeout_bounds_all_tries_together() {
    let fake = Fake::new([Step::Silence, Step::Silence]);
    let builder = fake.builder().request_timeout(Duration::from_secs(2));
    let client = builder
        .total_timeout(Duration::from_secs(3))
        .build()
        .expect("valid");
    let start = tokio::time::Instant::now();
    let error = client.v1().metrics().send().await.expect_err("silence");
    assert!(error.is_timeout());
    assert_eq!(start.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_has_its_wait_on_top_of_the_timeout() {
    let fake = Fake::new([Step::Silence]);
    let client = fake.client();
    let start = tokio::time::Instant::now();
    let receive = client.v1().receive::<u8>("q").wait(Duration::from_secs(20));
    let error = receive.send().await.expect_err("silence");
    assert!(error.is_timeout());
    assert_eq!(start.elapsed(), Duration::from_secs(50));
}

#[tokio::test(start_paused = true)]
async fn a_rotation_and_a_purge_are_never_repeated_after_an_unclear_failure() {
    let fake = Fake::new([Step::Broken, answer(500, "")]);
    let client = fake.client();
    client
        .v1()
        .rotate_signing_secret()
        .send()
        .await
        .expect_err("unclear");
    client
        .v1()
        .queues()
        .purge("q")
        .send()
        .await
        .expect_err("unclear");
    assert_eq!(fake.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_server_whose_certificate_is_not_accepted_is_asked_once() {
    let fake = Fake::new([Step::Untrusted]);
    let error = fake
        .client()
        .v1()
        .metrics()
        .send()
        .await
        .expect_err("expired");
    assert_eq!(error.kind(), ErrorKind::Certificate);
    assert!(!error.is_retryable());
    assert_eq!(
        error.to_string(),
        "could not read the metrics: the certificate of q.test:80 is not accepted: it has expired: certificate expired"
    );
    assert_eq!(fake.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_tells_code_field_and_status() {
    let body =
        r#"{"error":"The delay is too long.","code":"invalid_field","field":"delay_seconds"}"#;
    let fake = Fake::new([answer(400, body)]);
    let error = fake
        .client()
        .v1()
        .publish("q", &1)
        .send()
        .await
        .expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert_eq!(error.status().map(|s| s.as_u16()), Some(400));
    assert_eq!(error.code(), Some("invalid_field"));
    assert_eq!(
        error.api().and_then(|a| a.field.as_deref()),
        Some("delay_seconds")
    );
    assert_eq!(
        error.to_string(),
        "could not publish to queue `q`: the server answered 400 Bad Request: The delay is too long."
    );
    assert!(error.source().is_none());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_for_a_bad_name() {
    let fake = Fake::new([]);
    let client = fake.client();
    let error = client
        .v1()
        .publish("no/slash", &1)
        .send()
        .await
        .expect_err("bad name");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    client
        .v1()
        .queues()
        .delete("")
        .send()
        .await
        .expect_err("bad name");
    client
        .v1()
        .messages()
        .cancel("")
        .send()
        .await
        .expect_err("bad id");
    client
        .v1()
        .publish_batch([])
        .send()
        .await
        .expect("an empty batch is no request");
    assert!(fake.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_another_shape_is_a_decode_error_and_is_not_retried() {
    let fake = Fake::new([ok(r#"{"message_id":""}"#)]);
    let error = fake
        .client()
        .v1()
        .publish("q", &1)
        .send()
        .await
        .expect_err("an empty id");
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(error.underlying().is_some());
}

#[tokio::test(start_paused = true)]
async fn the_token_is_sent_and_never_shown() {
    let fake = Fake::new([ok("{}")]);
    let client = fake.client();
    client.v1().metrics().send().await.expect("works");
    let seen = fake.seen();
    assert_eq!(seen[0].request.headers()["authorization"], "Bearer t0ken");
    assert!(!format!("{client:?} {:?} {:?}", fake.builder(), seen[0].request).contains("t0ken"));
}
