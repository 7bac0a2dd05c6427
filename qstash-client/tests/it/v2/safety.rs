//! What cannot be asked for.

use std::time::Duration;

use http::Method;
use qstash_client::v2::{
    Api, Callback, DlqFilter, Endpoint, EndpointRef, FlowControl, Group, Llm, MessageFilter,
    NewMessage, Redact,
};
use qstash_client::{Error, ErrorKind};

use crate::fake::{Fake, ok};

/// `TRYBUILD=overwrite` writes the compiler's words anew, which belong to the pinned toolchain.
#[test]
fn unsafe_calls_do_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/it/ui/*.rs");
}

fn refused<T: std::fmt::Debug>(result: Result<T, Error>, part: &str) {
    let error = result.expect_err(part);
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert!(error.to_string().contains(part), "{part}: {error}");
}

#[tokio::test]
async fn an_empty_id_or_filter_reaches_nothing() {
    let fake = Fake::new([]);
    let client = fake.client();
    let v2 = client.v2();
    for id in ["", ".", "..", " ", "a\n", " a"] {
        refused(v2.messages().get(id).send().await, "message id");
        refused(v2.dlq().get(id).send().await, "DLQ id");
        refused(v2.dlq().retry_many([id]).send().await, "DLQ id");
        refused(v2.queues().pause(id).send().await, "queue name");
        refused(v2.queues().upsert(id).send().await, "queue name");
        refused(v2.schedules().pause(id).send().await, "schedule id");
        let defaults = v2.url_groups().set_defaults(id).retries(1);
        refused(defaults.send().await, "URL group name");
        let endpoint = [EndpointRef::Name("a".to_owned())];
        let removal = v2.url_groups().remove_endpoints(id, endpoint);
        refused(removal.send().await, "URL group name");
        let pin = v2.flow_control().pin(id).rate(1);
        refused(pin.send().await, "flow control key");
        let unpin = v2.flow_control().unpin(id).rate();
        refused(unpin.send().await, "flow control key");
        refused(v2.messages().cancel(id).send().await, "message id");
        refused(v2.messages().cancel_many([id]).send().await, "message id");
        refused(v2.dlq().delete(id).send().await, "DLQ id");
        refused(v2.dlq().delete_many([id]).send().await, "DLQ id");
        refused(v2.dlq().retry(id).send().await, "DLQ id");
        refused(v2.queues().delete(id).send().await, "queue name");
        refused(v2.schedules().delete(id).send().await, "schedule id");
        refused(v2.url_groups().delete(id).send().await, "URL group name");
        refused(
            v2.flow_control().reset_rate(id).send().await,
            "flow control key",
        );
    }
    let none: [&str; 0] = [];
    refused(
        v2.messages()
            .cancel_matching(MessageFilter::labels(none))
            .send()
            .await,
        "`label`",
    );
    refused(
        v2.messages()
            .cancel_matching(MessageFilter::queues([""]))
            .send()
            .await,
        "`queueName`",
    );
    let blank = MessageFilter::hosts([" \t"]);
    refused(v2.messages().cancel_matching(blank).send().await, "`host`");
    refused(
        v2.dlq()
            .delete_matching(DlqFilter::urls(["https://e.com/a,b"]))
            .send()
            .await,
        "comma",
    );
    refused(
        v2.dlq()
            .retry_matching(DlqFilter::labels(none))
            .send()
            .await,
        "`label`",
    );
    refused(v2.messages().cancel_many(["a,b"]).send().await, "comma");
    let twice = MessageFilter::labels(["a"]).and(MessageFilter::labels(["b"]));
    refused(v2.messages().cancel_matching(twice).send().await, "twice");
    assert!(fake.seen().is_empty());
}

#[tokio::test]
async fn an_empty_list_of_ids_is_no_request() {
    let fake = Fake::new([]);
    let client = fake.client();
    let none: [&str; 0] = [];
    assert_eq!(
        client
            .v2()
            .messages()
            .cancel_many(none)
            .send()
            .await
            .expect("nothing"),
        0
    );
    assert_eq!(
        client
            .v2()
            .dlq()
            .delete_many(none)
            .send_all()
            .await
            .expect("nothing"),
        0
    );
    let retried = client
        .v2()
        .dlq()
        .retry_many(none)
        .send()
        .await
        .expect("nothing");
    assert!(retried.responses.is_empty());
    let batch = client.v2().batch([]).send().await.expect("nothing");
    assert!(batch.is_empty());
    let none: [Endpoint; 0] = [];
    refused(
        client
            .v2()
            .url_groups()
            .add_endpoints("g", none)
            .send()
            .await,
        "endpoints",
    );
    let none: [EndpointRef; 0] = [];
    refused(
        client
            .v2()
            .url_groups()
            .remove_endpoints("g", none)
            .send()
            .await,
        "endpoints",
    );
    assert!(fake.seen().is_empty());
}

#[tokio::test]
async fn numbers_of_ids_and_counts_have_limits() {
    let ids = |n: u32| (0..n).map(|n| format!("msg_{n}")).collect::<Vec<_>>();
    let fake = Fake::new([
        ok(r#"{"cancelled":100}"#),
        ok(r#"{"cancelled":1}"#),
        ok(r#"{"deleted":1}"#),
    ]);
    let client = fake.client();
    let v2 = client.v2();
    v2.messages()
        .cancel_many(ids(100))
        .send()
        .await
        .expect("100 ids");
    refused(v2.messages().cancel_many(ids(101)).send().await, "100 ids");
    let by_label = || v2.messages().cancel_matching(MessageFilter::labels(["a"]));
    by_label().count(500).send().await.expect("500");
    refused(by_label().count(501).send().await, "count");
    refused(by_label().count(0).send().await, "count");
    let dlq = || v2.dlq().delete_matching(DlqFilter::labels(["a"]));
    dlq().count(100).send().await.expect("100");
    refused(dlq().count(101).send().await, "count");
    assert_eq!(fake.seen().len(), 3);
}

#[tokio::test]
async fn options_are_checked_before_anything_is_sent() {
    const URL: &str = "https://e.com";
    let fake = Fake::new([]);
    let client = fake.client();
    let publish = || client.v2().publish(URL);
    let half = Duration::from_millis(1500);
    refused(publish().delay(half).send().await, "delay");
    refused(publish().timeout(half).send().await, "timeout");
    refused(publish().timeout(Duration::ZERO).send().await, "timeout");
    refused(publish().method(Method::HEAD).send().await, "method");
    refused(
        publish().deduplication_id("a:b").send().await,
        "deduplication id",
    );
    refused(publish().label("a,b").send().await, "label");
    refused(publish().header("a b", "1").send().await, "header name");
    refused(publish().header("a", "1\r\nb: 2").send().await, "\"a\"");
    refused(
        publish().raw_header("Authorization", "x").send().await,
        "header name",
    );
    refused(
        publish()
            .raw_header("Upstash-Deduplication-Id", "x")
            .send()
            .await,
        "header name",
    );
    let twice = publish().retries(1).raw_header("Upstash-Retries", "2");
    refused(twice.send().await, "header name");
    let beyond_ascii = NewMessage::to(URL).header("X-Name", "Müller");
    refused(client.v2().batch([beyond_ascii]).send().await, "X-Name");
    let key = FlowControl::parallelism("müller", 1);
    refused(publish().flow_control(key).send().await, "flow control key");
    refused(
        publish().redact(Redact::Header("a]".into())).send().await,
        "header name",
    );
    refused(publish().callback("e.com").send().await, "callback");
    refused(
        publish()
            .callback(Callback::new(URL).delay(half))
            .send()
            .await,
        "delay",
    );
    refused(
        publish()
            .flow_control(FlowControl::parallelism("", 1))
            .send()
            .await,
        "flow control key",
    );
    refused(
        publish()
            .flow_control(FlowControl::parallelism("k", 0))
            .send()
            .await,
        "parallelism",
    );
    let week = Duration::from_secs(7 * 24 * 3600);
    refused(
        publish()
            .flow_control(FlowControl::rate("k", 1, week + half))
            .send()
            .await,
        "period",
    );
    refused(publish().retry_delay(-1).send().await, "retry delay");
    assert!(fake.seen().is_empty());
}

#[tokio::test]
async fn destinations_schedules_and_limits_are_checked_before_anything_is_sent() {
    const URL: &str = "https://e.com";
    let fake = Fake::new([]);
    let client = fake.client();
    refused(client.v2().publish(Api("llm")).send().await, "callback");
    refused(
        client.v2().publish(Llm::openai("", URL)).send().await,
        "token is empty",
    );
    refused(
        client.v2().publish(Group("a/b")).send().await,
        "URL group name",
    );
    refused(client.v2().enqueue("", URL).send().await, "queue name");
    let bytes = NewMessage::to(URL).body(vec![0xff]);
    refused(client.v2().batch([bytes]).send().await, "message 0");
    refused(
        client.v2().schedules().create(URL, " ").send().await,
        "cron",
    );
    let zone = client
        .v2()
        .schedules()
        .create(URL, "* * * * *")
        .time_zone("Berlin; x");
    refused(zone.send().await, "time zone");
    refused(client.v2().flow_control().pin("k").send().await, "pin");
    refused(client.v2().flow_control().unpin("k").send().await, "unpin");
    refused(
        client.v2().queues().upsert("q").parallelism(0).send().await,
        "parallelism",
    );
    assert!(fake.seen().is_empty());
}

#[test]
fn what_is_being_set_up_shows_no_secret() {
    let message = NewMessage::to(Llm::anthropic("s3cret", "https://e.com").helicone("s3cret"))
        .header("Authorization", "s3cret")
        .callback(Callback::new("https://e.com/?k=s3cret").header("X", "s3cret"));
    let client = Fake::new([]).client();
    let publish = client
        .v2()
        .publish("https://u:s3cret@e.com/")
        .header("Key", "s3cret")
        .body("s3cret");
    let url = "https://u:s3cret@e.com/s3cret?k=s3cret";
    let filter = DlqFilter::urls([url]);
    let list = client.v2().dlq().list().filter(filter.clone());
    let deletion = client.v2().dlq().delete_matching(filter.clone());
    let text = format!(
        "{message:?} {publish:?} {:?} {filter:?} {list:?} {deletion:?} {:?} {:?}",
        Llm::openai("s3cret", "https://e.com"),
        Endpoint::url(url).named("a"),
        EndpointRef::Url(url.to_owned()),
    );
    assert!(!text.contains("s3cret"), "{text}");
}

#[tokio::test]
async fn a_fragment_is_shown_neither_by_its_refusal_nor_in_debug() {
    let url = "https://e.com#access_token=s3cret";
    let client = Fake::new([]).client();
    let error = client.v2().publish(url).send().await.expect_err("fragment");
    let text = format!(
        "{error} {error:?} {:?} {:?} {:?}",
        Callback::new(url),
        Endpoint::url(url),
        EndpointRef::Url(url.to_owned()),
    );
    assert!(text.contains("fragment"), "{text}");
    assert!(!text.contains("s3cret"), "{text}");
}
