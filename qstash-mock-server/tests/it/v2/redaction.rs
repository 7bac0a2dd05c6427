use serde_json::Value;
use sha2::{Digest, Sha256};

use super::transcript::{APP, Transcript};

const REDACT: (&str, &str) = ("Upstash-Redact-Fields", "body, header[X-Secret]");
const SECRET: (&str, &str) = ("Upstash-Forward-X-Secret", "s3cret");
const OPEN: (&str, &str) = ("Upstash-Forward-X-Open", "open");

fn digest(value: &str) -> String {
    let digest = Sha256::digest(value);
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("REDACTED:{digits}")
}

/// No answer at `path` has the header's value or the body `body`, plain or in base64; what it does have.
async fn hidden(api: &Transcript, path: &str) -> Value {
    let answer = api.value(path).await;
    let text = answer.to_string();
    for secret in ["s3cret", "czNjcmV0", "card 4111", "Y2FyZCA0MTEx"] {
        assert!(!text.contains(secret), "{path}: {secret} in {text}");
    }
    answer
}

#[tokio::test]
async fn a_dead_letter_and_its_callbacks_hide_what_their_message_hid() {
    let api = Transcript::start().await;
    let callback = format!("{APP}/500/told");
    let headers = [
        REDACT,
        SECRET,
        OPEN,
        ("Upstash-Retries", "0"),
        ("Upstash-Callback", &callback),
        ("Upstash-Callback-Forward-X-Secret", "s3cret"),
        ("Upstash-Failure-Callback", &callback),
        ("Upstash-Failure-Callback-Forward-X-Secret", "s3cret"),
    ];
    let path = format!("/v2/publish/{APP}/500/hook");
    let sent = api.send("POST", &path, &headers, "card 4111").await;
    assert_eq!(sent.status(), 201);
    api.settle().await;

    let dead = hidden(&api, "/v2/dlq?order=earliestFirst").await;
    let dead = dead["messages"].as_array().unwrap().clone();
    let urls: Vec<_> = dead.iter().map(|it| it["url"].clone()).collect();
    let hook = format!("{APP}/500/hook");
    assert_eq!(urls, [hook.as_str(), &callback, &callback]);
    assert_eq!(dead[0]["body"], digest("card 4111"));
    assert_eq!(dead[0]["header"]["X-Secret"][0], digest("s3cret"));
    assert_eq!(dead[0]["callbackHeader"]["X-Secret"][0], digest("s3cret"));
    assert_eq!(dead[0]["header"]["X-Open"][0], "open");
    // A report quotes the body and the headers of its source.
    assert!(dead[1]["body"].as_str().unwrap().starts_with("REDACTED:"));
    let id = dead[0]["dlqId"].as_str().unwrap();
    hidden(&api, &format!("/v2/dlq/{id}")).await;
    let log = hidden(&api, "/v2/events").await;
    assert_eq!(log["events"].as_array().unwrap().len(), 3 * 4);
}

#[tokio::test]
async fn what_is_hidden_is_delivered_in_clear_by_a_retry_of_the_dead_letter_too() {
    let api = Transcript::start().await;
    let headers = [REDACT, SECRET, ("Upstash-Retries", "0")];
    let path = format!("/v2/publish/{APP}/500/hook");
    api.send("POST", &path, &headers, "card 4111").await;
    api.settle().await;
    let retried = api.send("POST", "/v2/dlq/retry", &[], "").await;
    assert_eq!(retried.status(), 201);
    api.settle().await;
    let deliveries = api.server.deliveries().all();
    assert_eq!(deliveries.len(), 2);
    for delivery in deliveries {
        assert_eq!(delivery.body(), "card 4111");
        assert_eq!(delivery.header("x-secret").as_deref(), Some("s3cret"));
    }
    hidden(&api, "/v2/dlq").await;
}

#[tokio::test]
async fn a_schedule_hides_its_own_fields_and_those_of_its_messages() {
    let api = Transcript::start().await;
    let cron = ("Upstash-Cron", "* * * * *");
    let id = ("Upstash-Schedule-Id", "s");
    let headers = [REDACT, SECRET, cron, id];
    let path = format!("/v2/schedules/{APP}");
    api.send("POST", &path, &headers, "card 4111").await;
    let schedule = hidden(&api, "/v2/schedules/s").await;
    assert_eq!(schedule["body"], digest("card 4111"));
    assert_eq!(schedule["header"]["X-Secret"][0], digest("s3cret"));
    hidden(&api, "/v2/schedules").await;
    api.advance(60).await;
    let log = hidden(&api, "/v2/logs?state=CREATED").await;
    let header = &log["logs"][0]["header"];
    assert_eq!(header["X-Secret"][0], digest("s3cret"));
}

#[tokio::test]
async fn the_other_dialect_hides_it_too() {
    let api = Transcript::start().await;
    let headers = [REDACT, SECRET, OPEN, ("Upstash-Delay", "1d")];
    let path = format!("/v2/enqueue/q/{APP}");
    api.send("POST", &path, &headers, "card 4111").await;
    let listed = hidden(&api, "/v1/queues/q/messages").await;
    let message = &listed["messages"][0];
    assert_eq!(message["message"], digest("card 4111"));
    assert_eq!(message["headers"]["X-Secret"], digest("s3cret"));
    assert_eq!(message["headers"]["X-Open"], "open");
    let id = message["message_id"].as_str().unwrap();
    hidden(&api, &format!("/v1/messages/{id}")).await;
}
