use insta::assert_snapshot;

use super::transcript::{APP, Transcript};

#[tokio::test]
async fn queues_are_made_changed_filled_paused_and_deleted() {
    let mut api = Transcript::start().await;
    api.get("/v2/queues").await;
    api.post(
        "/v2/queues",
        &[],
        r#"{"queueName":"q","parallelism":2,"paused":true}"#,
    )
    .await;
    api.get("/v2/queues/q").await;
    api.post(&format!("/v2/enqueue/q/{APP}"), &[], "x").await;
    api.post(
        &format!("/v2/enqueue/made-on-the-way/{APP}"),
        &[("Upstash-Delay", "1d")],
        "x",
    )
    .await;
    api.get("/v2/queues").await;
    api.post("/v2/queues/q/resume", &[], "").await;
    api.settle().await;
    api.advance(60).await;
    api.get("/v2/queues/q/").await;
    api.post("/v2/queues/q/pause", &[], "").await;
    api.post("/v2/queues", &[], r#"{"queueName":"q"}"#).await;
    api.get("/v2/Queues/q").await;
    api.delete("/v2/queues/q", "").await;
    api.delete("/v2/queues/q", "").await;
    api.get("/v2/queues/q").await;
    api.post("/v2/queues/q/pause", &[], "").await;
    assert_snapshot!(api.into_text());
}

#[tokio::test]
async fn a_queue_made_in_one_dialect_is_seen_in_the_other() {
    let api = Transcript::start().await;
    api.send("POST", "/v2/queues", &[], r#"{"queueName":"second"}"#)
        .await;
    let json = [("Content-Type", "application/json")];
    api.send("POST", "/v1/queues", &json, r#"{"name":"first"}"#)
        .await;
    let listed = api.value("/v2/queues").await;
    let names: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].clone())
        .collect();
    assert_eq!(names, ["first", "second"]);
    assert_eq!(api.value("/v1/queues/second").await["parallelism"], 1);
}

#[tokio::test]
async fn bad_queues_are_refused_by_field() {
    let api = Transcript::start().await;
    for (body, field) in [
        ("", "the body"),
        ("[]", "the body"),
        ("{}", "`queueName`"),
        (r#"{"queueName":"a b"}"#, "`queueName`"),
        (r#"{"queueName":""}"#, "`queueName`"),
        (r#"{"queueName":"q","parallelism":0}"#, "`parallelism`"),
        (r#"{"queueName":"q","parallelism":"2"}"#, "`parallelism`"),
        (r#"{"queueName":"q","paused":1}"#, "`paused`"),
    ] {
        let (status, sentence) = api.refusal("POST", "/v2/queues", &[], body).await;
        assert!(
            status == 400 && sentence.contains(field),
            "{body}: {status} {sentence}"
        );
    }
    assert_eq!(api.value("/v2/queues").await, serde_json::json!([]));
}
