//! What a callback and a failure callback tell their receivers, read by the client's type; and how types of the client
//! convert into those of the verifier.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, Uri};
use bytes::Bytes;
use qstash_client::v2::{Callback, CallbackPayload};

use crate::support::{World, serve};

type Calls = Arc<Mutex<Vec<(String, Bytes)>>>;

/// A server whose receivers answer the status that their path says, and keep what reached them by their query.
struct Story {
    world: World,
    calls: Calls,
    origin: String,
}

impl Story {
    async fn begin() -> Self {
        let calls = Calls::default();
        let kept = calls.clone();
        let answer = move |uri: Uri, body: Bytes| async move {
            let query = uri.query().unwrap_or_default().to_owned();
            kept.lock().unwrap().push((query, body));
            let status: u16 = uri.path()[1..].parse().unwrap();
            let text = format!("answered {}", uri.path());
            (StatusCode::from_u16(status).unwrap(), text)
        };
        let origin = serve(Router::new().fallback(answer)).await;
        Self {
            world: World::manual().await,
            calls,
            origin,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// Lets two hours pass, and returns the callbacks that came meanwhile, by the query of their URL.
    async fn reports(&self) -> Vec<(String, CallbackPayload)> {
        self.world.settle().await;
        self.world.advance(Duration::from_secs(7200)).await;
        let calls = std::mem::take(&mut *self.calls.lock().unwrap());
        let callbacks = calls.into_iter().filter(|(query, _)| query != "source");
        callbacks
            .map(|(query, body)| (query, CallbackPayload::parse(&body).unwrap()))
            .collect()
    }
}

#[tokio::test]
async fn a_callback_reads_as_the_outcome_of_each_attempt() {
    let story = Story::begin().await;
    let to = story.url("/503?source");
    let publish = story.world.client.v2().publish(&to).retries(1);
    let published = publish
        .json(&serde_json::json!({"order_id": 42}))
        .header("X-Tag", "a")
        .callback(Callback::new(story.url("/200?callback")).retries(0))
        .failure_callback(Callback::new(story.url("/200?failed")).retries(0))
        .send()
        .await
        .unwrap();
    let reports = story.reports().await;
    let by = |query: &str| -> Vec<&CallbackPayload> {
        let named = reports.iter().filter(|(name, _)| name == query);
        named.map(|(_, payload)| payload).collect()
    };
    let each = by("callback");
    assert_eq!(each.len(), 2, "one after each attempt");
    for (retried, payload) in (0..).zip(&each) {
        assert_eq!(
            payload.status,
            Some(StatusCode::SERVICE_UNAVAILABLE.as_u16())
        );
        assert_eq!((payload.retried, payload.max_retries), (retried, Some(1)));
        assert_eq!(payload.source_message_id, published.message_id);
        assert_eq!(
            payload.source_json::<serde_json::Value>().unwrap()["order_id"],
            42
        );
        assert_eq!(payload.source_headers["X-Tag"], ["a"]);
        assert_eq!(payload.url, to);
        assert_eq!(payload.method, Some(http::Method::POST));
        assert_eq!(payload.body, "answered /503");
        assert!(!payload.is_success() && !payload.is_dead_letter());
        assert_eq!(payload.is_last(), retried == 1);
        assert!(payload.other.is_empty(), "{:?}", payload.other);
    }
    let failed = by("failed");
    assert_eq!(failed.len(), 1);
    assert!(failed[0].is_dead_letter() && failed[0].is_last());
    assert_eq!(failed[0].source_message_id, published.message_id);
    let id = failed[0].dlq_id.as_ref().unwrap();
    let letter = story.world.client.v2().dlq().get(id).send().await.unwrap();
    assert_eq!(letter.message.id, published.message_id);
}

#[tokio::test]
async fn a_callback_of_a_consumer_that_nobody_reaches_has_no_status() {
    let story = Story::begin().await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let to = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let publish = story.world.client.v2().publish(&to).retries(0);
    let callback = Callback::new(story.url("/200?callback"));
    publish.callback(callback).send().await.unwrap();
    let reports = story.reports().await;
    assert_eq!(reports.len(), 1);
    let payload = &reports[0].1;
    assert_eq!((payload.status, payload.body.len()), (None, 0));
    assert!(payload.is_last() && !payload.is_success());
}

#[tokio::test]
async fn a_time_and_a_region_of_one_crate_become_those_of_the_other() {
    use std::time::SystemTime;
    let ours = qstash_client::Timestamp::from_millis(1_795_487_288_250);
    let theirs = qstash_verify::Timestamp::from(SystemTime::from(ours));
    assert_eq!(theirs.as_millis(), 1_795_487_288_250);
    assert_eq!(
        qstash_client::Timestamp::from(SystemTime::from(theirs)),
        ours
    );
    for region in [
        qstash_client::Region::EuCentral1,
        qstash_client::Region::UsEast1,
    ] {
        let theirs = qstash_verify::Region::parse(region.as_str()).unwrap();
        assert_eq!(qstash_client::Region::parse(theirs.as_str()), Some(region));
    }
}
