//! The HTTP request of every operation and option as text. Each snapshot is reviewed like code against
//! the v2 contract. `INSTA_UPDATE=always` writes them anew.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use http::Method;
use qstash_client::transport::{BoxFuture, Transport, TransportError};
use qstash_client::v2::{
    Api, Callback, DlqFilter, Email, FlowControl, Group, Llm, NewMessage, Redact, RetryDelay,
    retried,
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
        Box::pin(tokio::time::sleep_until(
            tokio::time::Instant::now() + duration,
        ))
    }
}

fn scribe() -> (Scribe, Client) {
    let scribe = Scribe::default();
    let builder = Client::builder().base_url("http://q.test").token("t0ken");
    let client = builder.transport(scribe.clone()).build().expect("valid");
    (scribe, client)
}

/// What calls send; each has to send exactly one request, under a title.
pub(crate) struct Pages {
    scribe: Scribe,
    pub(crate) client: Client,
    pub(crate) text: String,
}

impl Pages {
    pub(crate) fn new() -> Self {
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
pub(crate) use add;

impl Pages {
    pub(crate) fn note(&mut self, title: &str, result: &Result<(), qstash_client::Error>) {
        let sent = std::mem::take(&mut *self.scribe.0.lock().expect("not poisoned"));
        assert!(!sent.is_empty(), "{title}: nothing was sent: {result:?}");
        self.text.push_str(&format!("## {title}\n{sent}"));
    }
}

pub(crate) const URL: &str = "https://example.com/hook?x=1";

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
    insta::assert_snapshot!(pages.text);
}

#[tokio::test]
async fn callbacks() {
    let mut pages = Pages::new();
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
                    .method(Method::PUT)
                    .timeout(Duration::from_secs(8))
                    .retries(0)
                    .retry_delay(RetryDelay::text("retried + 1") * 1000)
                    .delay(Duration::from_secs(3))
                    .flow_control(FlowControl::parallelism("fcb", 2))
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
