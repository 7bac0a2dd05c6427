use insta::assert_snapshot;

use super::transcript::{APP, Transcript};

#[tokio::test]
async fn every_item_has_its_own_answer() {
    let mut api = Transcript::start().await;
    let endpoints =
        format!(r#"{{"endpoints":[{{"url":"{APP}/1"}},{{"url":"{APP}/2","name":"two"}}]}}"#);
    api.post("/v2/topics/group/endpoints", &[], &endpoints)
        .await;
    let items = format!(
        r#"[
  {{"destination":"{APP}/a?x=1&upstash-delay=1d","headers":{{"upstash-retries":"1","Upstash-Forward-A":["1","2"]}},"body":"text"}},
  {{"destination":"group","headers":{{"Upstash-Delay":"1d"}},"body":null,"queue":null}},
  {{"destination":"{APP}/q","queue":"q","headers":{{"Upstash-Delay":["1d"]}}}},
  {{"destination":"{APP}/q","queue":""}},
  {{"destination":"nowhere"}},
  {{"destination":"ftp://x"}},
  {{"destination":"{APP}","headers":{{"Upstash-Delay":"soon"}}}},
  {{"destination":"{APP}","headers":{{"Upstash-Delay":5}}}},
  {{"destination":"{APP}","body":{{"a":1}}}},
  {{"body":"x"}},
  7
]"#
    );
    let answers = api
        .post("/v2/batch", &[("Content-Type", "application/json")], &items)
        .await;
    let id = answers[0]["messageId"].as_str().unwrap().to_owned();
    api.get(&format!("/v2/messages/{id}")).await;
    assert_snapshot!(api.into_text());
}

#[tokio::test]
async fn an_unknown_setting_is_accepted() {
    let api = Transcript::start().await;
    let path = format!("/v2/publish/{APP}");
    let header = [("Upstash-Delayy", "1h")];
    assert_eq!(api.send("POST", &path, &header, "").await.status(), 201);
}

#[tokio::test]
async fn what_is_no_array_is_refused_whole() {
    let api = Transcript::start().await;
    for body in ["", "{}", "[", "null", "[1,]", "\u{0}"] {
        let (status, sentence) = api.refusal("POST", "/v2/batch", &[], body).await;
        assert_eq!(status, 400, "{body}");
        assert!(sentence.contains("the body"), "{sentence}");
    }
    let items = vec![r#"{"destination":"https://a.example"}"#; 1001].join(",");
    let (status, _) = api
        .refusal("POST", "/v2/batch", &[], &format!("[{items}]"))
        .await;
    assert_eq!(status, 400);
    assert_eq!(
        api.value("/v2/events").await["events"],
        serde_json::json!([])
    );
}
