//! The routes whose answers no story of the other files shows, and those that are refused.

use insta::assert_snapshot;

use super::transcript::{APP, Transcript};

const LATER: (&str, &str) = ("Upstash-Delay", "1d");

#[tokio::test]
async fn the_other_spellings_of_routes_answer_alike() {
    let mut api = Transcript::start().await;
    let cron = [
        ("Upstash-Cron", "0 0 1 1 *"),
        ("Upstash-Schedule-Id", "yearly"),
    ];
    api.post(&format!("/v2/schedules/{APP}"), &cron, "").await;
    api.post("/v2/schedules/yearly/pause", &[], "").await;
    api.say("PATCH", "/v2/schedules/yearly/resume", &[], "")
        .await;
    let endpoints = format!(r#"{{"endpoints":[{{"url":"{APP}"}}]}}"#);
    api.post("/v2/topics/g/endpoints", &[], &endpoints).await;
    let headers = r#"{"headers":{"Upstash-Header-Forward":["true"],"Upstash-Retries":"5"}}"#;
    api.say("PATCH", "/v2/topics/g", &[], headers).await;
    let flow = [
        LATER,
        ("Upstash-Flow-Control-Key", "k"),
        ("Upstash-Flow-Control-Value", "parallelism=1"),
    ];
    api.post(&format!("/v2/enqueue/q/{APP}"), &flow, "").await;
    api.post("/v2/enqueue/q/g", &[LATER], "").await;
    api.post("/v2/flowControl/k/reset", &[], "").await;
    api.get("/v2/flowControl/k").await;
    api.get("/v2/logs?flowControlKey=k").await;
    assert_snapshot!(api.into_text());
}

#[tokio::test]
async fn signing_keys_are_shown_and_rotated() {
    let mut api = Transcript::start().await;
    api.get("/v2/keys").await;
    api.post("/v2/keys/rotate", &[], "").await;
    api.get("/v2/keys").await;
    assert_snapshot!(api.into_text());
}

#[tokio::test]
async fn many_dead_letters_are_deleted_page_by_page() {
    let mut api = Transcript::start().await;
    for label in ["a", "a", "b"] {
        let headers = [("Upstash-Retries", "0"), ("Upstash-Label", label)];
        api.publish(&format!("{APP}/500"), &headers).await;
        api.settle().await;
    }
    let dead = api.value("/v2/dlq").await;
    let id = dead["messages"][0]["dlqId"].as_str().unwrap();
    api.delete("/v2/dlq", &format!(r#"{{"dlqIds":["{id}","1-1"]}}"#))
        .await;
    let page = api.delete("/v2/dlq?label=a&count=1", "").await;
    let cursor = page["cursor"].as_str().unwrap();
    api.delete(&format!("/v2/dlq?label=a&count=1&cursor={cursor}"), "")
        .await;
    api.delete("/v2/dlq", "").await;
    assert_snapshot!(api.into_text());
}

#[tokio::test]
async fn what_is_built_in_elsewhere_is_a_message_to_where_it_is_served() {
    let mut api = Transcript::start().await;
    let callback = ("Upstash-Callback", APP);
    for name in ["llm", "email"] {
        let path = format!("/v2/publish/api/{name}");
        let sent = api.post(&path, &[LATER, callback], "{}").await;
        let id = sent["messageId"].as_str().unwrap();
        api.get(&format!("/v2/messages/{id}")).await;
    }
    assert_snapshot!(api.into_text());
}

#[tokio::test]
async fn what_is_not_served_is_named() {
    let mut api = Transcript::start().await;
    for (method, path) in [
        ("POST", "/llm/v1/chat/completions"),
        ("GET", "/v2/workflows/logs"),
        ("DELETE", "/v2/workflows/runs/wfr_1?cancel=true"),
        ("POST", "/v2/trigger/https://a.example"),
        ("POST", "/v2/batch/trigger"),
        ("POST", "/v2/notify/event"),
        ("GET", "/v2/waiters/event"),
        ("POST", "/v2/wait/event"),
        ("GET", "/v2/nothing"),
        ("GET", "/v2"),
        ("PUT", "/v2/queues"),
        ("GET", "/v2/batch"),
        ("POST", "/v2/events"),
    ] {
        api.say(method, path, &[], "").await;
    }
    let wrong = [("Authorization", "Bearer wrong")];
    api.say("GET", "/v2/keys", &wrong, "").await;
    assert_snapshot!(api.into_text());
}
