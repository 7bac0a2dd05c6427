//! What holds for all routes: unknown paths, wrong methods, health.

use reqwest::Method;

use crate::support::{Api, assert_refused};

#[tokio::test]
async fn unknown_paths_are_not_found() {
    let api = Api::start().await;
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v1/queue",
        "/v1/queues/",
        "/v1/queues/q/pause/x",
        "/v3/publish",
    ] {
        let response = api.request(Method::GET, path).send().await.unwrap();
        assert_refused(response, (404, "not_found", None), path).await;
    }
}

#[tokio::test]
async fn wrong_methods_are_told_the_right_ones() {
    let api = Api::start().await;
    for (method, path, allowed) in [
        (Method::GET, "/v1/publish", "POST"),
        (Method::PUT, "/v1/queues", "GET,HEAD,POST"),
        (Method::POST, "/v1/queues/q", "GET,HEAD,DELETE"),
        (Method::PATCH, "/v1/messages/7", "GET,HEAD,DELETE"),
        (Method::POST, "/v1/metrics", "GET,HEAD"),
        (Method::POST, "/health", "GET,HEAD"),
    ] {
        let response = api.request(method, path).send().await.unwrap();
        assert_eq!(response.headers()["allow"], allowed, "{path}");
        assert_refused(response, (405, "method_not_allowed", None), path).await;
    }
}

#[tokio::test]
async fn health_needs_no_token_and_head_is_answered() {
    let api = Api::start().await;
    let response = api.bare(Method::GET, "/health").send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), r#"{"status":"ok"}"#);
    for path in ["/health", "/v1/queues", "/v1/metrics"] {
        let response = api.request(Method::HEAD, path).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.text().await.unwrap(), "", "{path}");
    }
}
