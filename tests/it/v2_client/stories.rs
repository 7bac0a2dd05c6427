//! Stories that need no receiver: whatever is published is held back for an hour and cancelled.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use qstash_client::v2::{
    Endpoint, EndpointRef, FlowControl, Group, LogFilter, LogState, MessageFilter, NewMessage,
    Receipt, Redact, V2,
};
use qstash_client::{Client, DeduplicationId, ErrorKind};

use super::kind;
use crate::support::{HOUR, MINUTE};

/// A service, and names in it that nobody else uses.
pub(super) struct Place {
    client: Client,
    suffix: String,
}

const URL: &str = "https://example.com/qstash-client?x=1";

impl Place {
    pub(super) fn new(client: Client) -> Self {
        let suffix = DeduplicationId::random().as_str()[..8].to_owned();
        Self { client, suffix }
    }

    fn v2(&self) -> V2<'_> {
        self.client.v2()
    }

    fn name(&self, stem: &str) -> String {
        format!("{stem}-{}", self.suffix)
    }

    /// Nothing with this label stays behind.
    async fn cancel(&self, label: &str) -> u64 {
        let filter = MessageFilter::labels([label]);
        self.v2()
            .messages()
            .cancel_matching(filter)
            .send()
            .await
            .unwrap()
    }
}

pub(super) async fn messages_are_held_back_looked_at_and_cancelled(place: &Place) {
    let v2 = place.v2();
    let label = place.name("held");
    let publish = || v2.publish(URL).delay(HOUR).label(&label);
    let first = publish()
        .json(&serde_json::json!({"a": 1}))
        .header("X-Tag", "a, b")
        .method(http::Method::PUT)
        .retries(2)
        .retry_delay("1000 * (1 + retried)")
        .timeout(MINUTE)
        .callback("https://example.com/done")
        .failure_callback("https://example.com/failed")
        .send()
        .await
        .unwrap();
    assert!(!first.deduplicated);
    let message = v2.messages().get(&first.message_id).send().await.unwrap();
    assert_eq!(message.id, first.message_id);
    assert_eq!(message.url, URL, "not normalised");
    assert_eq!(message.body.as_deref(), Some(br#"{"a":1}"#.as_slice()));
    assert_eq!(message.headers["X-Tag"], ["a, b"]);
    assert_eq!(message.headers["Content-Type"], ["application/json"]);
    assert_eq!(message.method, Some(http::Method::PUT));
    assert_eq!(message.max_retries, Some(2));
    assert_eq!(message.retry_delay.as_deref(), Some("1000 * (1 + retried)"));
    assert_eq!(
        message.callback.as_deref(),
        Some("https://example.com/done")
    );
    assert_eq!(message.labels, [label.as_str()]);
    let due = message
        .not_before
        .unwrap()
        .saturating_since(message.created_at.unwrap());
    assert!(due >= HOUR - MINUTE && due <= HOUR + MINUTE, "{due:?}");

    let cancelled = v2
        .messages()
        .cancel(&first.message_id)
        .send()
        .await
        .unwrap();
    assert_eq!(cancelled, 1);

    let ids = [
        publish().send().await.unwrap().message_id,
        publish().send().await.unwrap().message_id,
    ];
    let many = v2.messages().cancel_many(&ids).send().await.unwrap();
    assert_eq!(many, 2);
    for _ in 0..3 {
        publish().body("x").send().await.unwrap();
    }
    assert_eq!(place.cancel(&label).await, 3);
    assert_eq!(
        place.cancel(&label).await,
        0,
        "what is cancelled is not counted again"
    );
}

pub(super) async fn a_duplicate_is_told(place: &Place) {
    let v2 = place.v2();
    let label = place.name("twice");
    let publish = || v2.publish(URL).delay(HOUR).label(&label);
    let first = publish().deduplication_id(&label).send().await.unwrap();
    let second = publish().deduplication_id(&label).send().await.unwrap();
    assert_eq!(
        (second.deduplicated, second.message_id),
        (true, first.message_id)
    );
    let content = || publish().body(label.clone()).content_based_deduplication();
    let third = content().send().await.unwrap();
    let fourth = content().send().await.unwrap();
    assert!(!third.deduplicated);
    assert_eq!(
        (fourth.deduplicated, fourth.message_id),
        (true, third.message_id)
    );
    assert_eq!(place.cancel(&label).await, 2);
}

pub(super) async fn a_batch_mixes_destinations(place: &Place) {
    let v2 = place.v2();
    let (label, group, queue) = (
        place.name("batch"),
        place.name("group"),
        place.name("queue"),
    );
    let endpoints = [
        Endpoint::url("https://example.com/1"),
        Endpoint::url("https://example.com/2"),
    ];
    v2.url_groups()
        .add_endpoints(&group, endpoints)
        .send()
        .await
        .unwrap();
    let item = |message: NewMessage| message.delay(HOUR).label(&label);
    let items = [
        item(NewMessage::to(URL))
            .body("ü\"\\\u{1}")
            .header("X-Tag", "a")
            .header("X-Tag", "b"),
        item(NewMessage::to(Group(&group))).json(&1),
        item(NewMessage::to(Group(place.name("no-such-group")))),
        item(NewMessage::to(URL)).redact(Redact::Body),
    ];
    let results = v2.batch(items).send().await.unwrap();
    assert_eq!(results.len(), 4);
    let Ok(Receipt::Message(published)) = &results[0] else {
        panic!("one message: {:?}", results[0]);
    };
    let message = v2
        .messages()
        .get(&published.message_id)
        .send()
        .await
        .unwrap();
    assert_eq!(message.body.as_deref(), Some("ü\"\\\u{1}".as_bytes()));
    assert_eq!(message.headers["X-Tag"], ["a", "b"]);
    let Ok(Receipt::Group(published)) = &results[1] else {
        panic!("a message for each endpoint: {:?}", results[1]);
    };
    let urls: Vec<_> = published
        .iter()
        .map(|p| p.as_ref().unwrap().url.as_deref())
        .collect();
    assert_eq!(
        urls,
        [Some("https://example.com/1"), Some("https://example.com/2")]
    );
    assert!(results[2].is_err(), "{:?}", results[2]);
    assert!(results[3].is_ok(), "a failed item stops no other");
    assert_eq!(place.cancel(&label).await, 4);

    v2.queues()
        .upsert(&queue)
        .paused(true)
        .send()
        .await
        .unwrap();
    let queued = [NewMessage::to(URL).queue(&queue).label(&label).body("q")];
    assert!(v2.batch(queued).send().await.unwrap()[0].is_ok());
    assert_eq!(place.cancel(&label).await, 1);
    v2.queues().delete(&queue).send().await.unwrap();
    v2.url_groups().delete(&group).send().await.unwrap();
}

pub(super) async fn queues_are_managed(place: &Place) {
    let v2 = place.v2();
    let (queue, label) = (place.name("queue"), place.name("queued"));
    v2.queues()
        .upsert(&queue)
        .parallelism(2)
        .paused(true)
        .send()
        .await
        .unwrap();
    let made = v2.queues().get(&queue).send().await.unwrap();
    assert_eq!(
        (made.parallelism, made.paused, made.lag),
        (Some(2), true, Some(0))
    );
    let enqueue = v2.enqueue(&queue, URL).body("x").label(&label);
    let id = enqueue.send().await.unwrap().message_id;
    let message = v2.messages().get(id).send().await.unwrap();
    assert_eq!(message.queue.unwrap().as_str(), queue);
    assert_eq!(place.cancel(&label).await, 1);
    v2.queues().resume(&queue).send().await.unwrap();
    assert!(!v2.queues().get(&queue).send().await.unwrap().paused);
    v2.queues().pause(&queue).send().await.unwrap();
    let all: Vec<_> = v2.queues().list().stream().try_collect().await.unwrap();
    let listed = all.iter().find(|listed| listed.name.as_str() == queue);
    assert!(listed.unwrap().paused);
    v2.queues().delete(&queue).send().await.unwrap();
    assert_eq!(
        kind(v2.queues().get(&queue).send().await),
        ErrorKind::NotFound
    );
}

pub(super) async fn url_groups_are_managed(place: &Place) {
    let v2 = place.v2();
    let group = place.name("group");
    v2.url_groups().delete(&group).send().await.unwrap();
    let endpoints = [
        Endpoint::url("https://example.com").named("the first"),
        Endpoint::url("https://example.com/2"),
    ];
    v2.url_groups()
        .add_endpoints(&group, endpoints)
        .send()
        .await
        .unwrap();
    let made = v2.url_groups().get(&group).send().await.unwrap();
    let urls: Vec<_> = made
        .endpoints
        .iter()
        .map(|endpoint| endpoint.url.as_str())
        .collect();
    assert_eq!(urls, ["https://example.com", "https://example.com/2"]);
    assert_eq!(made.endpoints[0].name.as_deref(), Some("the first"));

    let label = place.name("fan-out");
    let published = v2
        .publish(Group(&group))
        .delay(HOUR)
        .label(&label)
        .send()
        .await
        .unwrap();
    assert_eq!(published.len(), 2);
    assert_eq!(place.cancel(&label).await, 2);

    let first = EndpointRef::Name("the first".to_owned());
    v2.url_groups()
        .remove_endpoints(&group, [first])
        .send()
        .await
        .unwrap();
    let all = v2.url_groups().list().send().await.unwrap().items;
    let listed = all
        .iter()
        .find(|listed| listed.name.as_str() == group)
        .unwrap();
    assert_eq!(listed.endpoints.len(), 1);
    let last = EndpointRef::Url("https://example.com/2".to_owned());
    v2.url_groups()
        .remove_endpoints(&group, [last])
        .send()
        .await
        .unwrap();
    assert_eq!(
        kind(v2.url_groups().get(&group).send().await),
        ErrorKind::NotFound
    );
    assert_eq!(
        kind(v2.publish(Group(&group)).send().await),
        ErrorKind::NotFound
    );
}

pub(super) async fn schedules_are_managed(place: &Place) {
    let v2 = place.v2();
    let id = place.name("nightly");
    // Once a year: it will not come to it.
    let create = || v2.schedules().create(URL, "1 1 1 1 *").id(&id);
    let created = create()
        .json(&1)
        .time_zone("Europe/Berlin")
        .header("X-Tag", "a")
        .retries(1)
        .delay(MINUTE)
        .send()
        .await
        .unwrap();
    assert_eq!(created.as_str(), id);
    let schedule = v2.schedules().get(&id).send().await.unwrap();
    assert_eq!(schedule.cron, "CRON_TZ=Europe/Berlin 1 1 1 1 *");
    assert_eq!(schedule.destination, URL);
    assert_eq!(schedule.retries, Some(1));
    assert_eq!(schedule.delay, Some(MINUTE));
    assert_eq!(schedule.body.as_deref(), Some(b"1".as_slice()));
    assert!(!schedule.paused);
    v2.schedules().pause(&id).send().await.unwrap();
    let all: Vec<_> = v2.schedules().list().stream().try_collect().await.unwrap();
    assert!(
        all.iter()
            .find(|listed| listed.id == created)
            .unwrap()
            .paused
    );
    v2.schedules().resume(&id).send().await.unwrap();
    create().send().await.unwrap();
    let schedule = v2.schedules().get(&id).send().await.unwrap();
    assert_eq!(schedule.body, None, "overwriting replaces everything");
    v2.schedules().delete(&id).send().await.unwrap();
    assert_eq!(
        kind(v2.schedules().get(&id).send().await),
        ErrorKind::NotFound
    );
}

pub(super) async fn flow_control_is_managed(place: &Place) {
    let v2 = place.v2();
    let key = place.name("tenant");
    let limits = FlowControl::rate(&key, 10, MINUTE).and_parallelism(5);
    let publish = v2.publish(URL).delay(HOUR).label(&key).flow_control(limits);
    let id = publish.send().await.unwrap().message_id;
    let message = v2.messages().get(id).send().await.unwrap();
    assert_eq!(message.flow_control_key.unwrap().as_str(), key);
    assert_eq!(
        (message.parallelism, message.rate, message.period),
        (Some(5), Some(10), Some(MINUTE))
    );

    let control = v2.flow_control();
    let state = || async { control.get(&key).send().await.unwrap() };
    let now = state().await;
    assert_eq!(
        (now.parallelism_max, now.rate_max, now.rate_period),
        (Some(5), Some(10), Some(MINUTE))
    );
    control.pause(&key).send().await.unwrap();
    assert!(state().await.paused);
    let listed: Vec<_> = control
        .list()
        .search(&key)
        .stream()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(listed.len(), 1, "names are unlike any other");
    assert_eq!((listed[0].key.as_str(), listed[0].paused), (&*key, true));
    control.resume(&key).send().await.unwrap();
    control
        .pin(&key)
        .parallelism(2)
        .rate(3)
        .period(Duration::from_secs(30))
        .send()
        .await
        .unwrap();
    let now = state().await;
    assert!(now.pinned_parallelism && now.pinned_rate && !now.paused);
    assert_eq!((now.parallelism_max, now.rate_max), (Some(2), Some(3)));
    control.unpin(&key).parallelism().send().await.unwrap();
    let now = state().await;
    assert!(!now.pinned_parallelism && now.pinned_rate);
    control.unpin(&key).rate().send().await.unwrap();
    control.reset_rate(&key).send().await.unwrap();
    assert_eq!(state().await.rate_count, Some(0));
    let global = control.global_parallelism().send().await.unwrap();
    assert!(global.max.is_some_and(|max| max > 0), "{global:?}");
    assert_eq!(place.cancel(&key).await, 1);
}

pub(super) async fn the_log_tells_of_a_message(place: &Place) {
    let v2 = place.v2();
    let label = place.name("logged");
    let publish = v2.publish(URL).delay(HOUR).label(&label).body("hi");
    let id = publish.send().await.unwrap().message_id;
    place.cancel(&label).await;
    // The hosted service writes its log a moment later.
    for round in 0.. {
        let filter = LogFilter::messages([&id]).and(LogFilter::states([LogState::Created]));
        let page = v2.logs().filter(filter).count(10).send().await.unwrap();
        if let [entry] = &page.items[..] {
            assert_eq!((&entry.message_id, &entry.state), (&id, &LogState::Created));
            assert_eq!(entry.url, URL);
            assert!(entry.time.is_some());
            break;
        }
        assert!(round < 30, "no entry for {id}: {page:?}");
        crate::support::pass(Duration::from_secs(1)).await;
    }
    let filter = LogFilter::messages([&id]);
    let states: Vec<_> = v2
        .logs()
        .filter(filter)
        .stream()
        .try_collect::<Vec<_>>()
        .await
        .unwrap();
    assert!(
        states
            .iter()
            .any(|entry| entry.state == LogState::CancelRequested)
    );
}

pub(super) async fn both_signing_keys_are_told(place: &Place) {
    let keys = place.v2().keys().get().send().await.unwrap();
    assert!(keys.current.expose().starts_with("sig_"));
    assert_ne!(keys.current, keys.next);
}

pub(super) async fn what_is_not_there_is_not_found(place: &Place) {
    let v2 = place.v2();
    let gone = ErrorKind::NotFound;
    assert_eq!(kind(v2.messages().get("msg_none").send().await), gone);
    assert_eq!(kind(v2.messages().cancel("msg_none").send().await), gone);
    assert_eq!(kind(v2.dlq().get("1-0").send().await), gone);
    assert_eq!(kind(v2.dlq().delete("1-0").send().await), gone);
    assert_eq!(kind(v2.dlq().retry("1-0").send().await), gone);
    assert_eq!(
        kind(v2.schedules().get(place.name("none")).send().await),
        gone
    );
    assert_eq!(
        kind(v2.flow_control().get(place.name("none")).send().await),
        gone
    );
    assert_eq!(
        v2.messages()
            .cancel_many(["msg_none"])
            .send()
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        v2.dlq().delete_many(["1-0"]).send().await.unwrap().deleted,
        0
    );
}
