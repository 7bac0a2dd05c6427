use insta::assert_snapshot;

use super::transcript::{APP, Transcript};

#[tokio::test]
async fn a_group_is_filled_shown_published_to_and_emptied() {
    let mut api = Transcript::start().await;
    api.delete("/v2/topics/group", "").await;
    api.get("/v2/topics").await;
    let two =
        format!(r#"{{"endpoints":[{{"url":"{APP}/1","name":"the first"}},{{"url":"{APP}/2"}}]}}"#);
    api.post("/v2/topics/group/endpoints", &[], &two).await;
    let renewed = format!(
        r#"{{"endpoints":[{{"url":"{APP}/new","name":"the first"}},{{"url":"{APP}/2","name":""}}]}}"#
    );
    api.post("/v2/topics/group/endpoints", &[], &renewed).await;
    api.get("/v2/topics/group").await;
    let sent = api
        .post("/v2/publish/group", &[("Upstash-Delay", "1d")], "x")
        .await;
    let id = sent[0]["messageId"].as_str().unwrap().to_owned();
    api.get(&format!("/v2/messages/{id}")).await;
    api.delete(
        "/v2/topics/group/endpoints",
        r#"{"endpoints":[{"name":"the first"}]}"#,
    )
    .await;
    api.get("/v2/topics").await;
    api.delete(
        "/v2/topics/group/endpoints",
        &format!(r#"{{"endpoints":[{{"url":"{APP}/2"}}]}}"#),
    )
    .await;
    api.get("/v2/topics/group").await;
    api.post("/v2/publish/group", &[], "x").await;
    assert_snapshot!(api.into_text());
}

#[tokio::test]
async fn a_group_has_default_headers_which_a_publish_may_override() {
    let api = Transcript::start().await;
    let endpoint = format!(r#"{{"endpoints":[{{"url":"{APP}"}}]}}"#);
    api.send("POST", "/v2/topics/g/endpoints", &[], endpoint)
        .await;
    let headers = r#"{"headers":{"Upstash-Header-Forward":["true"],"Upstash-Retries":"7","Upstash-Delay":"1d"}}"#;
    let patched = api.send("PATCH", "/v2/topics/g", &[], headers).await;
    assert_eq!(patched.status(), 200);
    let given = [
        ("X-Plain", "p"),
        ("Upstash-Delay", "2d"),
        ("Upstash-Forward-Y", "y"),
    ];
    let sent = api
        .send("POST", "/v2/publish/g", &given, "")
        .await
        .text()
        .await
        .unwrap();
    let sent: serde_json::Value = serde_json::from_str(&sent).unwrap();
    let message = api
        .value(&format!(
            "/v2/messages/{}",
            sent[0]["messageId"].as_str().unwrap()
        ))
        .await;
    assert_eq!(message["maxRetries"], 7);
    assert_eq!(
        message["notBefore"].as_u64().unwrap() - message["createdAt"].as_u64().unwrap(),
        172_800_000
    );
    let headers = message["header"].as_object().unwrap();
    assert_eq!(headers["X-Plain"][0], "p");
    assert_eq!(headers["Y"][0], "y");
    assert!(
        !headers.contains_key("Authorization") && !headers.contains_key("Host"),
        "{headers:?}"
    );
}

#[tokio::test]
async fn bad_groups_are_refused_by_field() {
    let api = Transcript::start().await;
    for (method, path, body, part) in [
        (
            "POST",
            "/v2/topics/a%20b/endpoints",
            r#"{"endpoints":[]}"#,
            "cannot name a URL group",
        ),
        ("POST", "/v2/topics/g/endpoints", "{}", "`endpoints`"),
        (
            "POST",
            "/v2/topics/g/endpoints",
            r#"{"endpoints":[{}]}"#,
            "`url` is missing",
        ),
        (
            "POST",
            "/v2/topics/g/endpoints",
            r#"{"endpoints":[{"url":"example.com"}]}"#,
            "`url` has invalid scheme",
        ),
        (
            "POST",
            "/v2/topics/g/endpoints",
            r#"{"endpoints":[{"url":"https://a","name":7}]}"#,
            "`name` must be a string",
        ),
        (
            "DELETE",
            "/v2/topics/g/endpoints",
            r#"{"endpoints":[{}]}"#,
            "must have a `url` or a `name`",
        ),
        ("PATCH", "/v2/topics/g", "{}", "`headers`"),
        (
            "PATCH",
            "/v2/topics/g",
            r#"{"headers":{"Upstash-Retries":"many"}}"#,
            "`Upstash-Retries`",
        ),
        (
            "PATCH",
            "/v2/topics/g",
            r#"{"headers":{"Upstash-Cron":"* * * * *"}}"#,
            "`Upstash-Cron`",
        ),
    ] {
        let (status, sentence) = api.refusal(method, path, &[], body).await;
        assert!(
            status == 400 && sentence.contains(part),
            "{path} {body}: {status} {sentence}"
        );
    }
    let (status, sentence) = api
        .refusal("PATCH", "/v2/topics/g", &[], r#"{"headers":{}}"#)
        .await;
    assert_eq!((status, sentence.as_str()), (404, "topic g not found"));
    assert_eq!(api.value("/v2/topics").await, serde_json::json!([]));
}
