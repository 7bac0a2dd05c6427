//! The HTTP request of every operation and option as text. Each snapshot is reviewed like code against
//! the v2 contract. `INSTA_UPDATE=always` writes them anew.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use http::Method;
use qstash_client::transport::{BoxFuture, Transport, TransportError};
use qstash_client::v2::{
    All, Api, Callback, DlqFilter, Email, Endpoint, EndpointRef, FlowControl, Group, Llm,
    LogFilter, LogState, MessageFilter, NewMessage, Order, Redact, RetryDelay, retried,
};
use qstash_client::{Client, Timestamp, TraceContext};

/// Writes requests down and answers nothing useful.
#[derive(Clone, Default)]
struct Scribe(Arc<Mutex<String>>);

impl Transport for Scribe {
    fn execute(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        let uri = request.uri().to_string();
        let path = uri.strip_prefix("http://q.test").expect("the base URL");
        let mut lines = vec![format!("{} {path}", request.method())];
        let mut headers: Vec<String> = request
            .headers()
            .iter()
            .filter(|(name, _)| *name != "authorization")
            .map(|(name, value)| format!("{name}: {}", value.to_str().expect("text")))
            .collect();
        // Stable, so that repeated names keep their order.
        headers.sort_by(|a, b| a.split(':').next().cmp(&b.split(':').next()));
        lines.extend(headers);
        if !request.body().is_empty() {
            lines.push(String::new());
            lines.push(String::from_utf8_lossy(request.body()).into_owned());
        }
        self.0
            .lock()
            .expect("not poisoned")
            .push_str(&(lines.join("\n") + "\n\n"));
        Box::pin(async { Ok(http::Response::new(Bytes::from_static(b"?"))) })
    }

    fn wait(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

fn scribe() -> (Scribe, Client) {
    let scribe = Scribe::default();
    let builder = Client::builder().base_url("http://q.test").token("t0ken");
    let client = builder.transport(scribe.clone()).build().expect("valid");
    (scribe, client)
}

/// What calls send; each has to send exactly one request, under a title.
struct Pages {
    scribe: Scribe,
    client: Client,
    text: String,
}

impl Pages {
    fn new() -> Self {
        let (scribe, client) = scribe();
        Self {
            scribe,
            client,
            text: String::new(),
        }
    }
}

/// `add!(pages, "title", |v2| call)`.
macro_rules! add {
    ($pages:ident, $title:literal, |$v2:ident| $call:expr) => {{
        let client = $pages.client.clone();
        let $v2 = client.v2();
        let result = $call.await;
        $pages.note($title, &result.map(|_| ()));
    }};
}

impl Pages {
    fn note(&mut self, title: &str, result: &Result<(), qstash_client::Error>) {
        let sent = std::mem::take(&mut *self.scribe.0.lock().expect("not poisoned"));
        assert!(!sent.is_empty(), "{title}: nothing was sent: {result:?}");
        self.text.push_str(&format!("## {title}\n{sent}"));
    }
}

const URL: &str = "https://example.com/hook?x=1";

#[tokio::test]
async fn publishing() {
    let mut pages = Pages::new();
    let order = serde_json::json!({"order_id": 42});
    add!(pages, "to a URL, as JSON", |v2| v2
        .publish(URL)
        .json(&order)
        .deduplication_id("order-42")
        .send());
    add!(pages, "to a URL group, bytes with a content type", |v2| v2
        .publish(Group("orders"))
        .body("<a/>")
        .content_type("text/xml")
        .without_deduplication()
        .send());
    add!(pages, "to an API, with its callback", |v2| v2
        .publish(Api("llm"))
        .callback("https://example.com/answer")
        .without_deduplication()
        .send());
    add!(pages, "through a queue", |v2| v2
        .enqueue("mails", URL)
        .body("hi")
        .deduplication_id("d")
        .send());
    add!(pages, "through a queue to a URL group", |v2| v2
        .enqueue("mails", Group("orders"))
        .without_deduplication()
        .send());
    add!(
        pages,
        "the content type wins over JSON's, in either order",
        |v2| v2
            .publish(URL)
            .content_type("application/cloudevents+json")
            .json(&1)
            .without_deduplication()
            .send()
    );
    insta::assert_snapshot!(pages.text);
}

#[tokio::test]
async fn options_of_a_publish() {
    let mut pages = Pages::new();
    add!(pages, "delivery", |v2| v2
        .publish(URL)
        .without_deduplication()
        .method(Method::PUT)
        .header("X-Tenant", "7")
        .header("X-Tag", "a, b")
        .header("X-Tag", "c")
        .header("Upstash-Own", "kept")
        .retries(5)
        .retry_delay(RetryDelay::from(2).pow(retried()) * 1000)
        .timeout(Duration::from_secs(90))
        .delay(Duration::from_secs(3600))
        .not_before(Timestamp::from_millis(1_795_485_600_001))
        .label("nightly")
        .label("eu")
        .redact(Redact::Body)
        .redact(Redact::Header("Authorization".into()))
        .send());
    add!(pages, "a retry delay as text, all headers redacted", |v2| {
        v2.publish(URL)
            .without_deduplication()
            .retry_delay("max(1000, 7000 * retried)")
            .redact(Redact::AllHeaders)
            .send()
    });
    add!(pages, "content-based deduplication", |v2| v2
        .publish(URL)
        .content_based_deduplication()
        .send());
    add!(pages, "all headers forwarded, with one of its own", |v2| v2
        .publish(URL)
        .without_deduplication()
        .forward_all_headers()
        .raw_header("X-Plain", "1")
        .send());
    add!(pages, "limits: parallelism", |v2| v2
        .publish(URL)
        .without_deduplication()
        .flow_control(FlowControl::parallelism("key", 5))
        .send());
    add!(pages, "limits: rate and parallelism", |v2| v2
        .publish(URL)
        .without_deduplication()
        .flow_control(FlowControl::rate("key", 10, Duration::from_secs(60)).and_parallelism(5))
        .send());
    add!(
        pages,
        "a callback and a failure callback with settings of their own",
        |v2| v2
            .publish(URL)
            .without_deduplication()
            .callback(
                Callback::new("https://example.com/done")
                    .method(Method::PATCH)
                    .timeout(Duration::from_secs(9))
                    .retries(1)
                    .retry_delay(500)
                    .delay(Duration::from_secs(2))
                    .flow_control(FlowControl::rate("cb", 1, Duration::from_secs(1)))
                    .header("X-Kind", "done"),
            )
            .failure_callback(
                Callback::new("https://example.com/failed")
                    .retries(0)
                    .header("X-Kind", "failed"),
            )
            .send()
    );
    insta::assert_snapshot!(pages.text);
}

#[tokio::test]
async fn batches() {
    let mut pages = Pages::new();
    add!(pages, "mixed destinations", |v2| v2
        .batch([
            NewMessage::to(URL)
                .json(&[1])
                .header("X-Tag", "a")
                .header("X-Tag", "b")
                .deduplication_id("d-1"),
            NewMessage::to(Group("orders"))
                .queue("mails")
                .body("\u{1}\"\\ ü")
                .delay(Duration::from_secs(5))
                .without_deduplication(),
            NewMessage::to(Llm::openai("sk", "https://example.com/answer")).without_deduplication(),
        ])
        .send());
    insta::assert_snapshot!(pages.text);
}

#[tokio::test]
async fn models_and_mails() {
    let mut pages = Pages::new();
    let answer = "https://example.com/answer";
    add!(pages, "OpenAI", |v2| v2
        .publish(Llm::openai("sk", answer).organization("org"))
        .without_deduplication()
        .send());
    add!(pages, "Anthropic", |v2| v2
        .publish(Llm::anthropic("sk", Callback::new(answer).retries(2)))
        .without_deduplication()
        .send());
    add!(pages, "a provider of one's own", |v2| v2
        .publish(Llm::custom(
            "https://llm.test/api/v1/chat/completions",
            "sk",
            answer
        ))
        .without_deduplication()
        .send());
    add!(pages, "through Helicone", |v2| v2
        .publish(Llm::anthropic("sk", answer).helicone("hc"))
        .without_deduplication()
        .send());
    add!(pages, "Resend", |v2| v2
        .publish(Email::resend("re"))
        .without_deduplication()
        .send());
    add!(pages, "Resend, several", |v2| v2
        .publish(Email::resend_batch("re"))
        .without_deduplication()
        .send());
    insta::assert_snapshot!(pages.text);
}

#[tokio::test]
async fn messages() {
    let mut pages = Pages::new();
    add!(pages, "get", |v2| v2.messages().get("msg_1").send());
    add!(pages, "an id that needs encoding", |v2| v2
        .messages()
        .get("a/b?c")
        .send());
    add!(pages, "cancel", |v2| v2.messages().cancel("msg_1").send());
    add!(pages, "cancel many", |v2| v2
        .messages()
        .cancel_many(["msg_1", "msg_2", "msg_1"])
        .send());
    let filter = || {
        MessageFilter::url_groups(["orders"])
            .and(MessageFilter::queues(["mails", "events"]))
            .and(MessageFilter::urls([URL]))
            .and(MessageFilter::hosts(["example.com"]))
            .and(MessageFilter::paths(["/hook"]))
            .and(MessageFilter::labels(["nightly"]))
            .and(MessageFilter::flow_control_keys(["key"]))
            .and(MessageFilter::schedules(["scd_1"]))
            .and(MessageFilter::caller_ips(["203.0.113.9"]))
            .and(MessageFilter::since(Timestamp::from_millis(1)))
            .and(MessageFilter::until(Timestamp::from_millis(2)))
    };
    add!(pages, "cancel matching", |v2| v2
        .messages()
        .cancel_matching(filter())
        .count(500)
        .send());
    add!(pages, "cancel all", |v2| v2
        .messages()
        .cancel_all(All)
        .send());
    insta::assert_snapshot!(pages.text);
}

#[tokio::test]
async fn dead_letters() {
    let mut pages = Pages::new();
    let filter = || {
        DlqFilter::message("msg_1")
            .and(DlqFilter::url_groups(["orders"]))
            .and(DlqFilter::queues(["mails"]))
            .and(DlqFilter::urls([URL]))
            .and(DlqFilter::labels(["nightly"]))
            .and(DlqFilter::flow_control_keys(["key"]))
            .and(DlqFilter::schedules(["scd_1"]))
            .and(DlqFilter::caller_ips(["203.0.113.9"]))
            .and(DlqFilter::response_statuses([500, 502]))
            .and(DlqFilter::since(Timestamp::from_millis(1)))
            .and(DlqFilter::until(Timestamp::from_millis(2)))
    };
    add!(pages, "list", |v2| v2.dlq().list().send());
    add!(pages, "list with everything", |v2| v2
        .dlq()
        .list()
        .filter(filter())
        .count(10)
        .order(Order::EarliestFirst)
        .cursor("c")
        .send());
    add!(pages, "get", |v2| v2.dlq().get("1725323658779-0").send());
    add!(pages, "delete", |v2| v2.dlq().delete("1-0").send());
    add!(pages, "delete many", |v2| v2
        .dlq()
        .delete_many(["1-0", "2-0"])
        .send());
    add!(pages, "delete matching", |v2| v2
        .dlq()
        .delete_matching(filter())
        .count(7)
        .cursor("c")
        .send());
    add!(pages, "delete all", |v2| v2.dlq().delete_all(All).send());
    add!(pages, "retry", |v2| v2.dlq().retry("1-0").send());
    add!(pages, "retry with overrides", |v2| v2
        .dlq()
        .retry("1-0")
        .retries(0)
        .timeout(Duration::from_secs(5))
        .callback("https://example.com/done")
        .header("X-Again", "1")
        .send());
    add!(pages, "retry many", |v2| v2
        .dlq()
        .retry_many(["1-0", "2-0"])
        .retries(1)
        .send());
    add!(pages, "retry matching", |v2| v2
        .dlq()
        .retry_matching(DlqFilter::labels(["a"]))
        .count(3)
        .cursor("c")
        .send());
    add!(pages, "retry all", |v2| v2.dlq().retry_all(All).send());
    insta::assert_snapshot!(pages.text);
}

#[tokio::test]
async fn logs() {
    let mut pages = Pages::new();
    add!(pages, "list", |v2| v2.logs().send());
    let filter = || {
        LogFilter::messages(["msg_1", "msg_2"])
            .and(LogFilter::states([
                LogState::Cancelled,
                LogState::InProgress,
            ]))
            .and(LogFilter::url_groups(["orders"]))
            .and(LogFilter::queues(["mails"]))
            .and(LogFilter::urls([URL]))
            .and(LogFilter::hosts(["example.com"]))
            .and(LogFilter::paths(["/hook"]))
            .and(LogFilter::labels(["nightly"]))
            .and(LogFilter::flow_control_keys(["key"]))
            .and(LogFilter::schedules(["scd_1"]))
            .and(LogFilter::caller_ips(["203.0.113.9"]))
            .and(LogFilter::since(Timestamp::from_millis(1)))
            .and(LogFilter::until(Timestamp::from_millis(2)))
    };
    add!(pages, "list with everything", |v2| v2
        .logs()
        .filter(filter())
        .count(1000)
        .order(Order::LatestFirst)
        .cursor("c")
        .send());
    insta::assert_snapshot!(pages.text);
}

#[tokio::test]
async fn queues() {
    let mut pages = Pages::new();
    add!(pages, "upsert with defaults", |v2| v2
        .queues()
        .upsert("mails")
        .send());
    add!(pages, "upsert", |v2| v2
        .queues()
        .upsert("mails")
        .parallelism(2)
        .paused(true)
        .send());
    add!(pages, "list", |v2| v2.queues().list().send());
    add!(pages, "get", |v2| v2.queues().get("mails").send());
    add!(pages, "delete", |v2| v2.queues().delete("mails").send());
    add!(pages, "pause", |v2| v2.queues().pause("mails").send());
    add!(pages, "resume", |v2| v2.queues().resume("mails").send());
    insta::assert_snapshot!(pages.text);
}

#[tokio::test]
async fn schedules() {
    let mut pages = Pages::new();
    add!(pages, "create", |v2| v2
        .schedules()
        .create(URL, " */5 * * * * ")
        .json(&1)
        .send());
    add!(pages, "create with everything", |v2| v2
        .schedules()
        .create(Group("orders"), "0 4 * * *")
        .id("nightly")
        .time_zone("Europe/Berlin")
        .queue("mails")
        .delay(Duration::from_secs(60))
        .method(Method::GET)
        .header("X-Tenant", "7")
        .retries(1)
        .label("nightly")
        .failure_callback("https://example.com/failed")
        .flow_control(FlowControl::parallelism("key", 1))
        .redact(Redact::Body)
        .send());
    add!(pages, "list", |v2| v2.schedules().list().send());
    add!(pages, "get", |v2| v2.schedules().get("scd_1").send());
    add!(pages, "delete", |v2| v2.schedules().delete("scd_1").send());
    add!(pages, "pause", |v2| v2.schedules().pause("scd_1").send());
    add!(pages, "resume", |v2| v2.schedules().resume("scd_1").send());
    insta::assert_snapshot!(pages.text);
}

#[tokio::test]
async fn url_groups() {
    let mut pages = Pages::new();
    add!(pages, "add endpoints", |v2| v2
        .url_groups()
        .add_endpoints(
            "orders",
            [
                Endpoint::url(URL),
                Endpoint::url("https://b.test").named("the b")
            ]
        )
        .send());
    add!(pages, "remove endpoints", |v2| v2
        .url_groups()
        .remove_endpoints(
            "orders",
            [
                EndpointRef::Url(URL.into()),
                EndpointRef::Name("the b".into())
            ]
        )
        .send());
    add!(pages, "set defaults", |v2| v2
        .url_groups()
        .set_defaults("orders")
        .retries(3)
        .forward_all_headers()
        .header("X-Tag", "a")
        .header("X-Tag", "b")
        .send());
    add!(pages, "list", |v2| v2.url_groups().list().send());
    add!(pages, "get", |v2| v2.url_groups().get("orders").send());
    add!(pages, "delete", |v2| v2
        .url_groups()
        .delete("orders")
        .send());
    insta::assert_snapshot!(pages.text);
}

#[tokio::test]
async fn flow_control_and_keys() {
    let mut pages = Pages::new();
    add!(pages, "list", |v2| v2.flow_control().list().send());
    add!(pages, "search", |v2| v2
        .flow_control()
        .list()
        .search("a b")
        .send());
    add!(pages, "get, encoded", |v2| v2
        .flow_control()
        .get("tenant/7")
        .send());
    add!(pages, "pause", |v2| v2.flow_control().pause("key").send());
    add!(pages, "resume", |v2| v2.flow_control().resume("key").send());
    add!(pages, "reset the rate", |v2| v2
        .flow_control()
        .reset_rate("key")
        .send());
    add!(pages, "pin", |v2| v2
        .flow_control()
        .pin("key")
        .parallelism(5)
        .rate(10)
        .period(Duration::from_secs(60))
        .send());
    add!(pages, "unpin", |v2| v2
        .flow_control()
        .unpin("key")
        .parallelism()
        .rate()
        .send());
    add!(pages, "unpin the rate", |v2| v2
        .flow_control()
        .unpin("key")
        .rate()
        .send());
    add!(pages, "the global parallelism", |v2| v2
        .flow_control()
        .global_parallelism()
        .send());
    add!(pages, "keys", |v2| v2.keys().get().send());
    add!(pages, "rotate the keys", |v2| v2.keys().rotate().send());
    insta::assert_snapshot!(pages.text);
}

#[tokio::test]
async fn a_trace_travels_unless_it_would_do_harm() {
    let scribe = Scribe::default();
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let context = TraceContext::parse(parent)
        .and_then(|c| c.with_state("v=1"))
        .expect("valid");
    let builder = Client::builder()
        .base_url("http://q.test")
        .transport(scribe.clone());
    let client = builder
        .trace_context(move || Some(context.clone()))
        .build()
        .expect("valid");
    let mut pages = Pages {
        scribe,
        client,
        text: String::new(),
    };
    add!(pages, "a publish", |v2| v2
        .publish(URL)
        .without_deduplication()
        .send());
    add!(pages, "in a batch", |v2| v2
        .batch([NewMessage::to(URL).without_deduplication()])
        .send());
    add!(pages, "not over one that is set", |v2| v2
        .publish(URL)
        .without_deduplication()
        .header("Traceparent", "mine")
        .send());
    add!(pages, "not where it would change a hash", |v2| v2
        .publish(URL)
        .content_based_deduplication()
        .send());
    add!(pages, "not on a schedule", |v2| v2
        .schedules()
        .create(URL, "* * * * *")
        .send());
    insta::assert_snapshot!(pages.text);
}

#[tokio::test]
async fn a_generated_deduplication_id_is_a_uuid_and_fresh_each_time() {
    let (scribe, client) = scribe();
    for _ in 0..2 {
        client
            .v2()
            .publish(URL)
            .send()
            .await
            .expect_err("no useful answer");
    }
    let text = scribe.0.lock().expect("not poisoned").clone();
    let ids: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("upstash-deduplication-id: "))
        .collect();
    assert_eq!(ids.iter().map(|id| id.len()).collect::<Vec<_>>(), [36, 36]);
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_stream_asks_for_what_its_list_asks_for() {
    let (scribe, client) = scribe();
    let list = client
        .v2()
        .dlq()
        .list()
        .count(5)
        .filter(DlqFilter::labels(["a"]));
    list.stream()
        .try_collect::<Vec<_>>()
        .await
        .expect_err("no useful answer");
    let text = scribe.0.lock().expect("not poisoned").clone();
    assert_eq!(text, "GET /v2/dlq?label=a&count=5\n\n");
}
