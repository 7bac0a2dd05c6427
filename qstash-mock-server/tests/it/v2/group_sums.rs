//! What neither a publish nor its URL group gets wrong, but both together.

use qstash_mock_server::engine::Quotas;
use serde_json::{Value, json};

use super::group_defaults::{Given, Group};
use super::transcript::Transcript;

#[tokio::test]
async fn what_only_the_sum_breaks_is_refused_by_name_and_nothing_is_stored() {
    let group = Group::start().await;
    let cron: (&str, &[u8]) = ("Upstash-Cron", b"0 0 1 1 *");
    let bytes: &[u8] = b"\xff";
    let cases: &[(&str, Value, Given<'_>, &str)] = &[
        (
            "publish",
            json!({ "Upstash-Header-Forward": "true" }),
            &[("x-bin", bytes)],
            "`Upstash-Forward-X-Bin` must be UTF-8 text",
        ),
        (
            "publish",
            json!({ "Upstash-Callback": "https://cb.example" }),
            &[("Upstash-Callback-Forward-X", bytes)],
            "`Upstash-Callback-Forward-X` must be UTF-8 text",
        ),
        (
            "publish",
            json!({ "Upstash-Failure-Callback": "https://cb.example" }),
            &[("Upstash-Failure-Callback-Forward-X", bytes)],
            "`Upstash-Failure-Callback-Forward-X` must be UTF-8 text",
        ),
        (
            "publish",
            json!({ "Content-Type": "a/b" }),
            &[("Content-Type", bytes)],
            "`Content-Type` must be UTF-8 text",
        ),
        (
            "schedules",
            json!({ "Upstash-Not-Before": "1" }),
            &[cron],
            "`Upstash-Not-Before` cannot be set for a schedule",
        ),
        (
            "schedules",
            json!({ "Upstash-Header-Forward": "false" }),
            &[cron],
            "`Upstash-Header-Forward` cannot be set for a schedule",
        ),
    ];
    for (route, defaults, given, sentence) in cases {
        group.set(defaults).await;
        let (status, answer) = group.post(&format!("/v2/{route}/g"), given, "").await;
        assert_eq!((status, &answer), (400, &json!({ "error": sentence })));
    }
    assert_eq!(group.0.value("/v2/events").await["events"], json!([]));
    assert_eq!(group.0.value("/v2/schedules").await, json!([]));
}

#[tokio::test]
async fn half_a_flow_control_is_refused_by_name_unless_the_group_has_the_other_half() {
    let group = Group::start().await;
    for prefix in ["", "Callback-", "Failure-Callback-"] {
        let key = format!("Upstash-{prefix}Flow-Control-Key");
        let value = format!("Upstash-{prefix}Flow-Control-Value");
        for (given, missing, text) in [(&key, &value, "k"), (&value, &key, "rate=3")] {
            group.set(&json!({})).await;
            let half: Given<'_> = &[(given, text.as_bytes())];
            let sentence = format!("`{given}` needs `{missing}` beside it");
            let refusal = json!({ "error": sentence });
            let refused = (400, refusal.clone());
            assert_eq!(group.post("/v2/publish/g", half, "").await, refused);
            let batch = json!([{ "destination": "g", "headers": { given: text } }]);
            let answer = group.post("/v2/batch", &[], &batch.to_string()).await.1;
            assert_eq!(answer, json!([refusal]));

            group.set(&json!({ &key: "d", &value: "rate=9" })).await;
            let message = group.message(half).await;
            if prefix.is_empty() {
                let found = (&message["flowControlKey"], &message["rate"]);
                let expected = if *given == key {
                    (json!("k"), json!(9))
                } else {
                    (json!("d"), json!(3))
                };
                assert_eq!(found, (&expected.0, &expected.1));
            }
        }
    }
}

#[tokio::test]
async fn a_quota_is_on_the_sum_of_both() {
    let api = Transcript::with_quotas(Quotas::free()).await;
    let group = Group::of(api).await;
    group.set(&json!({ "Upstash-Retries": "6" })).await;
    let (status, answer) = group.post("/v2/publish/g", &[], "").await;
    let sentence = "quota maxRetries exceeded, current limit: 5";
    assert_eq!((status, answer), (412, json!({ "error": sentence })));
    let message = group.message(&[("Upstash-Retries", b"5")]).await;
    assert_eq!(message["maxRetries"], 5);
}
