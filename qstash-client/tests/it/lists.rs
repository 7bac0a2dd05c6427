//! Pages, streams and batches.

use futures_util::TryStreamExt as _;
use qstash_client::ErrorKind;
use qstash_client::v1::NewMessage;

use crate::fake::{Fake, Seen, answer, ok};

fn queue(name: &str) -> String {
    format!(
        r#"{{"name":"{name}","max_retries":3,"retry_backoff":{{"kind":"fixed","seconds":1.5}},
        "visibility_timeout_seconds":30,"delivery_timeout_seconds":30,"parallelism":16,
        "on_accepted":"pending","paused":false}}"#
    )
}

#[tokio::test(start_paused = true)]
async fn a_stream_walks_over_all_pages() {
    let fake = Fake::new([
        ok(format!(
            r#"{{"queues":[{},{}],"cursor":"b"}}"#,
            queue("a"),
            queue("b")
        )),
        ok(r#"{"queues":[],"cursor":"c"}"#),
        ok(format!(r#"{{"queues":[{}],"cursor":null}}"#, queue("d"))),
    ]);
    let client = fake.client();
    let list = client.v1().queues().list().prefix("x").limit(2).stream();
    let names: Vec<String> = list
        .map_ok(|queue| queue.name.to_string())
        .try_collect()
        .await
        .expect("three pages");
    assert_eq!(names, ["a", "b", "d"]);
    let lines: Vec<String> = fake.seen().iter().map(Seen::line).collect();
    assert_eq!(lines[0], "GET http://q.test/v1/queues?prefix=x&limit=2");
    assert_eq!(
        lines[2],
        "GET http://q.test/v1/queues?prefix=x&limit=2&cursor=c"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_where_the_cursor_leads_to_itself() {
    let page = || ok(r#"{"messages":[],"cursor":"same"}"#);
    let fake = Fake::new([page(), page()]);
    let client = fake.client();
    let all: Vec<_> = client
        .v1()
        .messages()
        .list("q")
        .stream()
        .try_collect()
        .await
        .expect("ends");
    assert!(all.is_empty());
    let bad = client
        .v1()
        .messages()
        .list("no name")
        .stream()
        .try_collect::<Vec<_>>()
        .await;
    assert_eq!(bad.expect_err("a bad name").kind(), ErrorKind::InvalidInput);
}

#[tokio::test(start_paused = true)]
async fn a_created_queue_tells_whether_it_is_new() {
    let fake = Fake::new([answer(201, queue("q")), ok(queue("q"))]);
    let client = fake.client();
    assert!(
        client
            .v1()
            .queues()
            .create("q")
            .send()
            .await
            .expect("made")
            .created
    );
    assert!(
        !client
            .v1()
            .queues()
            .create("q")
            .send()
            .await
            .expect("stood")
            .created
    );
}

#[tokio::test(start_paused = true)]
async fn a_batch_reports_item_by_item_and_refuses_a_wrong_number_of_results() {
    let body = r#"{"results":[{"message_id":"m1"},{"error":"No.","code":"message_too_large"}]}"#;
    let fake = Fake::new([ok(body), ok(body)]);
    let client = fake.client();
    let two = || [NewMessage::new("a", &1), NewMessage::raw("b", "[2]")];
    let results = client.v1().publish_batch(two()).send().await.expect("sent");
    assert_eq!(
        results[0].as_ref().expect("published").message_id.as_str(),
        "m1"
    );
    let error = results[1].as_ref().expect_err("refused");
    assert_eq!(error.to_string(), "No. (message_too_large)");
    let one = two().into_iter().take(1);
    client
        .v1()
        .publish_batch(one)
        .send()
        .await
        .expect_err("two results for one message");
    assert_eq!(
        fake.seen()[0].json()["messages"][1]["message"],
        serde_json::json!([2])
    );
}
