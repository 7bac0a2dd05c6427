//! Beginning anew, going back, filling.

use std::time::Duration;

use qstash_mock_server::MockServer;
use qstash_mock_server::storage::MemoryStore;
use qstash_mock_server::testing::{Fault, Fixture, FixtureError};

use super::{START, manual, start};
use crate::support::Api;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn reset_puts_everything_back_but_brings_no_id_again() {
    let api = start(manual()).await;
    let consumer = api.server.consumer().start();
    let fresh = api.state().await;
    let secret = api.get("/v1/signing-secret").await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        api.queue("q", &consumer.url(), "").await;
        ids.push(api.publish("q", "1").await);
        api.server.inject(Fault::lose_answer());
        api.server.expect().message_to("somewhere else");
        api.server.advance(HOUR).await.unwrap();
        api.post("/v1/signing-secret/rotate", "{}").await;
        api.server.reset().unwrap();
        assert_eq!(api.server.now(), START);
        assert_eq!(api.state().await, fresh);
        assert_eq!(api.get("/v1/signing-secret").await, secret);
        assert_eq!((api.server.deliveries().count(), consumer.count()), (0, 0));
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    // The faults are gone too.
    api.queue("q", &consumer.url(), "").await;
    api.publish("q", "1").await;
    api.server.settle().await.unwrap();
    assert!(api.server.deliveries().last().unwrap().is_delivered());
}

#[tokio::test]
async fn reset_gives_up_what_is_under_way() {
    let api = start(manual()).await;
    let consumer = api.server.consumer().hang().start();
    api.queue("q", &consumer.url(), "").await;
    api.publish("q", "1").await;
    api.server.settle().await.unwrap();
    api.server.reset().unwrap();
    consumer.respond([200]);
    api.queue("q", &consumer.url(), "").await;
    api.publish("q", "2").await;
    let report = api.server.advance(HOUR).await.unwrap();
    assert_eq!((report.started, report.unanswered), (0, 0));
    assert_eq!(api.server.deliveries().json::<u8>().unwrap(), [2]);
    assert_eq!(api.get("/v1/metrics").await["queues"]["q"]["delivered"], 1);
}

/// Three messages, one of them on its way for the second time.
async fn half_done(api: &Api) {
    let consumer = api.server.consumer().respond([503]).start();
    api.queue(
        "q",
        &consumer.url(),
        r#""retry_backoff":{"kind":"fixed","seconds":60}"#,
    )
    .await;
    for message in ["1", "2", "3"] {
        api.publish("q", message).await;
    }
    api.server.settle().await.unwrap();
}

#[tokio::test]
async fn a_snapshot_can_be_gone_back_to_more_than_once() {
    let api = start(manual()).await;
    half_done(&api).await;
    let snapshot = api.server.snapshot();
    assert_eq!(snapshot.at(), START);
    let queues = api.get("/v1/queues").await;
    let messages = api.get("/v1/queues/q/messages").await;
    for _ in 0..3 {
        api.server.advance(HOUR).await.unwrap();
        assert_eq!(api.get("/v1/metrics").await["queues"]["q"]["pending"], 0);
        api.server.restore(&snapshot).unwrap();
        assert_eq!(api.server.now(), START);
        assert_eq!(api.get("/v1/queues").await, queues);
        assert_eq!(api.get("/v1/queues/q/messages").await, messages);
    }
    // Another server goes on from there as well.
    let other = start(manual().seed(8)).await;
    other.server.restore(&snapshot).unwrap();
    assert_eq!(other.get("/v1/queues/q/messages").await, messages);
    let report = other.server.advance(HOUR).await.unwrap();
    // The consumer is gone with its server: three retries of three messages fail.
    assert_eq!(report.started, 9);
}

#[tokio::test]
async fn what_is_stored_goes_back_too() {
    let store = MemoryStore::new();
    let api = start(manual().store(store.clone())).await;
    half_done(&api).await;
    let snapshot = api.server.snapshot();
    api.post("/v1/queues", r#"{"name":"later"}"#).await;
    api.publish("later", "4").await;
    api.server.restore(&snapshot).unwrap();
    let messages = api.get("/v1/queues/q/messages").await;
    api.server.shutdown().await;
    let again = Api::over(
        MockServer::builder()
            .manual_clock(START)
            .store(store)
            .start()
            .await
            .unwrap(),
    );
    assert_eq!(
        again.get("/v1/queues").await["queues"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(again.get("/v1/queues/q/messages").await, messages);
}

#[tokio::test]
async fn time_cannot_go_back_while_somebody_moves_it() {
    let api = start(manual()).await;
    half_done(&api).await;
    let snapshot = api.server.snapshot();
    let (moved, refused) = tokio::join!(api.server.advance(HOUR), async {
        api.server.restore(&snapshot)
    });
    assert!(moved.is_ok() && refused.is_err());
    assert_eq!(api.server.now(), START + HOUR);
}

#[tokio::test]
async fn a_fixture_makes_queues_and_messages() {
    let toml = r#"
        [[queues]]
        name = "orders"
        max_retries = 7
        retry_backoff = { kind = "list", seconds = [1, 5] }

        [[messages]]
        queue = "orders"
        message = { id = 1, tags = ["a"] }

        [[messages]]
        queue = "orders"
        delay_seconds = 60
        message = 2
    "#;
    let json = r#"{"queues": [{"name": "orders", "max_retries": 7, "retry_backoff": {"kind": "list", "seconds": [1, 5]}}],
        "messages": [{"queue": "orders", "message": {"id":1,"tags":["a"]}}, {"queue": "orders", "delay_seconds": 60, "message": 2}]}"#;
    let mut states = Vec::new();
    for fixture in [
        Fixture::from_toml(toml).unwrap(),
        Fixture::from_json(json).unwrap(),
    ] {
        let api = start(manual()).await;
        api.server.load(&fixture).await.unwrap();
        states.push((
            api.get("/v1/queues").await,
            api.get("/v1/queues/orders/messages").await,
        ));
    }
    assert_eq!(states[0], states[1]);
    assert_eq!(states[0].0["queues"][0]["max_retries"], 7);
    assert_eq!(states[0].1["messages"][0]["message"]["tags"][0], "a");
    assert_eq!(states[0].1["messages"][1]["state"], "delayed");
}

#[test]
fn a_mistake_in_a_fixture_is_told_with_its_place() {
    for (text, place) in [
        (r#"{"queue":[]}"#, "(in `queue`)"),
        (
            r#"{"queues":[{"name":"a"},{"name":"b","max_retrys":1}]}"#,
            "(in `queues[1].max_retrys`)",
        ),
        (
            r#"{"messages":[{"queue":"a b","message":1}]}"#,
            "(in `messages[0].queue`)",
        ),
        (r#"{"messages":{}}"#, "(in `messages`)"),
        ("[]", "must be a JSON object"),
    ] {
        let error = Fixture::from_json(text).unwrap_err().to_string();
        assert!(error.contains(place), "{error}");
    }
    let text = "account = 'a'\nmessages = [{ body = 'hunter2' ";
    let Err(FixtureError::Toml(error)) = Fixture::from_toml(text) else {
        panic!("{text} is no TOML");
    };
    let told = format!("{error} {error:?}");
    assert!(
        told.contains("line 2: ") && !told.contains("hunter2"),
        "{told}"
    );
    assert!(matches!(
        Fixture::from_path("no such file"),
        Err(FixtureError::Read { .. })
    ));
    let error = Fixture::from_path("no such file").unwrap_err().to_string();
    assert!(error.contains("no such file"), "{error}");
}

const EVERYTHING: &str = r#"
    account = "defaultUser"

    [[queues]]
    name = "slow"
    paused = true

    [[url_groups]]
    name = "everybody"
    endpoints = [{ url = "http://127.0.0.1:1/a" }, { url = "http://127.0.0.1:1/b", name = "b" }]
    headers = { Upstash-Retries = "0" }

    [[schedules]]
    schedule_id = "daily"
    cron = "CRON_TZ=Europe/Berlin 0 9 * * *"
    destination = "everybody"
    headers = { Upstash-Forward-X-Kind = "report" }
    body = "good morning"

    [[schedules]]
    cron = "0 0 1 1 *"
    destination = "http://127.0.0.1:1/yearly"
    queue = "slow"

    [[messages]]
    queue = "slow"
    message = { at = 2026-08-01T12:00:00Z }

    [[messages]]
    destination = "http://127.0.0.1:1/direct"
    queue = "slow"
    headers = { Upstash-Delay = "1h" }
    body = "later"
"#;

#[tokio::test]
async fn a_fixture_makes_url_groups_schedules_and_messages_of_both_dialects() {
    let api = start(manual()).await;
    let fixture = Fixture::from_toml(EVERYTHING).unwrap();
    api.server.load(&fixture).await.unwrap();
    let group = api.get("/v2/topics/everybody").await;
    assert_eq!(group["endpoints"][1]["name"], "b");
    let schedule = api.get("/v2/schedules/daily").await;
    assert_eq!(schedule["cron"], "CRON_TZ=Europe/Berlin 0 9 * * *");
    assert_eq!(schedule["destination"], "everybody");
    let all = api.get("/v2/schedules").await;
    let queued = |it: &serde_json::Value| it["queueName"] == "slow";
    assert_eq!(all.as_array().unwrap().len(), 2);
    assert!(all.as_array().unwrap().iter().any(queued));
    let metrics = api.get("/v1/metrics").await;
    let slow = &metrics["queues"]["slow"];
    assert_eq!((&slow["ready"], &slow["delayed"]), (&1.into(), &1.into()));
    let messages = api.get("/v1/queues/slow/messages").await;
    let first = &messages["messages"][0]["message"];
    assert_eq!(first["at"], "2026-08-01T12:00:00Z");
    // The schedule does what it says: the headers are its own, the retries those of the group.
    let day = Duration::from_secs(86_400);
    api.server.advance(day).await.unwrap();
    let delivered = api.server.deliveries().with_header("x-kind", "report");
    let bodies: Vec<_> = delivered.all().iter().map(|it| it.body().clone()).collect();
    assert_eq!(bodies, ["good morning", "good morning"]);
}

#[tokio::test]
async fn a_mistake_in_what_belongs_to_v2_is_told_with_its_place() {
    for (text, place) in [
        (r#"{"url_groups":[{"endpoints":[]}]}"#, "url_groups[0].name"),
        (
            r#"{"url_groups":[{"name":"a b","endpoints":[]}]}"#,
            "url_groups[0].name",
        ),
        (
            r#"{"url_groups":[{"name":"a","endpoints":[{"url":"ftp://a"}]}]}"#,
            "url_groups[0].endpoints[0].url",
        ),
        (
            r#"{"url_groups":[{"name":"a","endpoints":[],"headers":{"Upstash-Retries":"many"}}]}"#,
            "url_groups[0].headers",
        ),
        (
            r#"{"url_groups":[{"name":"a","endpoint":[]}]}"#,
            "url_groups[0].endpoint",
        ),
        (
            r#"{"schedules":[{"destination":"http://a"}]}"#,
            "schedules[0].cron",
        ),
        (
            r#"{"schedules":[{"cron":"every day","destination":"http://a"}]}"#,
            "schedules[0].cron",
        ),
        (
            r#"{"schedules":[{"cron":"* * * * *"}]}"#,
            "schedules[0].destination",
        ),
        (
            r#"{"schedules":[{"cron":"* * * * *","destination":"nobody"}]}"#,
            "schedules[0].destination",
        ),
        (
            r#"{"schedules":[{"cron":"* * * * *","destination":"http://a","schedule_id":"a b"}]}"#,
            "schedules[0].schedule_id",
        ),
        (
            r#"{"url_groups":[{"name":"a","endpoints":[],"headers":{"Upstash-Not-Before":"1"}}],
                "schedules":[{"cron":"* * * * *","destination":"a"}]}"#,
            "schedules[0].headers",
        ),
        (
            r#"{"messages":[{"destination":"http://a","message":1}]}"#,
            "messages[0].message",
        ),
        (
            r#"{"messages":[{"destination":"http://a","headers":{"Upstash-Delay":"soon"}}]}"#,
            "messages[0].headers",
        ),
        (
            r#"{"messages":[{"destination":"http://a","body":{}}]}"#,
            "messages[0].body",
        ),
    ] {
        let error = Fixture::from_json(text).unwrap_err().to_string();
        assert!(
            error.contains(&format!("(in `{place}`)")),
            "{text}: {error}"
        );
    }
    // What only the server can know is told with its item.
    let cycle = r#"{"queues":[{"name":"a"},{"name":"b","dead_letter_queue":"a"},{"name":"a","dead_letter_queue":"b"}]}"#;
    let api = start(manual()).await;
    let refused = api.server.load(&Fixture::from_json(cycle).unwrap()).await;
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("`queues[2]`"), "{error}");
}
