//! Queues and their settings.

use reqwest::Method;
use serde_json::json;

use crate::support::{Api, assert_refused};

#[tokio::test]
async fn a_queue_is_made_with_the_documented_defaults() {
    let api = Api::start().await;
    let made = api.try_post("/v1/queues", r#"{"name":"orders"}"#).await;
    assert_eq!(made.status(), 201);
    let expected = json!({
        "name": "orders", "dead_letter_queue": null, "webhook_url": null, "max_retries": 3,
        "retry_backoff": {"kind": "exponential", "base_seconds": 1, "factor": 2, "max_seconds": 300, "jitter": 0},
        "visibility_timeout_seconds": 30, "delivery_timeout_seconds": 30, "parallelism": 16,
        "on_accepted": "pending", "paused": false,
    });
    let text = made.text().await.unwrap();
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&text).unwrap(),
        expected
    );
    assert_eq!(api.get("/v1/queues/orders").await, expected);
}

#[tokio::test]
async fn only_the_given_settings_change_and_null_clears() {
    let api = Api::start().await;
    let settings = r#"{"name":"orders","dead_letter_queue":"dead","webhook_url":"http://localhost:1/x?y=%20",
        "retry_backoff":{"kind":"list","seconds":[1,2.5]},"delivery_timeout_seconds":0.1,"paused":true}"#;
    assert_eq!(api.try_post("/v1/queues", settings).await.status(), 201);
    let change = r#"{"name":"orders","webhook_url":null,"parallelism":1}"#;
    let changed = api.try_post("/v1/queues", change).await;
    assert_eq!(changed.status(), 200);
    let queue = api.get("/v1/queues/orders").await;
    assert_eq!(queue["webhook_url"], json!(null));
    assert_eq!(queue["dead_letter_queue"], "dead");
    assert_eq!(
        queue["retry_backoff"],
        json!({"kind": "list", "seconds": [1, 2.5]})
    );
    assert_eq!(queue["delivery_timeout_seconds"], 0.1);
    assert_eq!(
        (&queue["parallelism"], &queue["paused"]),
        (&json!(1), &json!(true))
    );
    assert_eq!(api.get("/v1/queues/dead").await["name"], "dead");
}

#[tokio::test]
async fn bad_settings_are_refused_and_change_nothing() {
    let api = Api::start().await;
    api.post("/v1/queues", r#"{"name":"a","dead_letter_queue":"b"}"#)
        .await;
    let invalid = |field| (400, "invalid_field", Some(field));
    let cycle = (400, "dead_letter_cycle", Some("dead_letter_queue"));
    let cases = [
        ("{", (400, "invalid_json", None)),
        ("{}", invalid("name")),
        (r#"{"name":"a/b"}"#, invalid("name")),
        (
            r#"{"name":"a","max_retrys":1}"#,
            (400, "unknown_field", Some("max_retrys")),
        ),
        (r#"{"name":"a","max_retries":-1}"#, invalid("max_retries")),
        (r#"{"name":"a","max_retries":1e3}"#, invalid("max_retries")),
        (
            r#"{"name":"a","paused":true,"parallelism":1001}"#,
            invalid("parallelism"),
        ),
        (
            r#"{"name":"a","webhook_url":"localhost:80"}"#,
            invalid("webhook_url"),
        ),
        (
            r#"{"name":"a","webhook_url":"http://u:p@h/"}"#,
            invalid("webhook_url"),
        ),
        (
            r#"{"name":"a","retry_backoff":{"kind":"fixed","seconds":86400.5}}"#,
            invalid("retry_backoff.seconds"),
        ),
        (r#"{"name":"a","dead_letter_queue":"a"}"#, cycle),
        (r#"{"name":"b","dead_letter_queue":"a"}"#, cycle),
        (r#"{"name":"new","dead_letter_queue":"new"}"#, cycle),
    ];
    api.refuses("/v1/queues", &cases).await;
    let oversized = format!(r#"{{"name":"a",{}"paused":true}}"#, " ".repeat(64 << 10));
    let response = api.try_post("/v1/queues", oversized).await;
    assert_refused(response, (413, "body_too_large", None), "oversized").await;
    assert_eq!(api.get("/v1/queues/a").await["paused"], false);
}

#[tokio::test]
async fn lists_go_page_by_page() {
    let api = Api::start().await;
    for name in ["b2", "a1", "b1", "b3"] {
        api.post("/v1/queues", format!(r#"{{"name":"{name}"}}"#))
            .await;
    }
    let (mut names, mut path) = (Vec::new(), "/v1/queues?prefix=b&limit=2".to_owned());
    loop {
        let page = api.get(&path).await;
        let queues = page["queues"].as_array().unwrap();
        names.extend(
            queues
                .iter()
                .map(|it| it["name"].as_str().unwrap().to_owned()),
        );
        let Some(cursor) = page["cursor"].as_str() else {
            break;
        };
        path = format!("/v1/queues?prefix=b&limit=2&cursor={cursor}");
    }
    assert_eq!(names, ["b1", "b2", "b3"]);
}

#[tokio::test]
async fn bad_query_parameters_are_named() {
    let api = Api::start().await;
    api.post("/v1/queues", r#"{"name":"q"}"#).await;
    for (path, code, field) in [
        ("/v1/queues?limit=0", "invalid_field", "limit"),
        ("/v1/queues?limit=1001", "invalid_field", "limit"),
        ("/v1/queues?limit=-1", "invalid_field", "limit"),
        ("/v1/queues?cursor=!!", "invalid_field", "cursor"),
        ("/v1/queues?prefx=a", "unknown_field", "prefx"),
        ("/v1/queues/q/messages?state=lost", "invalid_field", "state"),
        (
            "/v1/queues/q/messages?cursor=abc",
            "invalid_field",
            "cursor",
        ),
        ("/v1/queues/q/messages?stat=ready", "unknown_field", "stat"),
    ] {
        let response = api.request(Method::GET, path).send().await.unwrap();
        assert_refused(response, (400, code, Some(field)), path).await;
    }
}

#[tokio::test]
async fn unknown_and_impossible_queues_are_not_found() {
    let api = Api::start().await;
    let long = "q".repeat(257);
    for name in ["nope", "a%20b", "%C3%A4", "%FF", "a%2Fb", &long] {
        for (method, suffix) in [
            (Method::GET, ""),
            (Method::DELETE, ""),
            (Method::POST, "/pause"),
            (Method::POST, "/resume"),
            (Method::POST, "/purge"),
            (Method::POST, "/redrive"),
            (Method::POST, "/receive"),
            (Method::GET, "/messages"),
        ] {
            let path = format!("/v1/queues/{name}{suffix}");
            let response = api.request(method, &path).send().await.unwrap();
            assert_refused(response, (404, "queue_not_found", None), &path).await;
        }
    }
    assert_eq!(api.get("/v1/queues").await["queues"], json!([]));
}

#[tokio::test]
async fn a_purge_forgets_deduplication_keys_where_it_is_asked_to() {
    let api = Api::start().await;
    let publish = async || {
        let body = r#"{"queue":"q","message":1,"idempotency_key":"order 7"}"#;
        api.post("/v1/publish", body).await["deduplicated"] == true
    };
    assert!(!publish().await);
    for (query, duplicate) in [
        ("", true),
        ("?forget_deduplication=false", true),
        ("?forget_deduplication=true", false),
    ] {
        api.post(&format!("/v1/queues/q/purge{query}"), "").await;
        assert_eq!(publish().await, duplicate, "{query}");
    }
}

#[tokio::test]
async fn pause_resume_purge_and_delete() {
    let api = Api::start().await;
    api.publish("q", "1").await;
    api.publish("q", "2").await;
    assert_eq!(api.post("/v1/queues/q/pause", "").await["paused"], true);
    let received = api.post("/v1/queues/q/receive", "{}").await;
    assert_eq!(received["messages"], json!([]));
    assert_eq!(api.post("/v1/queues/q/resume", "{}").await["paused"], false);
    assert_eq!(
        api.post("/v1/queues/q/purge", "").await,
        json!({"purged": 2})
    );
    for (query, refusal) in [
        (
            "forget_deduplication=yes",
            (400, "invalid_field", Some("forget_deduplication")),
        ),
        (
            "forget_deduplication",
            (400, "invalid_field", Some("forget_deduplication")),
        ),
        ("forget=true", (400, "unknown_field", Some("forget"))),
    ] {
        let path = format!("/v1/queues/q/purge?{query}");
        api.refuses(&path, &[("", refusal)]).await;
    }
    api.refuses(
        "/v1/queues/q/pause",
        &[(r#"{"for":1}"#, (400, "unknown_field", Some("for")))],
    )
    .await;
    api.post("/v1/queues", r#"{"name":"source","dead_letter_queue":"q"}"#)
        .await;
    let delete = |name: &str| {
        api.request(Method::DELETE, &format!("/v1/queues/{name}"))
            .send()
    };
    let refusal = (409, "queue_is_dead_letter_target", None);
    assert_refused(delete("q").await.unwrap(), refusal, "q").await;
    assert_eq!(delete("source").await.unwrap().status(), 200);
    assert_eq!(delete("q").await.unwrap().status(), 200);
    let refusal = (404, "queue_not_found", None);
    assert_refused(delete("q").await.unwrap(), refusal, "q").await;
}

#[tokio::test]
async fn bad_redrives_are_refused() {
    let api = Api::start().await;
    api.publish("dead", "1").await;
    let invalid = |field| (400, "invalid_field", Some(field));
    let cases = [
        (r#"{"to":"a b"}"#, invalid("to")),
        (r#"{"to":"dead"}"#, invalid("to")),
        (r#"{"max_messages":0}"#, invalid("max_messages")),
        (r#"{"max_messages":-1}"#, invalid("max_messages")),
        (r#"{"max":1}"#, (400, "unknown_field", Some("max"))),
    ];
    api.refuses("/v1/queues/dead/redrive", &cases).await;
}
