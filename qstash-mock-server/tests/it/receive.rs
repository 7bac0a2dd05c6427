//! Receiving, leases, and looking at messages.

use reqwest::Method;
use serde_json::json;

use crate::support::{Api, assert_refused};

#[tokio::test]
async fn bad_receives_are_refused_and_lease_nothing() {
    let api = Api::start().await;
    api.publish("q", "1").await;
    let invalid = |field| (400, "invalid_field", Some(field));
    let cases = [
        ("[", (400, "invalid_json", None)),
        (r#"{"max_messages":0}"#, invalid("max_messages")),
        (r#"{"max_messages":101}"#, invalid("max_messages")),
        (r#"{"max_messages":-1}"#, invalid("max_messages")),
        (r#"{"max_messages":1.5}"#, invalid("max_messages")),
        (r#"{"wait_seconds":-1}"#, invalid("wait_seconds")),
        (r#"{"wait_seconds":20.5}"#, invalid("wait_seconds")),
        (r#"{"wait_seconds":"1"}"#, invalid("wait_seconds")),
        (
            r#"{"visibility_timeout_seconds":0}"#,
            invalid("visibility_timeout_seconds"),
        ),
        (
            r#"{"visibility_timeout_seconds":1e300}"#,
            invalid("visibility_timeout_seconds"),
        ),
        (r#"{"wait":1}"#, (400, "unknown_field", Some("wait"))),
    ];
    api.refuses("/v1/queues/q/receive", &cases).await;
}

#[tokio::test]
async fn a_message_goes_from_publish_over_lease_to_done() {
    let api = Api::start().await;
    let body = r#"{"queue":"q","message":{"n":1},"headers":{"X-Trace":"t"}}"#;
    let id = api.post("/v1/publish", body).await["message_id"].clone();
    let received = api.post("/v1/queues/q/receive", "").await;
    let [message] = received["messages"].as_array().unwrap().as_slice() else {
        panic!("{received}");
    };
    assert_eq!(message["message_id"], id);
    assert_eq!(message["message"], json!({"n": 1}));
    assert_eq!(
        (&message["attempt"], &message["dead_letter"]),
        (&json!(1), &json!(null))
    );
    let path = format!("/v1/messages/{}", id.as_str().unwrap());
    let seen = api.get(&path).await;
    assert_eq!(seen["state"], "leased");
    assert_eq!(seen["headers"], json!({"x-trace": "t"}));
    assert_eq!(seen["lease_expires_at"], message["lease_expires_at"]);
    assert_eq!(seen["attempts"][0]["attempt"], 1);
    let lease = json!({"lease_id": message["lease_id"], "visibility_seconds": 60.5});
    let extended = api.post(&format!("{path}/extend"), lease.to_string()).await;
    assert!(
        extended["lease_expires_at"]
            .as_str()
            .unwrap()
            .ends_with('Z')
    );
    let lease = json!({"lease_id": message["lease_id"]});
    let acked = api.post(&format!("{path}/ack"), lease.to_string()).await;
    assert_eq!(acked["state"], "delivered");
    assert!(api.get(&path).await["finished_at"].is_string());
    let response = api.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(
        response.text().await.unwrap(),
        format!(r#"{{"message_id":{id},"cancelled":false}}"#)
    );
}

#[tokio::test]
async fn who_does_not_hold_the_lease_settles_nothing() {
    let api = Api::start().await;
    let id = api.publish("q", "1").await;
    let path = |verb: &str| format!("/v1/messages/{id}/{verb}");
    let not_leased = (409, "not_leased", None);
    api.refuses(
        &path("extend"),
        &[(r#"{"visibility_seconds":1}"#, not_leased)],
    )
    .await;
    api.refuses(&path("ack"), &[("", not_leased), ("{}", not_leased)])
        .await;
    api.refuses(&path("release"), &[("", not_leased)]).await;
    api.post("/v1/queues/q/receive", "{}").await;
    let lost = (409, "lease_lost", None);
    let unknown = (400, "unknown_field", Some("leas_id"));
    for lease in ["lse_0000000000000000", "nonsense", ""] {
        let extend = format!(r#"{{"visibility_seconds":1,"lease_id":"{lease}"}}"#);
        let settle = format!(r#"{{"lease_id":"{lease}"}}"#);
        api.refuses(&path("extend"), &[(&extend, lost)]).await;
        api.refuses(&path("ack"), &[(&settle, lost)]).await;
        api.refuses(&path("release"), &[(&settle, lost)]).await;
    }
    for lease in ["lse_0000000000000000", "nonsense", ""] {
        let body = format!(r#"{{"lease_id":"{lease}"}}"#);
        let extend = format!(r#"{{"visibility_seconds":1,"lease_id":"{lease}"}}"#);
        let not_found = (404, "message_not_found", None);
        for id in ["0198a000-0000-7000-8000-000000000000", "nonsense"] {
            let path = |verb: &str| format!("/v1/messages/{id}/{verb}");
            api.refuses(&path("ack"), &[(&body, not_found)]).await;
            api.refuses(&path("release"), &[(&body, not_found)]).await;
            api.refuses(&path("extend"), &[(&extend, not_found)]).await;
        }
    }
    let invalid = |field| (400, "invalid_field", Some(field));
    let cases = [
        ("", (400, "invalid_json", None)),
        ("{}", invalid("visibility_seconds")),
        (
            r#"{"visibility_seconds":-1}"#,
            invalid("visibility_seconds"),
        ),
        (
            r#"{"visibility_seconds":43200.5}"#,
            invalid("visibility_seconds"),
        ),
        (
            r#"{"visibility_seconds":null}"#,
            invalid("visibility_seconds"),
        ),
        (
            r#"{"visibility_seconds":1,"lease_id":7}"#,
            invalid("lease_id"),
        ),
        (r#"{"visibility_seconds":1,"leas_id":"x"}"#, unknown),
    ];
    api.refuses(&path("extend"), &cases).await;
    api.refuses(&path("ack"), &[(r#"{"leas_id":"x"}"#, unknown)])
        .await;
    api.refuses(
        &path("release"),
        &[(r#"{"delay_seconds":-1}"#, invalid("delay_seconds"))],
    )
    .await;
    let settled = api
        .post(&path("release"), r#"{"lease_id":null,"delay_seconds":5}"#)
        .await;
    assert_eq!(settled["state"], "delayed");
}

#[tokio::test]
async fn unknown_and_impossible_messages_are_not_found() {
    let api = Api::start().await;
    for id in [
        "0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b",
        "7",
        "x%20y",
        "%FF",
        "msg_1",
    ] {
        for (method, suffix, body) in [
            (Method::GET, "", ""),
            (Method::DELETE, "", ""),
            (Method::POST, "/extend", r#"{"visibility_seconds":1}"#),
            (Method::POST, "/ack", "{}"),
            (Method::POST, "/release", "{}"),
        ] {
            let path = format!("/v1/messages/{id}{suffix}");
            let request = api
                .request(method, &path)
                .header("content-type", "application/json");
            let response = request.body(body).send().await.unwrap();
            assert_refused(response, (404, "message_not_found", None), &path).await;
        }
    }
}

#[tokio::test]
async fn a_pushed_queue_hands_out_nothing() {
    let api = Api::start().await;
    api.post(
        "/v1/queues",
        r#"{"name":"q","webhook_url":"http://127.0.0.1:9/"}"#,
    )
    .await;
    api.refuses(
        "/v1/queues/q/receive",
        &[("{}", (409, "queue_is_pushed", None))],
    )
    .await;
}

#[tokio::test]
async fn messages_are_listed_by_state_and_page_without_being_leased() {
    let api = Api::start().await;
    for number in 0..3 {
        api.publish("q", &number.to_string()).await;
    }
    api.post(
        "/v1/publish",
        r#"{"queue":"q","message":3,"delay_seconds":60}"#,
    )
    .await;
    let first = api.get("/v1/queues/q/messages?state=ready&limit=2").await;
    assert_eq!(first["messages"].as_array().unwrap().len(), 2);
    let cursor = first["cursor"].as_str().unwrap();
    let path = format!("/v1/queues/q/messages?state=ready&limit=2&cursor={cursor}");
    let second = api.get(&path).await;
    assert_eq!(second["messages"][0]["message"], 2);
    let delayed = api.get("/v1/queues/q/messages?state=delayed").await;
    assert_eq!(delayed["messages"][0]["message"], 3);
    assert!(delayed["messages"][0]["visible_at"].is_string());
    assert_eq!(api.get("/v1/metrics").await["totals"]["ready"], 3);
}

#[tokio::test]
async fn cancelling_is_idempotent() {
    let api = Api::start().await;
    let id = api.publish("q", "1").await;
    let path = format!("/v1/messages/{id}");
    for cancelled in [true, false] {
        let response = api.request(Method::DELETE, &path).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let expected = format!(r#"{{"message_id":"{id}","cancelled":{cancelled}}}"#);
        assert_eq!(response.text().await.unwrap(), expected);
    }
    assert_eq!(api.get(&path).await["state"], "cancelled");
}
