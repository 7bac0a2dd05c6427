//! What reports tell beside the deliveries: why a test may have seen nothing, and what to do about it.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use qstash_mock_server::MockServer;
use qstash_mock_server::testing::Answer;
use reqwest::Method;

use super::{START, manual, start};
use crate::support::Api;

/// So long in real time that a test which waits for it would be noticed.
const NEVER: Duration = Duration::from_secs(600);

const MANUAL: &str = "clock: manual, stands at 2027-01-15T08:00:00.000Z until `advance`, `advance_to` or \
                      `advance_to_next` moves it\n";
const SEED: &str = "seed 7: `MockServer::builder().seed(7)` makes the same ids and faults again";

/// The report of a wait that sees nothing.
async fn in_vain(api: &Api) -> String {
    let waiting = api.server.deliveries().to("http://nobody");
    waiting.wait_for(1).await.unwrap_err().to_string()
}

/// The report of an expectation that is not met.
async fn unmet(api: &Api) -> String {
    api.server.expect().to_url("http://nobody");
    api.server.try_verify().await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_wait_in_which_nothing_can_happen_ends_at_once_and_says_so() {
    let api = start(manual().real_time_limit(NEVER)).await;
    let report = in_vain(&api).await;
    assert_eq!(
        report,
        format!(
            "waited for 1 deliveries and saw 0 (asked for URL `http://nobody`; 0 were captured in all)\n\
             the wait ended at once: the clock is manual, and nothing is due or in flight that could end while it \
             stands still. Move the clock, or set `within` if something is published elsewhere meanwhile\n\
             captured in all: 0 requests\n{MANUAL}{SEED}"
        )
    );
    // Nor can anything happen while a consumer waits for the clock, or after somebody else has moved it.
    let consumer = api.server.consumer().hang().start();
    api.queue("q", &consumer.url(), "").await;
    api.publish("q", "1").await;
    let report = in_vain(&api).await;
    assert!(report.contains("the wait ended at once"), "{report}");
    let advance = api.server.advance(Duration::from_secs(1));
    let (moved, report) = tokio::join!(advance, in_vain(&api));
    assert!(
        moved.is_ok() && report.contains("the wait ended at once"),
        "{report}"
    );
}

#[tokio::test]
async fn a_wait_lasts_while_a_consumer_works() {
    let api = start(manual().real_time_limit(NEVER)).await;
    let (tell, told) = tokio::sync::watch::channel(false);
    let consumer = api
        .server
        .consumer()
        .handle(move |_| {
            let mut told = told.clone();
            async move {
                let _ = told.wait_for(|told| *told).await;
                200
            }
        })
        .start();
    api.queue("q", &consumer.url(), "").await;
    api.publish("q", "1").await;
    let deliveries = api.server.deliveries();
    let waiting = deliveries.wait_for(1);
    tokio::pin!(waiting);
    tokio::select! {
        biased;
        _ = waiting.as_mut() => panic!("nothing is over yet"),
        () = std::future::ready(()) => {}
    }
    tell.send_replace(true);
    assert_eq!(waiting.await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_real_time_limit_is_named_where_it_has_ended_a_wait() {
    let limit = Duration::from_millis(50);
    let api = start(MockServer::builder().real_time_limit(limit).seed(7)).await;
    let report = in_vain(&api).await;
    let named = "the wait ended because the real-time limit of 0.05 s (`real_time_limit`, or `within` for one wait) was \
                 over\n";
    assert!(report.contains(named), "{report}");
    assert!(
        report.contains("clock: that of the operating system, 20"),
        "{report}"
    );
    let report = unmet(&api).await;
    let named =
        "they were judged because the real-time limit of 0.05 s (`real_time_limit`) was over\n";
    assert!(report.contains(named), "{report}");
    let _ = api.server.expect().to_url("http://nobody").within(limit);
    let report = api.server.try_verify().await.unwrap_err().to_string();
    let named = "because the 0.05 s that an expectation gives (`Expectation::within`) was over\n";
    assert!(report.contains(named), "{report}");
}

#[tokio::test]
async fn the_newest_refused_calls_are_told_without_secrets() {
    let api = start(manual().real_time_limit(NEVER)).await;
    for _ in 0..3 {
        let body = r#"{"queue":"q","mesage":1}"#;
        assert_eq!(api.try_post("/v1/publish", body).await.status(), 400);
    }
    let publish = api.bare(Method::POST, "/v1/publish?k=s3cret");
    let publish = publish.bearer_auth("s3cret").body("s3cret").send().await;
    assert_eq!(publish.unwrap().status(), 401);
    let path = "/v2/publish/ftp://u:s3cret@a.example/x?k=s3cret";
    let publish = api.request(Method::POST, path).send().await;
    assert_eq!(publish.unwrap().status(), 400);
    assert_eq!(api.try_post("/publish", "{}").await.status(), 404);
    // Of test control nothing is told.
    let admin = api.bare(Method::GET, "/_admin/nothing").send().await;
    assert_eq!(admin.unwrap().status(), 404);
    let at = "refused at 2027-01-15T08:00:00.000Z: POST";
    for report in [unmet(&api).await, in_vain(&api).await] {
        let refused: Vec<_> = report
            .lines()
            .filter(|it| it.starts_with("refused"))
            .collect();
        assert_eq!(
            refused,
            [
                &format!(
                    "{at} /v1/publish: 400: `mesage` is not known here; look for a typo (in `mesage`)"
                ),
                &format!(
                    "{at} /v1/publish: 400: `mesage` is not known here; look for a typo (in `mesage`)"
                ),
                &format!("{at} /v1/publish: 401: the token is not one that this server accepts"),
                &format!(
                    "{at} /v2/publish/ftp://***@a.example/x: 400: invalid destination url: endpoint has invalid scheme, add http:// or https://"
                ),
                &format!("{at} /publish: 404: there is nothing at this path"),
                "refused before: 1 more calls",
            ],
            "{report}"
        );
        assert!(!report.contains("s3cret"), "{report}");
        assert!(!report.contains(api.server.token()), "{report}");
    }
    api.server.reset().unwrap();
    assert!(!in_vain(&api).await.contains("refused"));
}

#[tokio::test]
async fn what_is_due_next_and_what_is_pulled_is_told() {
    let api = start(manual().real_time_limit(NEVER)).await;
    api.post("/v1/queues", r#"{"name":"pulled"}"#).await;
    let paused = r#"{"name":"still","paused":true,"webhook_url":"http://127.0.0.1:1/"}"#;
    api.post("/v1/queues", paused).await;
    let ids = [
        api.publish("pulled", "1").await,
        api.publish("pulled", "2").await,
    ];
    api.publish("pulled", "3").await;
    api.publish("still", "4").await;
    let later = r#"{"queue":"still","message":5,"delay_seconds":90}"#;
    let later = api.post("/v1/publish", later).await["message_id"].clone();
    let later = later.as_str().unwrap();
    let receive = r#"{"max_messages":2}"#;
    let received = api.post("/v1/queues/pulled/receive", receive).await;
    let lease = received["messages"][0]["lease_id"].clone();
    let ack = format!(r#"{{"lease_id":{lease}}}"#);
    api.post(&format!("/v1/messages/{}/ack", ids[0]), ack).await;
    let report = in_vain(&api).await;
    for line in [
        &format!(
            "due next: 2027-01-15T08:00:30.000Z, in 30 s: the lease ends of message {} in queue `pulled`",
            ids[1]
        ),
        &format!("due next: 2027-01-15T08:01:30.000Z, in 90 s: message {later} in queue `still`"),
        "queue pulled of defaultUser: 1 ready, 0 delayed, 1 in flight, 1 delivered, 0 failed, 0 dead-lettered; it has no \
         webhook, so its messages are not pushed but wait to be received; 1 in flight were pulled by a consumer, which is \
         no delivery; what was delivered was pulled by a consumer, which is no delivery that is captured",
        "queue still of defaultUser: 1 ready, 1 delayed, 0 in flight, 0 delivered, 0 failed, 0 dead-lettered; it is paused",
    ] {
        assert!(
            report.lines().any(|it| it == line),
            "{line}\nis not in\n{report}"
        );
    }
}

#[tokio::test]
async fn a_message_id_is_told_and_understood_in_the_spelling_of_its_dialect() {
    let api = start(manual().real_time_limit(NEVER)).await;
    let answer = Answer::status(422).body("no field `email` at line 1\n\u{1b}[2J");
    let consumer = api.server.consumer().respond([answer]).start();
    let path = format!("/v2/publish/{}?k=s3cret", consumer.url());
    let published = api
        .request(Method::POST, &path)
        .body("{}")
        .send()
        .await
        .unwrap();
    let published: serde_json::Value = published.json().await.unwrap();
    let id = published["messageId"].as_str().unwrap();
    assert!(id.starts_with("msg_"), "{id}");
    let deliveries = || api.server.deliveries();
    let seen = deliveries().message(id).wait_for(1).await.unwrap();
    let uuid = seen[0].message_id().0;
    assert_eq!(deliveries().message(uuid).count(), 1);
    assert_eq!(
        deliveries()
            .message(uuid.to_string().to_uppercase())
            .count(),
        1
    );
    assert_eq!(deliveries().message("msg_1").count(), 0);
    let told = format!(
        "attempt 1 of message {id} to {} at 2027-01-15T08:00:00.000Z: failed: answered 422 Unprocessable Entity; it \
         answered no field `email` at line 1\\n\\u{{1b}}[2J",
        consumer.url()
    );
    assert_eq!(seen[0].to_string().replace("?…", ""), told);
    assert!(!format!("{:?}", seen[0]).contains("s3cret"));
    let report = unmet(&api).await;
    assert!(
        report.contains(&format!("in 12 s: message {id}\n")),
        "{report}"
    );
    assert!(!report.contains("s3cret"), "{report}");
}

#[tokio::test]
async fn a_test_that_ends_with_an_error_shows_it_if_it_says_so() {
    let (first, second) = (start(manual()).await, start(manual()).await);
    first.server.expect().message_to("q");
    let failed: Result<(), &str> = Err("the real error");
    assert_eq!(first.server.finish(failed).await, failed);

    second.server.expect().message_to("q");
    let finish = second.server.finish(Ok::<_, ()>(1));
    let panic = tokio::spawn(finish).await.unwrap_err().into_panic();
    let report = panic.downcast_ref::<String>().unwrap();
    assert!(
        report.starts_with("at ") && report.contains("reports.rs:"),
        "{report}"
    );
    assert!(
        report.contains(": 1 expectation(s) not met\n\n- expected: "),
        "{report}"
    );

    let third = start(manual()).await;
    assert_eq!(third.server.finish(Ok::<_, ()>(1)).await, Ok(1));
    let fourth = start(manual().auto_clock(START)).await;
    fourth.server.expect().message_to("q");
    let dropped = std::panic::catch_unwind(AssertUnwindSafe(|| drop(fourth))).unwrap_err();
    let report = dropped.downcast_ref::<String>().unwrap();
    assert!(
        report.contains("clock: automatic, stands at 2027-01-15T08:00:00.000Z; it skips"),
        "{report}"
    );
}
