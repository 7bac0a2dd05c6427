//! Test control over HTTP.

use std::net::Ipv4Addr;

use qstash_mock_server::MockServer;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::{START, manual, start};
use crate::support::{Api, Refusal, assert_refused, success};

impl Api {
    async fn admin(&self, method: Method, path: &str, body: Value) -> Response {
        let request = self
            .bare(method, path)
            .header("content-type", "application/json");
        request.body(body.to_string()).send().await.unwrap()
    }

    async fn control(&self, path: &str, body: Value) -> Value {
        success(self.admin(Method::POST, path, body).await).await
    }

    async fn look(&self, path: &str) -> Value {
        success(self.bare(Method::GET, path).send().await.unwrap()).await
    }
}

#[tokio::test]
async fn the_clock_moves_over_http() {
    let api = start(manual()).await;
    let consumer = api.server.consumer().respond([503, 200]).start();
    api.queue("q", &consumer.url(), "").await;
    let id = api.publish("q", "1").await;
    assert_eq!(
        api.look("/_admin/clock").await,
        json!({"now": "2027-01-15T08:00:00.000Z", "manual": true, "auto": false})
    );
    let settled = api.control("/_admin/settle", json!({})).await;
    assert_eq!(
        (&settled["now"], &settled["deadlines"]),
        (&json!("2027-01-15T08:00:00.000Z"), &json!(0))
    );
    let next = api.control("/_admin/clock/next", json!({})).await;
    assert_eq!(
        next["report"]["due"],
        json!([{"message_id": id, "queue": "q", "url": consumer.url(), "attempt": 2, "started_at": "2027-01-15T08:00:01.000Z"}])
    );
    let report = api
        .control("/_admin/clock/advance", json!({"seconds": 1.5}))
        .await;
    assert_eq!(report["now"], "2027-01-15T08:00:02.500Z");
    let report = api
        .control(
            "/_admin/clock/advance",
            json!({"to": "2027-01-15T10:00:00+01:00"}),
        )
        .await;
    assert_eq!(report["now"], "2027-01-15T09:00:00.000Z");
    assert_eq!(
        api.control("/_admin/clock/next", json!({})).await,
        json!({"report": null})
    );
    assert_eq!(consumer.count(), 2);
}

#[tokio::test]
async fn a_clock_that_cannot_be_moved_says_so() {
    let api = Api::start().await;
    for path in ["/_admin/settle", "/_admin/clock/next"] {
        let response = api.admin(Method::POST, path, json!({})).await;
        assert_refused(response, (409, "clock_not_manual", None), path).await;
    }
    // From inside a consumer: whoever moves the clock waits for it.
    let api = start(manual()).await;
    let settle = format!("{}/_admin/settle", api.server.uri());
    let consumer = api
        .server
        .consumer()
        .handle(move |_| {
            let settle = reqwest::Client::new().post(&settle).send();
            async move { settle.await.unwrap().status() }
        })
        .start();
    api.queue("q", &consumer.url(), r#""max_retries":0"#).await;
    api.post(
        "/v1/publish",
        r#"{"queue":"q","message":1,"delay_seconds":1}"#,
    )
    .await;
    api.control("/_admin/clock/advance", json!({"seconds": 1}))
        .await;
    assert_eq!(api.server.deliveries().last().unwrap().status(), Some(409));
}

#[tokio::test]
async fn deliveries_are_listed_filtered_and_waited_for() {
    let api = start(manual()).await;
    let consumer = api.server.consumer().respond([200]).start();
    api.queue("one", &consumer.url(), "").await;
    api.queue("two", &consumer.url(), "").await;
    for _ in 0..3 {
        api.publish("one", r#"{"a": 1.0}"#).await;
    }
    let id = api.publish("two", "2").await;
    api.server.settle().await.unwrap();
    let all = api.look("/_admin/deliveries").await;
    assert_eq!(all["deliveries"].as_array().unwrap().len(), 4);
    assert_eq!((&all["next"], &all["forgotten"]), (&Value::Null, &json!(0)));
    let first = &all["deliveries"][0];
    assert_eq!(first["request"]["body"], r#"{"a": 1.0}"#);
    assert_eq!(
        (&first["answer"]["status"], &first["verdict"]),
        (&json!(200), &json!("delivered"))
    );
    assert!(
        first["request"]["headers"]
            .as_array()
            .unwrap()
            .iter()
            .any(|it| it[0] == "qstash-signature")
    );
    assert_eq!(
        api.look("/_admin/deliveries?queue=one&limit=2").await["next"],
        json!(2)
    );
    let rest = api
        .look("/_admin/deliveries?queue=one&limit=2&after=2")
        .await;
    assert_eq!(
        (rest["deliveries"].as_array().unwrap().len(), &rest["next"]),
        (1, &Value::Null)
    );
    let found = api
        .control("/_admin/deliveries/wait", json!({"message_id": id}))
        .await;
    assert_eq!(found["deliveries"][0]["queue"], "two");
    let in_vain = json!({"queue": "two", "count": 2, "within_seconds": 0.05});
    let refused = api
        .admin(Method::POST, "/_admin/deliveries/wait", in_vain)
        .await;
    assert_refused(refused, (409, "too_few", None), "waiting in vain").await;
    let cleared = api
        .admin(Method::DELETE, "/_admin/deliveries", json!({}))
        .await;
    assert_eq!(success(cleared).await, json!({"cleared": 4}));
    assert_eq!(api.server.deliveries().count(), 0);
}

#[tokio::test]
async fn faults_are_set_listed_and_taken_away() {
    let api = start(manual()).await;
    let consumer = api.server.consumer().start();
    api.queue("q", &consumer.url(), "").await;
    let lose = api
        .control(
            "/_admin/faults",
            json!({"kind": "lose_answer", "queue": "q", "script": [true]}),
        )
        .await;
    let limit = json!({"kind": "api_status", "status": 429, "headers": {"Retry-After": "9"}, "path": "/v1/queues", "times": 1});
    api.control("/_admin/faults", limit).await;
    let refused = api.request(Method::GET, "/v1/queues").send().await.unwrap();
    assert_eq!(
        (
            refused.status().as_u16(),
            refused.headers()["retry-after"].to_str().unwrap()
        ),
        (429, "9")
    );
    api.publish("q", "1").await;
    api.server
        .advance(std::time::Duration::from_secs(5))
        .await
        .unwrap();
    assert_eq!(consumer.count(), 2);
    let list = api.look("/_admin/faults").await;
    assert_eq!(
        list,
        json!({"seed": 7, "faults": [
            {"id": 0, "kind": "lose_answer", "queue": "q", "script": [true], "hits": 1},
            {"id": 1, "kind": "api_status", "status": 429, "headers": {"retry-after": "9"}, "path": "/v1/queues", "times": 1, "hits": 1},
        ]})
    );
    let removed = api
        .admin(
            Method::DELETE,
            &format!("/_admin/faults/{}", lose["id"]),
            json!({}),
        )
        .await;
    assert_eq!(success(removed).await, json!({"removed": 1}));
    for path in ["/_admin/faults/0", "/_admin/faults/x"] {
        let response = api.admin(Method::DELETE, path, json!({})).await;
        assert_refused(response, (404, "not_found", None), path).await;
    }
    let removed = api.admin(Method::DELETE, "/_admin/faults", json!({})).await;
    assert_eq!(success(removed).await, json!({"removed": 1}));
}

#[tokio::test]
async fn state_is_filled_kept_restored_and_reset() {
    let api = start(manual()).await;
    let fixture = json!({"queues": [{"name": "q", "paused": true}], "messages": [{"queue": "q", "message": 1}]});
    assert_eq!(
        api.control("/_admin/fixture", fixture).await,
        json!({"loaded": 2})
    );
    let kept = api.get("/v1/queues/q/messages").await;
    let snapshot = api
        .admin(Method::POST, "/_admin/snapshots", json!({}))
        .await;
    assert_eq!(snapshot.status(), 201);
    let snapshot = success(snapshot).await;
    assert_eq!(snapshot, json!({"id": 1, "at": "2027-01-15T08:00:00.000Z"}));
    api.control("/_admin/clock/advance", json!({"seconds": 60}))
        .await;
    api.control("/_admin/reset", json!({})).await;
    assert_eq!(api.server.now(), START);
    assert_eq!(api.get("/v1/queues").await["queues"], json!([]));
    api.control("/_admin/snapshots/1/restore", json!({})).await;
    assert_eq!(api.get("/v1/queues/q/messages").await, kept);
    for _ in 0..15 {
        api.control("/_admin/snapshots", json!({})).await;
    }
    let refused = api
        .admin(Method::POST, "/_admin/snapshots", json!({}))
        .await;
    assert_refused(refused, (409, "too_many_snapshots", None), "the 17th").await;
    let dropped = api
        .admin(Method::DELETE, "/_admin/snapshots/1", json!({}))
        .await;
    assert_eq!(success(dropped).await, snapshot);
    assert_eq!(
        api.look("/_admin/snapshots").await["snapshots"]
            .as_array()
            .unwrap()
            .len(),
        15
    );
    let gone = api
        .admin(Method::POST, "/_admin/snapshots/1/restore", json!({}))
        .await;
    assert_refused(gone, (404, "not_found", None), "a snapshot that is gone").await;
}

/// Paths, bodies, and what is said to them.
const BAD_BODIES: &[(&str, &str, Refusal<'_>)] = &[
    (
        "/_admin/clock/advance",
        "{}",
        (400, "invalid_field", Some("seconds")),
    ),
    (
        "/_admin/clock/advance",
        r#"{"seconds":1,"to":"2027-01-15T08:00:00Z"}"#,
        (400, "invalid_field", Some("seconds")),
    ),
    (
        "/_admin/clock/advance",
        r#"{"seconds":-1}"#,
        (400, "invalid_field", Some("seconds")),
    ),
    (
        "/_admin/clock/advance",
        r#"{"seconds":1e300}"#,
        (400, "invalid_field", Some("seconds")),
    ),
    (
        "/_admin/clock/advance",
        r#"{"to":"tomorrow"}"#,
        (400, "invalid_field", Some("to")),
    ),
    (
        "/_admin/clock/advance",
        r#"{"second":1}"#,
        (400, "unknown_field", Some("second")),
    ),
    ("/_admin/clock/advance", "[", (400, "invalid_json", None)),
    ("/_admin/clock/advance", "7", (400, "invalid_json", None)),
    (
        "/_admin/settle",
        r#"{"a":1}"#,
        (400, "unknown_field", Some("a")),
    ),
    ("/_admin/faults", "{}", (400, "invalid_field", Some("kind"))),
    (
        "/_admin/faults",
        r#"{"kind":"flood"}"#,
        (400, "invalid_field", Some("kind")),
    ),
    (
        "/_admin/faults",
        r#"{"kind":"delay"}"#,
        (400, "invalid_field", Some("seconds")),
    ),
    (
        "/_admin/faults",
        r#"{"kind":"api_status"}"#,
        (400, "invalid_field", Some("status")),
    ),
    (
        "/_admin/faults",
        r#"{"kind":"api_status","status":200}"#,
        (400, "invalid_field", Some("status")),
    ),
    (
        "/_admin/faults",
        r#"{"kind":"reorder","probability":2}"#,
        (400, "invalid_field", Some("probability")),
    ),
    (
        "/_admin/faults",
        r#"{"kind":"reorder","path":"/"}"#,
        (400, "invalid_field", Some("path")),
    ),
    (
        "/_admin/deliveries/wait",
        r#"{"headers":{"a":1}}"#,
        (400, "invalid_field", Some("headers.a")),
    ),
    (
        "/_admin/fixture",
        r#"{"queues":[{}]}"#,
        (400, "invalid_field", Some("queues[0].name")),
    ),
];

#[tokio::test]
async fn bad_bodies_are_refused_and_change_nothing() {
    let api = start(manual()).await;
    for (path, body, refusal) in BAD_BODIES {
        let response = api
            .bare(Method::POST, path)
            .header("content-type", "application/json")
            .body(*body)
            .send()
            .await
            .unwrap();
        assert_refused(response, *refusal, &format!("{path} {body}")).await;
    }
    assert_eq!(api.server.now(), START);
    assert_eq!(api.look("/_admin/faults").await["faults"], json!([]));
    for (path, field) in [
        ("/_admin/deliveries?limit=0", "limit"),
        ("/_admin/deliveries?after=x", "after"),
    ] {
        let response = api.bare(Method::GET, path).send().await.unwrap();
        assert_refused(response, (400, "invalid_field", Some(field)), path).await;
    }
}

#[tokio::test]
async fn the_admin_token_opens_and_no_other_does() {
    let secured = MockServer::builder()
        .token_secret("a secret of sixteen bytes")
        .admin_token("let me in");
    let api = start(secured).await;
    let get = |token: Option<String>| {
        let request = api.bare(Method::GET, "/_admin/health");
        match token {
            Some(token) => request.bearer_auth(token).send(),
            None => request.send(),
        }
    };
    assert_eq!(
        get(Some("let me in".to_owned())).await.unwrap().status(),
        200
    );
    assert_refused(
        get(None).await.unwrap(),
        (401, "missing_token", None),
        "none",
    )
    .await;
    for token in [api.server.token().to_owned(), "let me i".to_owned()] {
        assert_refused(
            get(Some(token)).await.unwrap(),
            (401, "invalid_token", None),
            "another",
        )
        .await;
    }
}

#[tokio::test]
async fn without_an_admin_token_only_this_machine_is_let_in_and_no_token_for_queues() {
    let api = start(MockServer::builder().token_secret("a secret of sixteen bytes")).await;
    let get = || api.bare(Method::GET, "/_admin/ready");
    assert_eq!(get().send().await.unwrap().status(), 200);
    let response = get().bearer_auth(api.server.token()).send().await.unwrap();
    assert_refused(response, (401, "invalid_token", None), "a token for queues").await;
    for (name, value) in [("origin", "http://localhost"), ("host", "evil.example")] {
        let response = get().header(name, value).send().await.unwrap();
        assert_refused(response, (403, "forbidden", None), name).await;
    }
    // A peer from elsewhere: this machine under another address, where it has one.
    let anywhere = start(MockServer::builder().address((Ipv4Addr::UNSPECIFIED, 0).into())).await;
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    if socket.connect("192.0.2.1:9").is_ok() {
        let address = socket.local_addr().unwrap().ip();
        let url = format!(
            "http://{address}:{}/_admin/health",
            anywhere.server.address().port()
        );
        let response = reqwest::Client::new()
            .get(url)
            .header("host", "localhost")
            .send()
            .await
            .unwrap();
        assert_refused(response, (403, "forbidden", None), "a peer from elsewhere").await;
    }
}

#[tokio::test]
async fn test_control_can_be_off() {
    let api = start(MockServer::builder().admin(false).admin_token("let me in")).await;
    let response = api
        .bare(Method::GET, "/_admin/health")
        .bearer_auth("let me in")
        .send()
        .await
        .unwrap();
    assert_refused(response, (404, "not_found", None), "off").await;
}

#[tokio::test]
async fn the_openapi_file_is_served() {
    let api = Api::start().await;
    let file = api.look("/_admin/openapi.json").await;
    assert_eq!(file["openapi"], "3.1.0");
}
