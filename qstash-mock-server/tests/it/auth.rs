//! Tokens: which are accepted, and how far they reach.

use qstash_mock_server::MockServer;
use qstash_verify::jws::sign_hs256;
use reqwest::{Method, Response};

use crate::support::{Api, assert_refused};

const SECRET: &str = "a token secret for tests";

async fn secured() -> Api {
    let server = MockServer::builder().token_secret(SECRET).start().await;
    Api::over(server.unwrap())
}

fn token(claims: &str) -> String {
    sign_hs256(SECRET.as_bytes(), claims.as_bytes())
}

async fn with(api: &Api, token: &str, method: Method, path: &str, body: &str) -> Response {
    let request = api.bare(method, path).bearer_auth(token);
    let request = request.header("content-type", "application/json");
    request.body(body.to_owned()).send().await.unwrap()
}

#[tokio::test]
async fn every_v1_route_needs_a_token() {
    let api = Api::start().await;
    let id = "0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";
    for (method, path) in [
        (Method::POST, "/v1/publish".to_owned()),
        (Method::POST, "/v1/publish/batch".to_owned()),
        (Method::GET, "/v1/queues".to_owned()),
        (Method::POST, "/v1/queues".to_owned()),
        (Method::GET, "/v1/queues/q".to_owned()),
        (Method::DELETE, "/v1/queues/q".to_owned()),
        (Method::POST, "/v1/queues/q/pause".to_owned()),
        (Method::POST, "/v1/queues/q/resume".to_owned()),
        (Method::POST, "/v1/queues/q/purge".to_owned()),
        (Method::POST, "/v1/queues/q/redrive".to_owned()),
        (Method::POST, "/v1/queues/q/receive".to_owned()),
        (Method::GET, "/v1/queues/q/messages".to_owned()),
        (Method::GET, format!("/v1/messages/{id}")),
        (Method::DELETE, format!("/v1/messages/{id}")),
        (Method::POST, format!("/v1/messages/{id}/extend")),
        (Method::POST, format!("/v1/messages/{id}/ack")),
        (Method::POST, format!("/v1/messages/{id}/release")),
        (Method::GET, "/v1/metrics".to_owned()),
        (Method::GET, "/v1/signing-secret".to_owned()),
        (Method::POST, "/v1/signing-secret/rotate".to_owned()),
    ] {
        let response = api.bare(method, &path).send().await.unwrap();
        assert_eq!(response.headers()["www-authenticate"], "Bearer", "{path}");
        assert_refused(response, (401, "missing_token", None), &path).await;
    }
}

#[tokio::test]
async fn bad_and_expired_tokens_are_told_apart() {
    let api = secured().await;
    for (token, code) in [
        ("nonsense".to_owned(), "invalid_token"),
        ("a.b.c".to_owned(), "invalid_token"),
        (
            sign_hs256(b"another secret, no good", br#"{"sub":"shop"}"#),
            "invalid_token",
        ),
        (token(r#"{"sub":"shop","queues":"all"}"#), "invalid_token"),
        (
            MockServer::start().await.token().to_owned(),
            "invalid_token",
        ),
        (token(r#"{"sub":"shop","exp":1}"#), "expired_token"),
    ] {
        let response = with(&api, &token, Method::GET, "/v1/queues", "").await;
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
        assert_refused(response, (401, code, None), &token).await;
    }
    let good = token(r#"{"sub":"shop","exp":99999999999}"#);
    let response = with(&api, &good, Method::GET, "/v1/queues", "").await;
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_scoped_token_reaches_only_its_queues_and_permissions() {
    let api = secured().await;
    let publisher =
        token(r#"{"sub":"defaultUser","queues":["order-*"],"permissions":["publish"]}"#);
    let order = r#"{"queue":"order-1","message":1}"#;
    let response = with(&api, &publisher, Method::POST, "/v1/publish", order).await;
    assert_eq!(response.status(), 200);
    for (method, path, body) in [
        (
            Method::POST,
            "/v1/publish",
            r#"{"queue":"other","message":1}"#,
        ),
        (Method::POST, "/v1/queues", r#"{"name":"order-1"}"#),
        (Method::GET, "/v1/queues/order-1", ""),
        (Method::POST, "/v1/queues/order-1/receive", "{}"),
        (Method::GET, "/v1/metrics", ""),
        (Method::GET, "/v1/signing-secret", ""),
        (Method::POST, "/v1/signing-secret/rotate", ""),
    ] {
        let response = with(&api, &publisher, method, path, body).await;
        assert_refused(response, (403, "forbidden", None), path).await;
    }
}

#[tokio::test]
async fn a_scoped_token_sees_only_its_queues_in_lists_and_metrics() {
    let api = secured().await;
    api.publish("order-1", "1").await;
    api.publish("other", "1").await;
    let scoped = token(r#"{"sub":"defaultUser","queues":["order-*"]}"#);
    for path in ["/v1/queues", "/v1/metrics"] {
        let response = with(&api, &scoped, Method::GET, path, "").await;
        let text = response.text().await.unwrap();
        assert!(
            text.contains("order-1") && !text.contains("other"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn accounts_share_nothing() {
    let api = secured().await;
    let id = api.publish("orders", "1").await;
    let stranger = token(r#"{"sub":"stranger"}"#);
    let path = format!("/v1/messages/{id}");
    let response = with(&api, &stranger, Method::GET, &path, "").await;
    assert_refused(response, (404, "message_not_found", None), &path).await;
    let response = with(&api, &stranger, Method::GET, "/v1/queues/orders", "").await;
    assert_refused(response, (404, "queue_not_found", None), "orders").await;
}
