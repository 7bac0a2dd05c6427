use insta::assert_snapshot;

use super::transcript::{APP, Transcript};

const ONCE: (&str, &str) = ("Upstash-Retries", "0");

#[tokio::test]
async fn a_failed_message_is_found_looked_at_and_deleted() {
    let mut api = Transcript::start().await;
    api.publish(
        &format!("{APP}/500/x"),
        &[ONCE, ("Upstash-Label", "l"), ("Upstash-Forward-A", "b")],
    )
    .await;
    api.settle().await;
    let list = api.get("/v2/dlq").await;
    let id = list["messages"][0]["dlqId"].as_str().unwrap().to_owned();
    api.get(&format!("/v2/dlq/{id}")).await;
    api.delete(&format!("/v2/dlq/{id}"), "").await;
    api.delete(&format!("/v2/dlq/{id}"), "").await;
    api.get(&format!("/v2/dlq/{id}")).await;
    api.get("/v2/dlq").await;
    assert_snapshot!(api.into_text());
}

#[tokio::test]
async fn pages_and_filters_reach_every_one_once() {
    let api = Transcript::start().await;
    for number in 0..5 {
        let status = if number % 2 == 0 { 500 } else { 404 };
        api.publish(&format!("{APP}/{status}/{number}"), &[ONCE])
            .await;
        api.settle().await;
    }
    let urls = async |query: &str| {
        let (mut urls, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = api.value(&format!("/v2/dlq?{query}&cursor={cursor}")).await;
            for message in page["messages"].as_array().unwrap() {
                let url = message["url"].as_str().unwrap();
                urls.push(url.rsplit('/').next().unwrap().to_owned());
            }
            match page.get("cursor") {
                Some(next) => cursor = next.as_str().unwrap().to_owned(),
                None => return urls.concat(),
            }
        }
    };
    assert_eq!(urls("count=2").await, "43210");
    assert_eq!(urls("count=2&order=earliestFirst").await, "01234");
    assert_eq!(urls("responseStatus=404").await, "31");
    assert_eq!(urls("responseStatus=404,500&count=3").await, "43210");
    assert_eq!(urls(&format!("url={APP}/500/2")).await, "2");
    assert_eq!(urls("messageId=msg_none").await, "");
    assert_eq!(urls("toDate=1").await, "");
    assert_eq!(urls("dlqIds=nonsense").await, "");
}

#[tokio::test]
async fn dead_letters_are_sent_again_with_what_is_said_anew() {
    let mut api = Transcript::start().await;
    for path in ["500/one", "500/two", "500/three"] {
        api.publish(&format!("{APP}/{path}"), &[ONCE]).await;
        api.settle().await;
    }
    let list = api.value("/v2/dlq").await;
    let id = |index: usize| {
        list["messages"][index]["dlqId"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let later = [
        ("Upstash-Delay", "1d"),
        ("Upstash-Retries", "5"),
        ("Upstash-Forward-New", "1"),
    ];
    let one = api
        .post(&format!("/v2/dlq/retry/{}", id(0)), &later, "")
        .await;
    api.get(&format!(
        "/v2/messages/{}",
        one["messageId"].as_str().unwrap()
    ))
    .await;
    api.post(&format!("/v2/dlq/retry/{}", id(0)), &[], "").await;
    api.post(&format!("/v2/dlq/retry?dlqIds={}", id(1)), &later, "")
        .await;
    api.post("/v2/dlq/retry?count=1", &later, "").await;
    api.post("/v2/dlq/retry?label=none", &[], "").await;
    api.post("/v2/dlq/retry?dlqIds=1-1", &[], "").await;
    api.post("/v2/dlq/retry?dlqIds=nonsense", &[], "").await;
    api.get("/v2/dlq").await;
    assert_snapshot!(api.into_text());
}

#[tokio::test]
async fn ids_that_are_none_never_delete_everything() {
    let api = Transcript::start().await;
    for _ in 0..3 {
        api.publish(&format!("{APP}/500"), &[ONCE]).await;
    }
    api.settle().await;
    let deleted = async |path: &str, body: &str| {
        let response = api.send("DELETE", path, &[], body).await;
        response.text().await.unwrap()
    };
    assert_eq!(
        deleted("/v2/dlq", r#"{"dlqIds":[]}"#).await,
        r#"{"deleted":0}"#
    );
    assert_eq!(
        deleted("/v2/dlq", r#"{"dlqIds":["x"]}"#).await,
        r#"{"deleted":0}"#
    );
    assert_eq!(deleted("/v2/dlq?dlqIds=9-9", "").await, r#"{"deleted":0}"#);
    for (path, body) in [
        ("/v2/dlq", r#"{"dlqIDs":["x"]}"#),
        ("/v2/dlq", r#"{"dlqIds":"x"}"#),
        ("/v2/dlq", "[]"),
        ("/v2/dlq?labeel=x", ""),
        ("/v2/dlq?dlqIds=", ""),
        ("/v2/dlq?host=x", ""),
    ] {
        assert_eq!(
            api.refusal("DELETE", path, &[], body).await.0,
            400,
            "{path} {body}"
        );
    }
    assert_eq!(
        api.value("/v2/dlq").await["messages"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    let first = deleted("/v2/dlq?count=2", "").await;
    assert!(first.starts_with(r#"{"deleted":2,"cursor":""#), "{first}");
    assert_eq!(deleted("/v2/dlq", "").await, r#"{"deleted":1}"#);
}
