//! What is sent again, when, and what the caller learns; in virtual time.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use qstash_client::v2::{All, DlqFilter, MessageFilter, NewMessage};
use qstash_client::{Client, Error, ErrorKind, RateLimit, RetryPolicy};

use crate::fake::{Fake, Step, answer, ok};

const PUBLISHED: &str = r#"{"messageId":"m1"}"#;
const DATE: (&str, &str) = ("date", "Tue, 24 Nov 2026 02:00:00 GMT");

fn exact(fake: &Fake) -> Client {
    let policy = RetryPolicy {
        jitter: 0.0,
        ..RetryPolicy::default()
    };
    fake.builder().retry(policy).build().expect("valid")
}

fn millis(fake: &Fake) -> Vec<u128> {
    fake.seen().iter().map(|seen| seen.at.as_millis()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_publish_is_repeated_with_the_same_generated_id() {
    let fake = Fake::new([answer(502, ""), Step::Broken, Step::Silence, ok(PUBLISHED)]);
    let client = exact(&fake);
    client
        .v2()
        .publish("https://e.com")
        .send()
        .await
        .expect("the fourth try works");
    let seen = fake.seen();
    let ids: Vec<_> = seen
        .iter()
        .map(|seen| seen.request.headers()["upstash-deduplication-id"].clone())
        .collect();
    assert_eq!(ids.len(), 4);
    assert!(ids.iter().all(|id| *id == ids[0]));
    let times: Vec<u128> = seen.iter().map(|seen| seen.at.as_millis()).collect();
    assert_eq!(times, [0, 100, 300, 30_700]);
}

#[tokio::test(start_paused = true)]
async fn content_based_deduplication_makes_a_repeat_safe_too() {
    let fake = Fake::new([answer(500, ""), ok(PUBLISHED)]);
    let client = exact(&fake);
    let publish = client
        .v2()
        .publish("https://e.com")
        .content_based_deduplication();
    publish.send().await.expect("the second try works");
    assert_eq!(millis(&fake), [0, 100]);
}

#[tokio::test(start_paused = true)]
async fn without_deduplication_only_what_never_left_or_was_limited_is_repeated() {
    for step in [answer(500, ""), Step::Broken, Step::Silence] {
        let fake = Fake::new([step]);
        let client = exact(&fake);
        let publish = client.v2().publish("https://e.com").without_deduplication();
        publish.send().await.expect_err("not repeated");
        assert_eq!(fake.seen().len(), 1);
    }
    let fake = Fake::new([Step::NeverLeft, answer(429, ""), ok(PUBLISHED)]);
    let client = exact(&fake);
    let publish = client.v2().publish("https://e.com").without_deduplication();
    publish.send().await.expect("the third try works");
    assert_eq!(millis(&fake), [0, 100, 300]);
}

#[tokio::test(start_paused = true)]
async fn one_item_without_an_id_makes_a_batch_unrepeatable() {
    let batch = |fake: &Fake, second: NewMessage| {
        let client = exact(fake);
        async move {
            let items = [NewMessage::to("https://a.test"), second];
            client.v2().batch(items).send().await
        }
    };
    let fake = Fake::new([answer(500, "")]);
    let bare = NewMessage::to("https://b.test").without_deduplication();
    batch(&fake, bare).await.expect_err("not repeated");
    let both = ok(r#"[{"messageId":"m1"},{"messageId":"m2"}]"#);
    let fake = Fake::new([answer(500, ""), both]);
    batch(&fake, NewMessage::to("https://b.test"))
        .await
        .expect("repeated");
    let seen = fake.seen();
    assert_eq!(seen[0].json(), seen[1].json());
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_limit_is_waited_for() {
    let limited = |headers| Step::Answer(429, headers, "{}".to_owned());
    let fake = Fake::new([
        limited(vec![
            DATE,
            ("burst-ratelimit-limit", "100"),
            ("burst-ratelimit-reset", "1795485602"),
        ]),
        limited(vec![
            DATE,
            ("ratelimit-limit", "1000"),
            ("ratelimit-reset", "1795485603"),
        ]),
        limited(vec![("retry-after", "1")]),
        ok(PUBLISHED),
    ]);
    let client = exact(&fake);
    client
        .v2()
        .publish("https://e.com")
        .send()
        .await
        .expect("the fourth try works");
    assert_eq!(millis(&fake), [0, 2_000, 5_000, 6_000]);
}

#[tokio::test(start_paused = true)]
async fn a_day_that_is_used_up_is_told_at_once() {
    let tomorrow = vec![
        DATE,
        ("ratelimit-limit", "1000"),
        ("ratelimit-reset", "1795564800"),
    ];
    let fake = Fake::new([Step::Answer(
        429,
        tomorrow,
        r#"{"error":"Enough."}"#.to_owned(),
    )]);
    let client = exact(&fake);
    let error = client
        .v2()
        .publish("https://e.com")
        .send()
        .await
        .expect_err("limited");
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(22 * 3600)));
    assert!(matches!(error.rate_limit(), Some(RateLimit::Daily(w)) if w.limit == Some(1000)));
    assert_eq!(error.retries(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_would_take_more_the_second_time_is_not_repeated() {
    async fn once<T: std::fmt::Debug>(call: impl AsyncFnOnce(Client) -> Result<T, Error>) {
        let fake = Fake::new([Step::Broken]);
        call(exact(&fake)).await.expect_err("unclear");
        assert_eq!(fake.seen().len(), 1);
    }
    once(async |c| c.v2().messages().cancel_all(All).send().await).await;
    let filter = || MessageFilter::labels(["a"]);
    once(async |c| c.v2().messages().cancel_matching(filter()).send().await).await;
    once(async |c| c.v2().dlq().delete_all(All).send().await).await;
    once(async |c| {
        c.v2()
            .dlq()
            .delete_matching(DlqFilter::labels(["a"]))
            .send()
            .await
    })
    .await;
    once(async |c| c.v2().dlq().retry("1-0").send().await).await;
    once(async |c| c.v2().dlq().retry_many(["1-0"]).send().await).await;
    once(async |c| c.v2().dlq().retry_all(All).send().await).await;
    once(async |c| c.v2().keys().rotate().send().await).await;
    once(async |c| c.v2().flow_control().reset_rate("k").send().await).await;
    once(async |c| c.v2().flow_control().pin("k").rate(1).send().await).await;
    once(async |c| {
        c.v2()
            .schedules()
            .create("https://e.com", "* * * * *")
            .send()
            .await
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_ends_the_same_is_repeated() {
    async fn twice<T: std::fmt::Debug>(
        body: &str,
        call: impl AsyncFnOnce(Client) -> Result<T, Error>,
    ) {
        let fake = Fake::new([Step::Broken, ok(body)]);
        call(exact(&fake)).await.expect("the second try works");
        assert_eq!(fake.seen().len(), 2);
    }
    let cancelled = r#"{"cancelled":1}"#;
    twice(cancelled, async |c| {
        c.v2().messages().cancel("m").send().await
    })
    .await;
    twice(cancelled, async |c| {
        c.v2().messages().cancel_many(["m"]).send().await
    })
    .await;
    twice(r#"{"deleted":1}"#, async |c| {
        c.v2().dlq().delete_many(["1-0"]).send().await
    })
    .await;
    twice("", async |c| c.v2().queues().upsert("q").send().await).await;
    twice("", async |c| c.v2().queues().pause("q").send().await).await;
    twice("", async |c| c.v2().url_groups().delete("g").send().await).await;
    twice(r#"{"scheduleId":"s"}"#, async |c| {
        c.v2()
            .schedules()
            .create("https://e.com", "* * * * *")
            .id("s")
            .send()
            .await
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bulk_operations_go_on_until_the_cursor_ends() {
    let fake = Fake::new([
        ok(r#"{"deleted":100,"cursor":"a"}"#),
        ok(r#"{"deleted":5}"#),
        ok(r#"{"responses":[{"messageId":"m1"}],"cursor":"b"}"#),
        answer(
            201,
            r#"{"responses":[{"messageId":"m2"},{"error":"No."}],"cursor":""}"#,
        ),
    ]);
    let client = exact(&fake);
    let dlq = client.v2().dlq();
    assert_eq!(dlq.delete_all(All).send_all().await.expect("deletes"), 105);
    let retried = dlq
        .retry_matching(DlqFilter::labels(["a"]))
        .retries(0)
        .send_all()
        .await;
    let retried = retried.expect("retries");
    assert_eq!(retried.len(), 3);
    assert!(retried[2].is_err());
    let seen = fake.seen();
    assert_eq!(seen[1].line(), "DELETE http://q.test/v2/dlq?cursor=a");
    assert_eq!(
        seen[3].line(),
        "POST http://q.test/v2/dlq/retry?label=a&cursor=b"
    );
    assert_eq!(seen[3].request.headers()["upstash-retries"], "0");
}

#[tokio::test(start_paused = true)]
async fn a_stream_holds_one_page_at_a_time() {
    let page = |n: u32, cursor: &str| {
        ok(format!(
            r#"{{"messages":[{{"dlqId":"{n}-0","messageId":"m{n}"}}]{cursor}}}"#
        ))
    };
    let fake = Fake::new([page(1, r#","cursor":"a""#), page(2, "")]);
    let client = fake.client();
    let mut stream = std::pin::pin!(client.v2().dlq().list().stream());
    let first = stream.try_next().await.expect("a page").expect("an entry");
    assert_eq!(first.dlq_id.as_str(), "1-0");
    assert_eq!(fake.seen().len(), 1, "the second page is not asked for yet");
    assert!(stream.try_next().await.expect("a page").is_some());
    assert!(stream.try_next().await.expect("the end").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_an_error_in_its_middle() {
    let first = r#"{"events":[{"messageId":"m1","state":"CREATED"},{"messageId":"m2","state":"ACTIVE"}],"cursor":"a"}"#;
    let fake = Fake::new([ok(first), answer(400, r#"{"error":"No."}"#)]);
    let client = fake.client();
    let mut stream = std::pin::pin!(client.v2().logs().stream());
    for id in ["m1", "m2"] {
        let entry = stream.try_next().await.expect("a page").expect("an entry");
        assert_eq!(entry.message_id.as_str(), id);
    }
    let error = stream.try_next().await.expect_err("the second page");
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert!(stream.try_next().await.expect("the end").is_none());
    assert_eq!(fake.seen().len(), 2);
}

fn hurried(fake: &Fake, total: Duration) -> Client {
    let policy = RetryPolicy {
        jitter: 0.0,
        ..RetryPolicy::default()
    };
    let builder = fake.builder().retry(policy).total_timeout(total);
    builder.build().expect("valid")
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_would_outlast_the_total_timeout_is_not_begun() {
    let limited = |seconds| Step::Answer(429, vec![("retry-after", seconds)], String::new());
    let fake = Fake::new([limited("4"), limited("6")]);
    let client = hurried(&fake, Duration::from_secs(10));
    let error = client.v2().publish("https://e.com").send().await;
    let error = error.expect_err("limited");
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(6)));
    assert_eq!(error.retries(), 1);
    assert_eq!(millis(&fake), [0, 4_000]);
}

#[tokio::test(start_paused = true)]
async fn when_time_runs_out_the_error_tells_the_last_failure_too() {
    let fake = Fake::new([answer(503, r#"{"error":"busy"}"#), Step::Silence]);
    let client = hurried(&fake, Duration::from_secs(3));
    let start = tokio::time::Instant::now();
    let error = client.v2().publish("https://e.com").send().await;
    let error = error.expect_err("silence");
    assert_eq!(start.elapsed(), Duration::from_secs(3));
    assert!(error.is_timeout());
    assert_eq!(error.retries(), 1);
    let text = error.to_string();
    assert!(
        text.contains("q.test:80") && text.contains("503 Service Unavailable: busy"),
        "{text}"
    );
    let earlier = error
        .underlying()
        .and_then(|it| it.downcast_ref::<qstash_client::Error>());
    assert_eq!(earlier.expect("the 503").kind(), ErrorKind::Server);
}
