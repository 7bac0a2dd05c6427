use insta::assert_snapshot;

use super::transcript::{APP, Transcript};

#[tokio::test]
async fn a_schedule_is_made_shown_overwritten_paused_and_deleted() {
    let mut api = Transcript::start().await;
    let headers = [
        ("Upstash-Cron", " CRON_TZ=Europe/Berlin 0 4 * * * "),
        ("Upstash-Schedule-Id", "nightly"),
        ("Content-Type", "application/json"),
        ("Upstash-Forward-A", "1"),
        ("Upstash-Delay", "1m"),
        ("Upstash-Timeout", "30s"),
        ("Upstash-Retries", "1"),
        ("Upstash-Queue-Name", "q"),
        ("Upstash-Callback", "https://cb.example.com"),
        ("Upstash-Label", "l"),
    ];
    api.post(
        &format!("/v2/schedules/{APP}/tick?x=1"),
        &headers,
        r#"{"a":1}"#,
    )
    .await;
    api.get("/v2/schedules/nightly").await;
    api.say("PATCH", "/v2/schedules/nightly/pause", &[], "")
        .await;
    api.get("/v2/schedules").await;
    api.post("/v2/schedules/nightly/resume", &[], "").await;
    let headers = [
        ("Upstash-Cron", "*/5 * * * *"),
        ("Upstash-Schedule-Id", "nightly"),
    ];
    api.post(&format!("/v2/schedules/{APP}"), &headers, "")
        .await;
    api.advance(400).await;
    api.get("/v2/Schedules/nightly").await;
    api.delete("/v2/schedules/nightly", "").await;
    api.delete("/v2/schedules/nightly", "").await;
    api.get("/v2/schedules/nightly").await;
    api.get("/v2/schedules").await;
    assert_snapshot!(api.into_text());
}

#[tokio::test]
async fn a_schedule_without_a_name_gets_one() {
    let mut api = Transcript::start().await;
    api.post(
        &format!("/v2/schedules/{APP}/pause"),
        &[("Upstash-Cron", "@daily")],
        "",
    )
    .await;
    assert_snapshot!(api.into_text());
}

#[tokio::test]
async fn a_second_creation_of_the_same_schedule_is_accepted_and_answers_with_the_first() {
    let mut api = Transcript::start().await;
    let named = [
        ("Upstash-Cron", "@daily"),
        ("Upstash-Deduplication-Id", "report"),
    ];
    let by_content = [
        ("Upstash-Cron", "@daily"),
        ("Upstash-Content-Based-Deduplication", "true"),
    ];
    for headers in [named, by_content] {
        for _ in 0..2 {
            api.post(&format!("/v2/schedules/{APP}"), &headers, "x")
                .await;
        }
    }
    assert_snapshot!(api.into_text());
}

#[tokio::test]
async fn bad_schedules_are_refused_by_header() {
    let api = Transcript::start().await;
    for (headers, name) in [
        (&[][..], "`Upstash-Cron`"),
        (&[("Upstash-Cron", "* * * *")][..], "`Upstash-Cron`"),
        (&[("Upstash-Cron", "* * * * * *")][..], "`Upstash-Cron`"),
        (
            &[("Upstash-Cron", "CRON_TZ=Mars/X * * * * *")][..],
            "`Upstash-Cron`",
        ),
        (
            &[
                ("Upstash-Cron", "* * * * *"),
                ("Upstash-Schedule-Id", "a/b"),
            ][..],
            "`Upstash-Schedule-Id`",
        ),
        (
            &[("Upstash-Cron", "* * * * *"), ("Upstash-Not-Before", "1")][..],
            "`Upstash-Not-Before`",
        ),
    ] {
        let (status, sentence) = api
            .refusal("POST", &format!("/v2/schedules/{APP}"), headers, "")
            .await;
        assert!(
            status == 400 && sentence.contains(name),
            "{headers:?}: {status} {sentence}"
        );
    }
    let (status, _) = api
        .refusal(
            "POST",
            "/v2/schedules/",
            &[("Upstash-Cron", "* * * * *")],
            "",
        )
        .await;
    assert_eq!(status, 400);
    assert_eq!(api.value("/v2/schedules").await, serde_json::json!([]));
}
