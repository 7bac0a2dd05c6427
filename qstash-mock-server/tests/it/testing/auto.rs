//! A clock that skips idle time, but only while somebody waits.

use std::time::Duration;

use qstash_mock_server::MockServer;
use reqwest::Method;

use super::{START, start};
use crate::support::Api;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// So long in real time that a test which waits for it would be noticed.
const NEVER: Duration = Duration::from_secs(600);

async fn auto() -> Api {
    start(
        MockServer::builder()
            .auto_clock(START)
            .real_time_limit(NEVER),
    )
    .await
}

impl Api {
    async fn v2(&self, path: &str, headers: &[(&str, &str)]) {
        let request = self.request(Method::POST, path).body("hello");
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        let response = request.send().await.unwrap();
        assert!(response.status().is_success(), "{response:?}");
    }
}

#[tokio::test]
async fn an_automatic_clock_stands_still_until_somebody_waits_and_then_skips_idle_time() {
    let api = start(
        MockServer::builder()
            .auto_clock(START)
            .real_time_limit(NEVER),
    )
    .await;
    let consumer = api.server.consumer().respond([503, 503, 503, 200]).start();
    api.queue(
        "q",
        &consumer.url(),
        r#""retry_backoff":{"kind":"fixed","seconds":3600}"#,
    )
    .await;
    api.publish("q", "1").await;
    assert_eq!(api.server.now(), START);
    let seen = api.server.deliveries().of("q").wait_for(2).await.unwrap();
    assert_eq!(seen.len(), 2);
    assert_eq!(api.server.now(), START + HOUR);
    api.server.settle().await.unwrap();
    assert_eq!(api.server.now(), START + 3 * HOUR);
    assert!(api.server.deliveries().last().unwrap().is_delivered());
}

#[tokio::test]
async fn messages_without_a_queue_are_waited_for_too() {
    let api = auto().await;
    let consumer = api.server.consumer().respond([500, 200]).start();
    let publish = format!("/v2/publish/{}", consumer.url());
    let settings = [("Upstash-Delay", "1h"), ("Upstash-Retry-Delay", "60000")];
    api.v2(&publish, &settings).await;
    api.server.settle().await.unwrap();
    assert_eq!(consumer.count(), 2);
    assert_eq!(api.server.now(), START + HOUR + MINUTE);
}

#[tokio::test]
async fn the_windows_of_a_rate_limit_are_skipped_and_a_paused_key_is_not_waited_for() {
    let api = auto().await;
    let consumer = api.server.consumer().start();
    let publish = format!("/v2/publish/{}", consumer.url());
    for _ in 0..3 {
        let limit = [
            ("Upstash-Flow-Control-Key", "slow"),
            ("Upstash-Flow-Control-Value", "rate=1, period=1m"),
        ];
        api.v2(&publish, &limit).await;
    }
    api.server.settle().await.unwrap();
    assert_eq!(consumer.count(), 3);
    assert_eq!(api.server.now(), START + 2 * MINUTE);
    api.v2("/v2/flowControl/slow/pause", &[]).await;
    let limit = [
        ("Upstash-Flow-Control-Key", "slow"),
        ("Upstash-Flow-Control-Value", "rate=1, period=1m"),
    ];
    api.v2(&publish, &limit).await;
    api.server.settle().await.unwrap();
    assert_eq!(consumer.count(), 3);
    assert_eq!(api.server.now(), START + 2 * MINUTE);
}

#[tokio::test]
async fn a_schedule_of_every_minute_does_not_make_it_spin() {
    let api = auto().await;
    let consumer = api.server.consumer().start();
    let schedule = format!("/v2/schedules/{}", consumer.url());
    api.v2(&schedule, &[("Upstash-Cron", "* * * * *")]).await;
    // Nobody waits: time stands still, however much the machine has to do.
    for _ in 0..20 {
        api.get("/v1/metrics").await;
    }
    api.server.settle().await.unwrap();
    assert_eq!((api.server.now(), consumer.count()), (START, 0));
    // Somebody waits: just as far as it takes.
    let deliveries = api.server.deliveries().to(consumer.url());
    assert_eq!(deliveries.wait_for(3).await.unwrap().len(), 3);
    assert_eq!(api.server.now(), START + 3 * MINUTE);
    // In vain: as long as is given, in real time.
    let in_vain = api.server.deliveries().of("none");
    let in_vain = in_vain.within(Duration::from_millis(50));
    assert!(in_vain.wait_for(1).await.is_err());
    let stands = api.server.now();
    api.get("/v1/metrics").await;
    api.server.settle().await.unwrap();
    assert_eq!(api.server.now(), stands);
}
