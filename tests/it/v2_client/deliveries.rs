//! From publish to a receipt that verifies, and what fails on the way.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use qstash_client::TraceContext;
use qstash_client::v2::{
    All, Callback, DlqFilter, Endpoint, Group, LogFilter, LogState, MessageFilter, NewMessage,
};
use qstash_verify::{Timestamp, Verifier};

use crate::support::{HOUR, MINUTE, World, serve};

/// A webhook that keeps what reached it and answers what its path says: `/503` with 503.
#[derive(Clone, Default)]
struct Hook(Arc<Mutex<Vec<(Parts, Bytes)>>>);

async fn receive(State(hook): State<Hook>, request: Request) -> StatusCode {
    let (parts, body) = request.into_parts();
    let status = parts
        .uri
        .path()
        .trim_start_matches('/')
        .parse()
        .unwrap_or(200);
    let body = to_bytes(body, 1 << 20).await.unwrap();
    hook.0.lock().unwrap().push((parts, body));
    StatusCode::from_u16(status).unwrap()
}

struct Story {
    world: World,
    hook: Hook,
    origin: String,
}

impl Story {
    async fn begin() -> Self {
        let hook = Hook::default();
        let app = Router::new().fallback(receive).with_state(hook.clone());
        let origin = serve(app).await;
        Self {
            world: World::manual().await,
            hook,
            origin,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// What reached the webhook since the last call, each verified with the account's keys at the server's time.
    async fn verified(&self) -> Vec<(Parts, Bytes)> {
        self.world.settle().await;
        let keys = self.world.client.v2().keys().get().send().await.unwrap();
        let verifier = Verifier::builder()
            .current_signing_key(keys.current.expose())
            .next_signing_key(keys.next.expose())
            .public_origin(&self.origin)
            .build()
            .unwrap();
        let calls = std::mem::take(&mut *self.hook.0.lock().unwrap());
        let now = self.world.server.now().as_millis() / 1000;
        for (parts, body) in &calls {
            verifier
                .verify(parts, body, Timestamp::from_secs(now))
                .unwrap();
        }
        calls
    }

    async fn dead(&self) -> Vec<String> {
        let list = self.world.client.v2().dlq().list().count(1).stream();
        let letters: Vec<_> = list.try_collect().await.unwrap();
        letters
            .into_iter()
            .map(|letter| letter.dlq_id.to_string())
            .collect()
    }

    /// That many entries of the dead-letter queue, labelled `dead`.
    async fn fail(&self, count: usize) {
        for _ in 0..count {
            let publish = self.world.client.v2().publish(self.url("/503"));
            publish
                .retries(0)
                .label("dead")
                .body("x")
                .send()
                .await
                .unwrap();
        }
        self.world.settle().await;
        self.hook.0.lock().unwrap().clear();
    }
}

fn header<'a>(parts: &'a Parts, name: &str) -> &'a str {
    parts.headers[name].to_str().unwrap()
}

#[tokio::test]
async fn a_publish_arrives_verified_with_its_bytes_headers_and_query() {
    let story = Story::begin().await;
    let v2 = story.world.client.v2();
    let bytes = vec![0, 0xff, b'{'];
    let url = story.url("/a//b%2Fc?x=1&y=../z");
    let publish = v2
        .publish(&url)
        .body(bytes.clone())
        .content_type("application/x-odd");
    let publish = publish
        .method(http::Method::PUT)
        .header("X-Tag", "a, b")
        .header("X-Tag", "c");
    let id = publish.send().await.unwrap().message_id;
    let calls = story.verified().await;
    let (parts, body) = &calls[0];
    assert_eq!(calls.len(), 1);
    assert_eq!(parts.method, "PUT");
    assert_eq!(parts.uri, "/a//b%2Fc?x=1&y=../z");
    assert_eq!(body.as_ref(), bytes);
    assert_eq!(header(parts, "content-type"), "application/x-odd");
    let tags: Vec<_> = parts.headers.get_all("x-tag").iter().collect();
    assert_eq!(tags, ["a, b", "c"]);
    assert_eq!(header(parts, "upstash-message-id"), id.as_str());
    let filter = LogFilter::messages([&id]);
    let log: Vec<_> = v2
        .logs()
        .filter(filter)
        .stream()
        .try_collect()
        .await
        .unwrap();
    let states: Vec<_> = log.into_iter().rev().map(|entry| entry.state).collect();
    assert_eq!(
        states,
        [LogState::Created, LogState::Active, LogState::Delivered]
    );
}

#[tokio::test]
async fn groups_queues_batches_and_schedules_arrive_verified() {
    let story = Story::begin().await;
    let v2 = story.world.client.v2();
    let endpoints = ["/1", "/2"].map(|path| Endpoint::url(story.url(&format!("/ok{path}"))));
    v2.url_groups()
        .add_endpoints("g", endpoints)
        .send()
        .await
        .unwrap();
    v2.url_groups()
        .set_defaults("g")
        .header("X-Default", "yes")
        .send()
        .await
        .unwrap();
    v2.publish(Group("g")).body("group").send().await.unwrap();
    let calls = story.verified().await;
    assert_eq!(calls.len(), 2);
    assert!(
        calls
            .iter()
            .all(|(parts, _)| header(parts, "x-default") == "yes")
    );
    assert!(
        calls
            .iter()
            .all(|(parts, _)| header(parts, "upstash-topic-name") == "g")
    );

    for n in 0..3 {
        v2.enqueue("q", story.url("/q"))
            .body(n.to_string())
            .send()
            .await
            .unwrap();
    }
    let bodies: Vec<Bytes> = story
        .verified()
        .await
        .into_iter()
        .map(|(_, body)| body)
        .collect();
    assert_eq!(bodies, ["0", "1", "2"]);

    let items = [
        NewMessage::to(story.url("/b")).body("b"),
        NewMessage::to(Group("g")).body("g"),
    ];
    v2.batch(items).send().await.unwrap();
    assert_eq!(story.verified().await.len(), 3);

    let create = v2
        .schedules()
        .create(story.url("/s"), "*/5 * * * *")
        .id("every-five")
        .body("tick");
    create.send().await.unwrap();
    story.world.advance(10 * MINUTE).await;
    let calls = std::mem::take(&mut *story.hook.0.lock().unwrap());
    assert_eq!(calls.len(), 2);
    assert_eq!(header(&calls[0].0, "upstash-schedule-id"), "every-five");
}

#[tokio::test]
async fn callbacks_tell_how_it_went_and_a_trace_travels() {
    let story = Story::begin().await;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let builder = qstash_client::Client::builder().base_url(story.world.server.uri());
    let traced = builder
        .token(story.world.server.token())
        .trace_context(move || TraceContext::parse(parent).ok())
        .build()
        .unwrap();
    let publish = traced.v2().publish(story.url("/503")).body("hi").retries(0);
    let publish = publish
        .callback(Callback::new(story.url("/done")).header("X-Kind", "done"))
        .failure_callback(story.url("/failed").as_str());
    publish.send().await.unwrap();
    let calls = story.verified().await;
    let mut paths: Vec<_> = calls.iter().map(|(parts, _)| parts.uri.path()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["/503", "/done", "/failed"]);
    assert_eq!(header(&calls[0].0, "traceparent"), parent);
    let done = calls
        .iter()
        .find(|(parts, _)| parts.uri.path() == "/done")
        .unwrap();
    assert_eq!(header(&done.0, "x-kind"), "done");
    let told: serde_json::Value = serde_json::from_slice(&done.1).unwrap();
    assert_eq!(told["status"], 503);
}

#[tokio::test]
async fn dead_letters_are_read_retried_and_deleted_one_by_one() {
    let story = Story::begin().await;
    let dlq = story.world.client.v2().dlq();
    story.fail(2).await;
    let ids = story.dead().await;
    assert_eq!(ids.len(), 2, "a page each");
    let letter = dlq.get(&ids[0]).send().await.unwrap();
    assert_eq!(letter.response_status, Some(503));
    assert_eq!(letter.message.body.as_deref(), Some(b"x".as_slice()));
    let retried = dlq
        .retry(&ids[0])
        .retries(0)
        .header("X-Again", "1")
        .send()
        .await
        .unwrap();
    assert_ne!(retried.message_id, letter.message.id);
    let calls = story.verified().await;
    assert_eq!(calls[0].1, "x");
    dlq.delete(&ids[1]).send().await.unwrap();
    let left = story.dead().await;
    assert_eq!(left.len(), 1, "the retry failed too");
    assert!(!ids.contains(&left[0]));
}

#[tokio::test]
async fn dead_letters_are_retried_and_deleted_in_bulk() {
    let story = Story::begin().await;
    let dlq = story.world.client.v2().dlq();
    let labelled = || DlqFilter::labels(["dead"]).and(DlqFilter::response_statuses([503]));
    story.fail(5).await;
    let ids = story.dead().await;
    assert_eq!(dlq.delete_many(&ids[..1]).send().await.unwrap().deleted, 1);
    let retried = dlq.retry_many(&ids[1..3]).retries(0).send().await.unwrap();
    assert_eq!(retried.responses.iter().flatten().count(), 2);
    assert_eq!(story.verified().await.len(), 2);
    let retried = dlq
        .retry_matching(labelled())
        .count(3)
        .send_all()
        .await
        .unwrap();
    assert_eq!(retried.iter().flatten().count(), 4);
    assert_eq!(story.verified().await.len(), 4);
    let other = DlqFilter::labels(["other"]);
    assert_eq!(dlq.delete_matching(other).send_all().await.unwrap(), 0);
    let retried = dlq.retry_all(All).retries(0).send_all().await.unwrap();
    assert_eq!(retried.len(), 4);
    story.world.settle().await;
    assert_eq!(
        dlq.delete_matching(labelled())
            .count(3)
            .send_all()
            .await
            .unwrap(),
        4
    );
    story.fail(2).await;
    assert_eq!(dlq.delete_all(All).send_all().await.unwrap(), 2);
    assert!(story.dead().await.is_empty());
}

#[tokio::test]
async fn everything_pending_is_cancelled_by_all_and_nothing_by_less() {
    let story = Story::begin().await;
    let v2 = story.world.client.v2();
    for label in ["a", "a", "b"] {
        v2.publish(story.url("/x"))
            .delay(HOUR)
            .label(label)
            .send()
            .await
            .unwrap();
    }
    let one = v2
        .messages()
        .cancel_matching(MessageFilter::labels(["a"]))
        .count(1)
        .send()
        .await;
    assert_eq!(one.unwrap(), 1);
    assert_eq!(v2.messages().cancel_all(All).send().await.unwrap(), 2);
    story.world.advance(2 * HOUR).await;
    assert!(story.verified().await.is_empty());
}

#[tokio::test]
async fn a_rotation_goes_unnoticed_by_consumers_that_know_both_keys() {
    let story = Story::begin().await;
    let v2 = story.world.client.v2();
    let before = v2.keys().get().send().await.unwrap();
    let after = v2.keys().rotate().send().await.unwrap();
    assert_eq!(after.current, before.next);
    assert_ne!(after.next, before.next);
    v2.publish(story.url("/x"))
        .delay(Duration::from_secs(5))
        .send()
        .await
        .unwrap();
    story.world.advance(Duration::from_secs(5)).await;
    assert_eq!(story.verified().await.len(), 1);
}
