//! Requests that belong to Upstash Workflow are refused whole, before anything else is found wrong with them. Its SDK
//! takes 400 for the end of its run, and a lost step for one that is under way.

use serde_json::json;

use super::transcript::{APP, Transcript};

/// What Workflow names its own, and how a refusal shows it.
const NAMES: [(&str, &str); 4] = [
    ("Upstash-Workflow-Init", "`Upstash-Workflow-Init`"),
    ("UPSTASH-WORKFLOW-RUNID", "`Upstash-Workflow-Runid`"),
    (
        "Upstash-Callback-Workflow-RunId",
        "`Upstash-Callback-Workflow-Runid`",
    ),
    (
        "Upstash-Failure-Callback-Workflow-RunId",
        "`Upstash-Failure-Callback-Workflow-Runid`",
    ),
];

async fn assert_refused(
    api: &Transcript,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
    shown: &str,
) {
    let (status, sentence) = api.refusal("POST", path, headers, body).await;
    let case = format!("{path} {headers:?} {body}: {status} {sentence}");
    assert!(status == 501 && sentence.contains(shown), "{case}");
}

async fn assert_nothing_was_published(api: &Transcript) {
    assert_eq!(api.value("/v2/events").await["events"], json!([]));
    assert_eq!(api.value("/v2/queues").await, json!([]));
    assert_eq!(api.value("/v2/schedules").await, json!([]));
}

#[tokio::test]
async fn every_name_of_a_workflow_is_refused_in_headers_and_in_the_query() {
    let api = Transcript::start().await;
    for (name, shown) in NAMES {
        for start in ["/v2/publish", "/v2/enqueue/q", "/v2/schedules"] {
            let path = format!("{start}/{APP}");
            assert_refused(&api, &path, &[(name, "t")], "", shown).await;
            assert_refused(&api, &format!("{path}?a=1&{name}=t"), &[], "", shown).await;
        }
        for path in ["/v2/batch", "/v2/dlq/retry", "/v2/dlq/retry/1-0"] {
            assert_refused(&api, path, &[(name, "t")], "[]", shown).await;
            assert_refused(&api, &format!("{path}?{name}=t"), &[], "[]", shown).await;
        }
    }
    assert_nothing_was_published(&api).await;
}

#[tokio::test]
async fn a_request_of_a_workflow_is_told_so_whatever_else_is_wrong_with_it() {
    let api = Transcript::start().await;
    let good = format!("/v2/publish/{APP}");
    let mine = ("Upstash-Workflow-Init", "t");
    for other in [
        ("Upstash-Delay", "soon"),
        ("Upstash-Cron", "* * * * *"),
        ("Upstash-Forward-", "x"),
        ("Upstash-Flow-Control-Key", "k"),
    ] {
        assert_refused(&api, &good, &[other, mine], "", "Workflow-Init").await;
    }
    let twice = [("Upstash-Retries", "1"), ("Upstash-Retries", "2"), mine];
    assert_refused(&api, &good, &twice, "", "Workflow-Init").await;
    for path in [
        "/v2/publish/",
        "/v2/publish/ftp://x",
        "/v2/publish/no-such-group",
        "/v2/publish/https://h:x/",
        "/v2/publish/https://h?upstash-delay=%ff",
        "/v2/enqueue/a%20b/https://h",
        "/v2/enqueue/%ff/https://h",
        "/v2/enqueue/q/",
        "/v2/schedules/ftp://x",
        "/v2/dlq/retry/nonsense",
        "/v2/dlq/retry/%ff",
        "/v2/dlq/retry?labeel=x",
        "/v2/batch",
    ] {
        assert_refused(&api, path, &[mine], "{", "Workflow-Init").await;
    }
    let many: Vec<String> = (0..300).map(|i| format!("upstash-{i}=1")).collect();
    let path = format!("{good}?{}&upstash-workflow-init=%ff", many.join("&"));
    assert_refused(&api, &path, &[], "", "Workflow-Init").await;
    assert_nothing_was_published(&api).await;
}

#[tokio::test]
async fn an_item_of_a_workflow_refuses_the_whole_batch_however_malformed_it_is() {
    let api = Transcript::start().await;
    let mine = r#""Upstash-Workflow-Init":"t""#;
    let many: Vec<String> = (0..300).map(|i| format!(r#""A-{i}":"1""#)).collect();
    let many = many.join(",");
    for item in [
        format!(r#"{{"destination":"{APP}","headers":{{{mine}}}}}"#),
        format!(r#"{{"destination":"bad/x","headers":{{{mine}}}}}"#),
        format!(r#"{{"destination":7,"headers":{{{mine}}},"queue":"a b","body":{{}}}}"#),
        format!(r#"{{"headers":{{"Upstash-Delay":"soon","a b":"x",{mine}}}}}"#),
        format!(r#"{{"headers":{{"x":7,"x":8,{mine}}}}}"#),
        format!(r#"{{"headers":7,"headers":{{{mine}}}}}"#),
        format!(r#"{{"headers":{{{many},{mine}}}}}"#),
        format!(r#"{{{many},"headers":{{{mine}}}}}"#),
        format!(r#"{{"\ud800":1,"headers":{{"\ud800":"x",{mine}}}}}"#),
        r#"{"headers":{"Upstash-\u0057orkflow-Init":{"a":1}}}"#.to_owned(),
        r#"{"headers":{"Upstash-Workflow-Init":[""]}}"#.to_owned(),
        r#"{"destination":"bad/x?a=1&upstash-workflow-init=t"}"#.to_owned(),
    ] {
        let items = format!(r#"[{{"destination":"{APP}"}},7,{item},{{"destination":"{APP}"}}]"#);
        assert_refused(&api, "/v2/batch", &[], &items, "`Upstash-Workflow-Init`").await;
    }
    let items = vec![format!(r#"{{"headers":{{{mine}}}}}"#); 1001].join(",");
    assert_refused(
        &api,
        "/v2/batch",
        &[],
        &format!("[{items}]"),
        "Workflow-Init",
    )
    .await;
    assert_nothing_was_published(&api).await;
}

#[tokio::test]
async fn what_only_looks_like_a_workflow_is_published() {
    let api = Transcript::start().await;
    let item = format!(
        r#"{{"destination":"{APP}?workflow-init=1","body":"Upstash-Workflow-Init","headers":{{
            "Upstash-Forward-Upstash-Workflow-Init":"t",
            "Upstash-Callback-Forward-Upstash-Workflow-Init":"t",
            "Upstash-Workflow-Init":null,
            "Upstash-Workflow-Url":[ ]}}}}"#
    );
    let forwarded = [("Upstash-Forward-Upstash-Workflow-Init", "t")];
    let answer = api
        .send("POST", "/v2/batch", &forwarded, format!("[{item}]"))
        .await;
    let answer: serde_json::Value = answer.json().await.unwrap();
    assert!(answer[0]["messageId"].is_string(), "{answer}");
}

#[tokio::test]
async fn defaults_of_a_url_group_that_belong_to_a_workflow_are_refused_first() {
    let api = Transcript::start().await;
    for (path, body) in [
        (
            "/v2/topics/g",
            r#"{"headers":{"Upstash-Workflow-Init":"t"}}"#,
        ),
        (
            "/v2/topics/a%20b",
            r#"{"headers":{"Upstash-Workflow-Init":"t"}}"#,
        ),
        (
            "/v2/topics/g",
            r#"{"x":1,"headers":{"Upstash-Delay":7,"Upstash-Workflow-Init":"t"}}"#,
        ),
    ] {
        let (status, sentence) = api.refusal("PATCH", path, &[], body).await;
        let named = sentence.contains("`Upstash-Workflow-Init`");
        assert!(status == 501 && named, "{path} {body}: {status} {sentence}");
    }
    assert_eq!(api.value("/v2/topics").await, json!([]));
}

#[tokio::test]
async fn a_caller_without_a_good_token_is_told_nothing_of_workflows() {
    let api = Transcript::start().await;
    let headers = [
        ("Authorization", "Bearer x"),
        ("Upstash-Workflow-Init", "t"),
    ];
    let path = format!("/v2/publish/{APP}");
    assert_eq!(api.refusal("POST", &path, &headers, "").await.0, 401);
}
