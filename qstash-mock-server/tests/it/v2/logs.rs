use insta::assert_snapshot;

use super::transcript::{APP, Transcript};

#[tokio::test]
async fn the_log_tells_the_story_of_a_message_newest_first() {
    let mut api = Transcript::start().await;
    let headers = [
        ("Upstash-Retries", "1"),
        ("Upstash-Retry-Delay", "1000"),
        ("Upstash-Timeout", "30s"),
        ("Upstash-Forward-A", "b"),
    ];
    api.publish(&format!("{APP}/500"), &headers).await;
    api.advance(2).await;
    api.get("/v2/events").await;
    assert_snapshot!(api.into_text());
}

#[tokio::test]
async fn both_paths_have_both_arrays_and_filters_narrow_them() {
    let api = Transcript::start().await;
    let id = api
        .publish(&format!("{APP}/ok"), &[("Upstash-Label", "good")])
        .await;
    api.settle().await;
    let failed = api
        .publish(&format!("{APP}/500"), &[("Upstash-Retries", "0")])
        .await;
    api.settle().await;
    let states = async |query: &str| {
        let page = api.value(&format!("/v2/logs?{query}")).await;
        assert_eq!(page["logs"], page["events"]);
        let rows = page["events"].as_array().unwrap().clone();
        let states = rows
            .iter()
            .map(|row| row["state"].as_str().unwrap().to_owned());
        states.collect::<Vec<_>>().join(" ")
    };
    let good = "DELIVERED ACTIVE CREATED";
    let bad = "FAILED ERROR ACTIVE CREATED";
    assert_eq!(states("").await, format!("{bad} {good}"));
    assert_eq!(states("label=good").await, good);
    assert_eq!(states(&format!("messageId={failed}")).await, bad);
    assert_eq!(
        states(&format!("messageIds={failed}&messageIds={id}")).await,
        format!("{bad} {good}")
    );
    assert_eq!(states("messageId=msg_none").await, "");
    assert_eq!(states("state=IN_PROGRESS").await, "ERROR ACTIVE ACTIVE");
    assert_eq!(
        states("state=created,DELIVERED&order=earliestFirst").await,
        "CREATED DELIVERED CREATED"
    );
    assert_eq!(states("count=2").await, "FAILED ERROR");
    assert_eq!(states("host=app.example.com&path=/ok").await, good);
    assert_eq!(states("state=CANCELLED").await, "");
}
