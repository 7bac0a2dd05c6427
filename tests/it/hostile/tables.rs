//! Every route that takes a body, against every kind of bad input.

use qstash_mock_server::MockServer;
use reqwest::{Method, Response};

use super::assert_refused;
use crate::support::{DAY, START, TOKEN_SECRET, World, token};

/// Not whole numbers from 0 up, for any route.
const NO_INTEGER: &[&str] = &[
    "-1",
    "0.5",
    "3.0",
    "1e2",
    "1e308",
    "1e999",
    "-1e999",
    "99999999999999999999",
    "\"3\"",
    "true",
    "[]",
    "{}",
];
/// No seconds, for any route.
const NO_SECONDS: &[&str] = &[
    "-1",
    "-0.001",
    "1e308",
    "1e999",
    "-1e999",
    "99999999999999999999",
    "\"5\"",
    "\"5s\"",
    "true",
    "[]",
    "[1]",
    "{}",
];
const NO_NAME: &[&str] = &[
    "7",
    "true",
    "[]",
    "{}",
    "\"\"",
    "\" \"",
    "\"a b\"",
    "\"a/b\"",
    "\"ä\"",
    "\"a\\u0000\"",
    "\"\\ud800\"",
    "[\"q\"]",
];
const NO_TEXT: &[&str] = &["7", "true", "[]", "{}", "[\"x\"]"];
const NO_BOOLEAN: &[&str] = &["0", "1", "\"true\"", "[]", "{}", "null"];

/// What is not JSON, or no object.
const NO_OBJECT: &[&[u8]] = &[
    b" ",
    b"{",
    b"}",
    b"[]",
    b"null",
    b"true",
    b"7",
    b"NaN",
    b"\"{}\"",
    b"{}{}",
    b"{} x",
    b"{,}",
    b"{\"a\"}",
    b"{\"a\":}",
    b"{'a':1}",
    b"{a:1}",
    b"{\"a\":1,}",
    b"{\"a\":01}",
    b"{\"a\":+1}",
    b"{\"a\":.5}",
    b"{\"a\":NaN}",
    b"{\"a\":Infinity}",
    b"{\"a\":\"\n\"}",
    b"{\"a\":\"\\q\"}",
    b"{\"a\":tru}",
    b"\xef\xbb\xbf{}",
    b"\xff\xfe{\0}\0",
    b"{\"a\":\"\xff\"}",
    b"<x/>",
    b"a=1&b=2",
    b"\0",
];

/// A route that takes a body.
struct Route {
    path: String,
    /// What is accepted, so that each case differs from it in one thing.
    good: &'static str,
    /// Fields and values they must not have.
    bad: &'static [(&'static str, &'static [&'static [&'static str]])],
    /// Whether the body may be absent.
    optional: bool,
    /// The most bytes of a body.
    limit: usize,
}

const SMALL: usize = 64 << 10;

fn routes(leased: &str) -> Vec<Route> {
    let route = |path: &str, good, bad, optional, limit| Route {
        path: path.replace("{id}", leased),
        good,
        bad,
        optional,
        limit,
    };
    vec![
        route(
            "/v1/publish",
            r#"{"queue":"new","message":1}"#,
            &[
                ("queue", &[NO_NAME, &["null"]]),
                ("delay_seconds", &[NO_SECONDS, &["null", "7776000.001"]]),
                ("idempotency_key", &[NO_TEXT, &["\"\"", "\"\\ud800\""]]),
                ("max_retries", &[NO_INTEGER, &["101"]]),
                (
                    "headers",
                    &[&["7", "true", "[]", "\"a: b\"", "[[\"a\",\"b\"]]"]],
                ),
            ],
            false,
            (1 << 20) + (128 << 10),
        ),
        route(
            "/v1/publish/batch",
            r#"{"messages":[]}"#,
            &[("messages", &[NO_TEXT_OR_ARRAY])],
            false,
            2 << 20,
        ),
        route(
            "/v1/queues",
            r#"{"name":"new"}"#,
            &[
                ("name", &[NO_NAME, &["null"]]),
                ("dead_letter_queue", &[NO_NAME]),
                (
                    "webhook_url",
                    &[
                        NO_TEXT,
                        &[
                            "\"\"",
                            "\"x\"",
                            "\"/x\"",
                            "\"ftp://x\"",
                            "\"http://\"",
                            "\"javascript:0\"",
                        ],
                    ],
                ),
                ("max_retries", &[NO_INTEGER, &["101", "null"]]),
                (
                    "retry_backoff",
                    &[&["null", "7", "\"fixed\"", "[]", "[1,2]"]],
                ),
                (
                    "visibility_timeout_seconds",
                    &[NO_SECONDS, &["0", "0.999", "43200.001", "null"]],
                ),
                (
                    "delivery_timeout_seconds",
                    &[NO_SECONDS, &["0", "0.099", "43200.001", "null"]],
                ),
                ("parallelism", &[NO_INTEGER, &["0", "1001", "null"]]),
                ("on_accepted", &[NO_TEXT, &["\"\"", "\"DONE\"", "null"]]),
                ("paused", &[NO_BOOLEAN]),
            ],
            false,
            SMALL,
        ),
        route("/v1/queues/q/pause", "{}", &[], true, SMALL),
        route("/v1/queues/q/resume", "{}", &[], true, SMALL),
        route("/v1/queues/q/purge", "{}", &[], true, SMALL),
        route(
            "/v1/queues/dead/redrive",
            "{}",
            &[("to", &[NO_NAME]), ("max_messages", &[NO_INTEGER, &["0"]])],
            true,
            SMALL,
        ),
        route(
            "/v1/queues/q/receive",
            "{}",
            &[
                ("max_messages", &[NO_INTEGER, &["0", "101"]]),
                ("wait_seconds", &[NO_SECONDS, &["20.001"]]),
                (
                    "visibility_timeout_seconds",
                    &[NO_SECONDS, &["0", "0.999", "43200.001"]],
                ),
            ],
            true,
            SMALL,
        ),
        route(
            "/v1/messages/{id}/extend",
            r#"{"visibility_seconds":60}"#,
            &[
                ("visibility_seconds", &[NO_SECONDS, &["43200.001", "null"]]),
                ("lease_id", &[NO_TEXT]),
            ],
            false,
            SMALL,
        ),
        route(
            "/v1/messages/{id}/ack",
            "{}",
            &[("lease_id", &[NO_TEXT])],
            true,
            SMALL,
        ),
        route(
            "/v1/messages/{id}/release",
            "{}",
            &[
                ("delay_seconds", &[NO_SECONDS, &["7776000.001"]]),
                ("lease_id", &[NO_TEXT]),
            ],
            true,
            SMALL,
        ),
        route("/v1/signing-secret/rotate", "{}", &[], true, SMALL),
    ]
}

const NO_TEXT_OR_ARRAY: &[&str] = &["7", "true", "\"[]\"", "{}", "null", "1e308"];

/// A server with something of everything, so that a refusal would be seen to change something: a ready, a
/// delayed and a leased message, a dead letter, a queue that names another.
async fn furnished() -> (World, Vec<Route>) {
    let builder = MockServer::builder()
        .manual_clock(START)
        .token_secret(TOKEN_SECRET);
    let world = World::with(builder.max_batch_bytes(2 << 20)).await;
    let queues = world.client.v1().queues();
    let queue = queues.create("q").dead_letter_queue("dead").max_retries(0);
    queue.send().await.unwrap();
    let receive = async || {
        world
            .client
            .v1()
            .receive::<u32>("q")
            .visibility_timeout(DAY / 2)
            .send()
            .await
            .unwrap()
    };
    world.publish("q", "1").await;
    receive()
        .await
        .pop()
        .unwrap()
        .release(Default::default())
        .await
        .unwrap();
    let leased = world.publish("q", "2").await;
    assert_eq!(receive().await.len(), 1);
    world.publish("q", "3").await;
    world
        .client
        .v1()
        .publish("q", &4)
        .delay(DAY)
        .send()
        .await
        .unwrap();
    let routes = routes(&leased);
    (world, routes)
}

async fn post(
    world: &World,
    path: &str,
    kind: Option<&str>,
    token: &str,
    body: impl Into<reqwest::Body>,
) -> Response {
    let mut request = world.bare(Method::POST, path).bearer_auth(token).body(body);
    if let Some(kind) = kind {
        request = request.header("content-type", kind);
    }
    request.send().await.unwrap()
}

const JSON: Option<&str> = Some("application/json");

/// The good body with one member put in its place.
fn with(good: &str, field: &str, value: &str) -> String {
    let body: serde_json::Value = serde_json::from_str(good).unwrap();
    let members = body
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| *name != field);
    let members = members.map(|(name, value)| format!("\"{name}\":{value}"));
    let members: Vec<_> = members.chain([format!("\"{field}\":{value}")]).collect();
    format!("{{{}}}", members.join(","))
}

#[tokio::test]
async fn what_is_no_json_object_is_refused_everywhere() {
    let (world, routes) = furnished().await;
    let before = world.seen().await;
    for Route { path, optional, .. } in &routes {
        for body in NO_OBJECT {
            let what = format!("{path} {}", String::from_utf8_lossy(body));
            let response = post(&world, path, JSON, world.server.token(), *body).await;
            assert_refused(response, (400, "invalid_json", None), &what).await;
        }
        if !optional {
            let response = post(&world, path, JSON, world.server.token(), "").await;
            assert_refused(
                response,
                (400, "invalid_json", None),
                &format!("{path} without a body"),
            )
            .await;
        }
    }
    assert_eq!(world.seen().await, before);
}

#[tokio::test]
async fn wrong_types_and_absurd_numbers_are_named_everywhere() {
    let (world, routes) = furnished().await;
    let before = world.seen().await;
    for Route {
        path, good, bad, ..
    } in &routes
    {
        for (field, values) in *bad {
            for value in values.iter().copied().flatten() {
                let body = with(good, field, value);
                let response = post(&world, path, JSON, world.server.token(), body.clone()).await;
                assert_refused(
                    response,
                    (400, "invalid_field", Some(field)),
                    &format!("{path} {body}"),
                )
                .await;
            }
        }
    }
    assert_eq!(world.seen().await, before);
}

#[tokio::test]
async fn unknown_repeated_and_misspelt_fields_are_named_everywhere() {
    let (world, routes) = furnished().await;
    let before = world.seen().await;
    for Route {
        path, good, bad, ..
    } in &routes
    {
        for name in ["x", "", "__proto__", "Queue", "delay_second", "a.b", "💥"] {
            let body = with(good, name, "1");
            let response = post(&world, path, JSON, world.server.token(), body).await;
            assert_refused(
                response,
                (400, "unknown_field", Some(name)),
                &format!("{path} {name}"),
            )
            .await;
        }
        for (field, _) in *bad {
            let twice = format!("{{\"{field}\":1,\"{field}\":1}}");
            let response = post(&world, path, JSON, world.server.token(), twice).await;
            assert_refused(
                response,
                (400, "invalid_field", Some(field)),
                &format!("{path} {field} twice"),
            )
            .await;
        }
    }
    assert_eq!(world.seen().await, before);
}

#[tokio::test]
async fn wrong_content_types_and_oversized_bodies_are_refused_everywhere() {
    let (world, routes) = furnished().await;
    let before = world.seen().await;
    for Route {
        path, good, limit, ..
    } in &routes
    {
        for kind in [
            None,
            Some("text/plain"),
            Some("application/xml"),
            Some("application/x-www-form-urlencoded"),
            Some("json"),
        ] {
            let response = post(&world, path, kind, world.server.token(), *good).await;
            assert_refused(
                response,
                (415, "unsupported_media_type", None),
                &format!("{path} {kind:?}"),
            )
            .await;
        }
        let (code, field) = match path.as_str() {
            "/v1/publish" => ("message_too_large", Some("message")),
            _ => ("body_too_large", None),
        };
        for over in [1, 3 << 20] {
            let body = " ".repeat(limit + over - good.len()) + good;
            let response = post(&world, path, JSON, world.server.token(), body).await;
            assert_refused(response, (413, code, field), &format!("{path} {over} over")).await;
        }
    }
    assert_eq!(world.seen().await, before);
}

#[tokio::test]
async fn bad_expired_and_narrow_tokens_are_refused_everywhere() {
    let (world, routes) = furnished().await;
    let before = world.seen().await;
    let published = MockServer::start().await.token().to_owned();
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJkZWZhdWx0VXNlciJ9.";
    for Route { path, good, .. } in &routes {
        for (token, status, code) in [
            ("", 401, "missing_token"),
            ("x", 401, "invalid_token"),
            (&published, 401, "invalid_token"),
            (unsigned, 401, "invalid_token"),
            (
                &token(r#"{"sub":"defaultUser","exp":1}"#),
                401,
                "expired_token",
            ),
            (
                &token(r#"{"sub":"defaultUser","exp":-1}"#),
                401,
                "expired_token",
            ),
            (
                &token(r#"{"sub":"defaultUser","exp":"soon"}"#),
                401,
                "invalid_token",
            ),
            (&token(r#"{"exp":99999999999}"#), 401, "invalid_token"),
            (
                &token(r#"{"sub":"defaultUser","permissions":["everything"]}"#),
                401,
                "invalid_token",
            ),
            (
                &token(r#"{"sub":"defaultUser","permissions":[]}"#),
                403,
                "forbidden",
            ),
        ] {
            if path == "/v1/publish/batch" && status == 403 {
                continue; // A token's limits are an error of the item there.
            }
            let response = post(&world, path, JSON, token, *good).await;
            assert_refused(response, (status, code, None), &format!("{path} {token}")).await;
        }
    }
    assert_eq!(world.seen().await, before);
}

#[tokio::test]
async fn names_and_ids_that_cannot_be_are_not_found() {
    let (world, routes) = furnished().await;
    let before = world.seen().await;
    let long = "q".repeat(10_000);
    for name in [
        "nope",
        "%00",
        "%0d%0aX:1",
        "..%2f..",
        "%",
        "%zz",
        "%ff",
        "a%20b",
        "💥",
        "'--",
        &long,
    ] {
        for Route { path, good, .. } in &routes {
            let (path, code) = match path.split('/').collect::<Vec<_>>().as_slice() {
                [_, _, "queues", _, verb] => {
                    (format!("/v1/queues/{name}/{verb}"), "queue_not_found")
                }
                [_, _, "messages", _, verb] => {
                    (format!("/v1/messages/{name}/{verb}"), "message_not_found")
                }
                _ => continue,
            };
            let response = post(&world, &path, JSON, world.server.token(), *good).await;
            assert_refused(response, (404, code, None), &path).await;
        }
    }
    assert_eq!(world.seen().await, before);
}
