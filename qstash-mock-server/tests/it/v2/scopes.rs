//! Tokens with limits (v1.md section 1): they reach what is tied to a queue of theirs, and nothing else.

use qstash_verify::jws::sign_hs256;

use super::transcript::{APP, Transcript};

const SECRET: &str = "a token secret for tests";

/// Of a server that takes signed tokens.
struct Gate(Transcript);

impl Gate {
    async fn start() -> Self {
        Self(Transcript::with(|server| server.token_secret(SECRET)).await)
    }

    /// How a request with a token of these claims is answered.
    async fn status(&self, claims: &str, method: &str, path: &str, body: &str) -> u16 {
        let claims = format!(r#"{{"sub":"defaultUser",{claims}}}"#);
        let token = sign_hs256(SECRET.as_bytes(), claims.as_bytes());
        let headers = [
            ("Authorization", &*format!("Bearer {token}")),
            ("Upstash-Delay", "1d"),
        ];
        let response = self.0.send(method, path, &headers, body).await;
        response.status().as_u16()
    }
}

const OF_ORDERS: &str = r#""queues":["order-*"]"#;
const PUBLISHER: &str = r#""permissions":["publish"]"#;

#[tokio::test]
async fn a_token_of_some_queues_enqueues_to_them_and_manages_them() {
    let gate = Gate::start().await;
    for (method, path, body) in [
        ("POST", &*format!("/v2/enqueue/order-1/{APP}"), ""),
        ("POST", "/v2/queues", r#"{"queueName":"order-1"}"#),
        ("GET", "/v2/queues/order-1", ""),
        ("POST", "/v2/queues/order-1/pause", ""),
        ("POST", "/v2/queues/order-1/resume", ""),
        ("DELETE", "/v2/queues/order-1", ""),
    ] {
        let status = gate.status(OF_ORDERS, method, path, body).await;
        let expected = if path.contains("/enqueue/") { 201 } else { 200 };
        assert_eq!(status, expected, "{method} {path}");
    }
    let other = format!("/v2/enqueue/other/{APP}");
    for (method, path, body) in [
        ("POST", &*other, ""),
        ("POST", "/v2/queues", r#"{"queueName":"other"}"#),
        ("GET", "/v2/queues/other", ""),
        ("DELETE", "/v2/queues/other", ""),
        ("POST", "/v2/queues/other/pause", ""),
    ] {
        let status = gate.status(OF_ORDERS, method, path, body).await;
        assert_eq!(status, 403, "{method} {path}");
    }
}

#[tokio::test]
async fn a_token_of_some_queues_sends_to_url_groups_through_them_and_not_past_them() {
    let gate = Gate::start().await;
    let endpoints = format!(r#"{{"endpoints":[{{"url":"{APP}"}}]}}"#);
    let all = r#""exp":9999999999"#;
    for (path, body) in [
        ("/v2/topics/shops/endpoints", &*endpoints),
        ("/v2/queues", r#"{"queueName":"order-1"}"#),
    ] {
        assert_eq!(gate.status(all, "POST", path, body).await, 200, "{path}");
    }
    let cron = "upstash-cron=0+0+1+1+*";
    for (path, expected) in [
        ("/v2/enqueue/order-1/shops", 201),
        ("/v2/enqueue/other/shops", 403),
        ("/v2/enqueue/order-1/nobody", 404),
        ("/v2/publish/shops", 403),
        ("/v2/publish/nobody", 403),
        (
            &*format!("/v2/schedules/shops?{cron}&upstash-queue-name=order-1"),
            200,
        ),
        (&*format!("/v2/schedules/shops?{cron}"), 403),
    ] {
        let status = gate.status(OF_ORDERS, "POST", path, "").await;
        assert_eq!(status, expected, "{path}");
    }
}

#[tokio::test]
async fn a_token_of_some_queues_reaches_nothing_that_is_tied_to_no_queue() {
    let gate = Gate::start().await;
    let publish = format!("/v2/publish/{APP}");
    let schedule = format!("/v2/schedules/{APP}?upstash-cron=0+0+1+1+*");
    for (method, path) in [
        ("POST", &*publish),
        ("POST", &schedule),
        ("GET", "/v2/queues"),
        ("DELETE", "/v2/messages"),
        ("GET", "/v2/messages/msg_1C5Gabyw2kf4PXxiZn1Npf"),
        ("DELETE", "/v2/messages/msg_1C5Gabyw2kf4PXxiZn1Npf"),
        ("GET", "/v2/events"),
        ("GET", "/v2/dlq"),
        ("DELETE", "/v2/dlq"),
        ("POST", "/v2/dlq/retry"),
        ("GET", "/v2/topics"),
        ("DELETE", "/v2/topics/g"),
        ("GET", "/v2/schedules"),
        ("GET", "/v2/flowControl"),
        ("POST", "/v2/flowControl/k/pause"),
        ("GET", "/v2/globalParallelism"),
        ("GET", "/v2/keys"),
        ("POST", "/v2/keys/rotate"),
    ] {
        let status = gate.status(OF_ORDERS, method, path, "").await;
        assert_eq!(status, 403, "{method} {path}");
    }
}

#[tokio::test]
async fn a_token_of_some_permissions_does_with_the_account_what_they_allow() {
    const MANAGER: &str = r#""permissions":["manage"]"#;
    const METRICS: &str = r#""permissions":["metrics"]"#;
    let gate = Gate::start().await;
    let publish = format!("/v2/publish/{APP}");
    let schedule = format!("/v2/schedules/{APP}?upstash-cron=0+0+1+1+*");
    for (method, path, allowed) in [
        ("POST", &*publish, PUBLISHER),
        ("POST", &schedule, PUBLISHER),
        ("GET", "/v2/queues", MANAGER),
        ("DELETE", "/v2/messages", MANAGER),
        ("GET", "/v2/events", MANAGER),
        ("GET", "/v2/dlq", MANAGER),
        ("DELETE", "/v2/dlq", MANAGER),
        ("GET", "/v2/topics", MANAGER),
        ("DELETE", "/v2/topics/g", MANAGER),
        ("GET", "/v2/schedules", MANAGER),
        ("GET", "/v2/flowControl", MANAGER),
        ("POST", "/v2/flowControl/k/pause", MANAGER),
        ("GET", "/v2/globalParallelism", METRICS),
        ("GET", "/v2/keys", MANAGER),
        ("POST", "/v2/keys/rotate", MANAGER),
    ] {
        for claims in [PUBLISHER, MANAGER, METRICS] {
            let status = gate.status(claims, method, path, "").await;
            let expected = if claims == allowed {
                200..300
            } else {
                403..404
            };
            assert!(
                expected.contains(&status),
                "{claims} {method} {path}: {status}"
            );
        }
    }
}

#[tokio::test]
async fn a_token_that_may_publish_needs_nothing_else_to_send_to_a_url_group() {
    let gate = Gate::start().await;
    let endpoints = format!(r#"{{"endpoints":[{{"url":"{APP}"}}]}}"#);
    let (all, manager) = (r#""exp":9999999999"#, r#""permissions":["manage"]"#);
    let topic = "/v2/topics/shops";
    let defaults = r#"{"headers":{"Upstash-Retries":"1"}}"#;
    for (method, path, body) in [
        ("POST", "/v2/topics/shops/endpoints", &*endpoints),
        ("PATCH", topic, defaults),
    ] {
        assert_eq!(gate.status(all, method, path, body).await, 200, "{path}");
    }
    assert_eq!(gate.status(PUBLISHER, "GET", topic, "").await, 403);
    for path in [
        "/v2/publish/shops",
        "/v2/enqueue/q/shops",
        "/v2/schedules/shops?upstash-cron=0+0+1+1+*",
    ] {
        let status = gate.status(PUBLISHER, "POST", path, "").await;
        let expected = if path.contains("/schedules/") {
            200
        } else {
            201
        };
        assert_eq!(status, expected, "{path}");
        let status = gate.status(manager, "POST", path, "").await;
        assert_eq!(status, 403, "{path}");
    }
}

#[tokio::test]
async fn a_token_of_some_permissions_does_no_more_with_a_queue() {
    let gate = Gate::start().await;
    let enqueue = format!("/v2/enqueue/q/{APP}");
    assert_eq!(gate.status(PUBLISHER, "POST", &enqueue, "").await, 201);
    assert_eq!(gate.status(PUBLISHER, "GET", "/v2/queues/q", "").await, 403);
    let manager = r#""permissions":["manage"]"#;
    assert_eq!(gate.status(manager, "GET", "/v2/queues/q", "").await, 200);
    assert_eq!(gate.status(manager, "POST", &enqueue, "").await, 403);
}
