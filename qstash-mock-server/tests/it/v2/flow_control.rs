use insta::assert_snapshot;

use super::transcript::{APP, Transcript};

#[tokio::test]
async fn a_key_is_shown_paused_pinned_and_reset() {
    let mut api = Transcript::start().await;
    api.get("/v2/flowControl").await;
    let flow = [
        ("Upstash-Flow-Control-Key", "a/b"),
        ("Upstash-Flow-Control-Value", "rate=2,period=1m"),
    ];
    api.publish(APP, &flow).await;
    api.settle().await;
    api.get("/v2/flowControl/a/b").await;
    api.post("/v2/flowControl/a%2Fb/pause", &[], "").await;
    api.publish(APP, &flow).await;
    api.settle().await;
    api.get("/v2/flowcontrol?search=b").await;
    api.post(
        "/v2/flowControl/a/b/pin?parallelism=3&rate=4&period=60",
        &[],
        "",
    )
    .await;
    api.post("/v2/flowControl/a/b/resetRate", &[], "").await;
    api.get("/v2/flowControl/a/b").await;
    api.post("/v2/flowControl/a/b/unpin?parallelism=true", &[], "")
        .await;
    api.post("/v2/flowControl/a/b/resume", &[], "").await;
    api.settle().await;
    api.get("/v2/flowControl/a/b").await;
    api.get("/v2/flowControl/unknown").await;
    api.get("/v2/flowControl?search=zzz").await;
    api.get("/v2/globalParallelism").await;
    assert_snapshot!(api.into_text());
}

#[tokio::test]
async fn bad_values_are_refused_by_parameter() {
    let api = Transcript::start().await;
    for (query, part) in [
        ("pin", "must be given"),
        ("pin?parallelism=0", "`parallelism`"),
        ("pin?rate=-1", "`rate`"),
        (
            "pin?period=604801",
            "`period` must be a whole number of seconds, from 1s to 7d",
        ),
        (
            "pin?period=0",
            "`period` must be a whole number of seconds, from 1s to 7d",
        ),
        (
            "pin?period=500ms",
            "`period` must be a whole number of seconds, from 1s to 7d",
        ),
        ("pin?period=1m", "`period`"),
        ("pin?burst=1", "`burst`"),
        ("unpin?rate=yes", "`rate`"),
        ("unpin?period=true", "`period`"),
    ] {
        let (status, sentence) = api
            .refusal("POST", &format!("/v2/flowControl/k/{query}"), &[], "")
            .await;
        assert!(
            status == 400 && sentence.contains(part),
            "{query}: {status} {sentence}"
        );
    }
    assert_eq!(api.value("/v2/flowControl").await, serde_json::json!([]));
}
