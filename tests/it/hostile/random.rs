//! Random bytes and random requests: never a 5xx, a panic or a dropped connection.
//!
//! `PROPTEST_CASES` sets the number of cases (128 here), `PROPTEST_RNG_SEED` repeats a run.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use qstash_client::RawJson;
use reqwest::Method;
use tokio::runtime::Runtime;

use super::{exchange, status};
use crate::support::{HOUR, World};

fn runner() -> TestRunner {
    let cases = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|it| it.parse().ok());
    TestRunner::new(Config {
        cases: cases.unwrap_or(128),
        failure_persistence: None,
        ..Config::default()
    })
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// Parts of which requests are made, good and bad.
fn parts() -> impl Strategy<Value = Vec<u8>> {
    let words: &[&[u8]] = &[
        b"GET ",
        b"POST ",
        b"DELETE ",
        b"BREW ",
        b"/v1/publish",
        b"/v1/queues/q/receive",
        b"/v1/messages/x/ack",
        b"/health",
        b"?a=%zz",
        b" HTTP/1.1",
        b" HTTP/1.0",
        b" HTTP/2.0",
        b"\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b"\r\n\r\n",
        b"Host: x\r\n",
        b"Content-Length: 2\r\n",
        b"Content-Length: 99999999999999999999\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Expect: 100-continue\r\n",
        b"Connection: close\r\n",
        b"Connection: upgrade\r\nUpgrade: h2c\r\n",
        b"Content-Type: application/json\r\n",
        b"{}",
        b"{\"queue\":\"q\",\"message\":1}",
        b"2\r\n{}\r\n0\r\n\r\n",
        b"ffffffff\r\n",
        b":",
        b" ",
        b"\0",
        b"\xff",
    ];
    prop_oneof![
        8 => select(words.to_vec()).prop_map(<[u8]>::to_vec),
        1 => vec(any::<u8>(), 0..40),
        1 => select(vec!["x".repeat(9000), "a:b\r\n".repeat(300)]).prop_map(String::into_bytes),
    ]
}

/// Whether `bytes` hold the whole head of a request, right or wrong, so that an answer is due.
fn has_a_head(bytes: &[u8]) -> bool {
    let start = bytes
        .iter()
        .position(|byte| !b"\r\n".contains(byte))
        .unwrap_or(bytes.len());
    let head = &bytes[start..];
    head.windows(4).any(|it| it == b"\r\n\r\n") || head.windows(2).any(|it| it == b"\n\n")
}

#[test]
fn any_bytes_are_answered_with_a_refusal_or_an_answer() {
    let runtime = runtime();
    let world = runtime.block_on(World::manual());
    let bytes = prop_oneof![
        4 => vec(parts(), 0..12).prop_map(|parts| parts.concat()),
        1 => vec(any::<u8>(), 0..2000),
        2 => vec(parts(), 0..6).prop_map(|parts| [b"POST /v1/publish HTTP/1.1\r\n".to_vec(), parts.concat(), b"\r\n\r\n".to_vec()].concat()),
    ];
    let check = |bytes: Vec<u8>| {
        runtime.block_on(async {
            let answer = exchange(&world, &bytes).await;
            let answer =
                answer.map_err(|error| TestCaseError::fail(format!("dropped: {error}")))?;
            let due = has_a_head(&bytes);
            prop_assert!(!due || !answer.is_empty(), "no answer");
            if !answer.is_empty() {
                let status = status(&answer);
                prop_assert!(
                    status.is_some_and(|it| it < 500),
                    "{}",
                    String::from_utf8_lossy(&answer)
                );
            }
            Ok(())
        })
    };
    runner().run(&bytes, check).unwrap();
    assert_eq!(
        runtime.block_on(world.metrics("q")).published,
        0,
        "nobody showed a token"
    );
}

/// JSON text as people and programs write it: with spaces, odd numbers, escapes, repeated names.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        select(vec![
            "null",
            "true",
            "false",
            "0",
            "-0",
            "1.0",
            "-1",
            "1e308",
            "1e999",
            "1E+2",
            "0.1e-7",
            "123456789012345678901234567890"
        ])
        .prop_map(str::to_owned),
        any::<f64>()
            .prop_filter("JSON has none of the others", |it| it.is_finite())
            .prop_map(|it| it.to_string()),
        any::<i64>().prop_map(|it| it.to_string()),
        any::<String>().prop_map(|it| serde_json::to_string(&it).unwrap()),
        select(vec![
            r#""\ud800""#,
            r#""\u0000\/\b""#,
            r#""😀\ud83d\ude00""#
        ])
        .prop_map(str::to_owned),
    ];
    let space = || select(vec!["", "", " ", "\n", "\t ", "\r\n"]);
    leaf.prop_recursive(6, 64, 6, move |inner| {
        let name = prop_oneof![
            select(FIELDS.to_vec()).prop_map(str::to_owned),
            "[a-z]{0,3}"
        ];
        let item = (space(), inner.clone(), space()).prop_map(|(a, b, c)| format!("{a}{b}{c}"));
        let member = (space(), name, space(), inner, space())
            .prop_map(|(a, name, b, value, c)| format!("{a}\"{name}\"{b}:{value}{c}"));
        prop_oneof![
            vec(item, 0..6).prop_map(|items| format!("[{}]", items.join(","))),
            vec(member, 0..6).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}

const FIELDS: &[&str] = &[
    "queue",
    "message",
    "delay_seconds",
    "idempotency_key",
    "max_retries",
    "headers",
    "messages",
    "name",
    "dead_letter_queue",
    "webhook_url",
    "retry_backoff",
    "visibility_timeout_seconds",
    "delivery_timeout_seconds",
    "parallelism",
    "on_accepted",
    "paused",
    "max_messages",
    "visibility_seconds",
    "lease_id",
    "to",
    "kind",
    "seconds",
    "base_seconds",
    "factor",
    "jitter",
];

/// A body that comes close: an object of known fields with values that may even be right.
fn body() -> impl Strategy<Value = String> {
    let right = select(vec![
        "\"q\"",
        "\"p\"",
        "\"dead\"",
        "1",
        "0",
        "3",
        "0.5",
        "60",
        "100",
        "null",
        "true",
        "\"done\"",
        "{}",
        "[]",
        "{\"kind\":\"fixed\",\"seconds\":1}",
        "{\"kind\":\"list\",\"seconds\":[1,2]}",
        "\"http://127.0.0.1:9/\"",
        "[{\"queue\":\"q\",\"message\":1}]",
        "{\"a\":\"b\"}",
        "\"lse_0000000000000000\"",
    ]);
    let value = prop_oneof![4 => right.prop_map(str::to_owned), 1 => json()];
    let member =
        (select(FIELDS.to_vec()), value).prop_map(|(name, value)| format!("\"{name}\":{value}"));
    let required = select(vec![
        "\"queue\":\"q\",\"message\":1",
        "\"name\":\"q\"",
        "\"visibility_seconds\":1",
        "\"messages\":[]",
        "",
    ]);
    prop_oneof![
        6 => (required, vec(member, 0..3)).prop_map(|(required, members)| {
            let all: Vec<_> = Some(required.to_owned()).into_iter().filter(|it| !it.is_empty()).chain(members).collect();
            format!("{{{}}}", all.join(","))
        }),
        1 => json(),
        1 => any::<String>(),
    ]
}

fn path() -> impl Strategy<Value = String> {
    let segment = || {
        prop_oneof![
            6 => select(vec!["v1", "publish", "batch", "queues", "messages", "metrics", "q", "p", "dead", "pause", "resume", "purge", "redrive",
                "receive", "extend", "ack", "release", "signing-secret", "rotate", "health", "{id}", "{id}"]).prop_map(str::to_owned),
            1 => "[ -~]{0,8}".prop_map(|text| text.replace(['?', '#', ' ', '/'], "%20")),
            1 => "(%[0-9a-f]{2}){1,4}",
        ]
    };
    let known = select(vec![
        "v1/publish",
        "v1/publish/batch",
        "v1/queues",
        "v1/queues/q",
        "v1/queues/q/receive",
        "v1/queues/q/pause",
        "v1/queues/q/resume",
        "v1/queues/q/purge",
        "v1/queues/dead/redrive",
        "v1/queues/q/messages",
        "v1/messages/{id}",
        "v1/messages/{id}/ack",
        "v1/messages/{id}/extend",
        "v1/messages/{id}/release",
        "v1/metrics",
        "v1/signing-secret/rotate",
    ]);
    let query = prop_oneof![
        4 => Just(String::new()),
        1 => "\\?(limit|cursor|prefix|state)=[a-z0-9%-]{0,6}",
        1 => "\\?[!-~]{0,10}".prop_map(|it| it.replace('#', "")),
    ];
    let free = vec(segment(), 0..5).prop_map(|segments| segments.join("/"));
    (
        prop_oneof![3 => known.prop_map(str::to_owned), 1 => free],
        query,
    )
        .prop_map(|(path, query)| format!("/{path}{query}"))
}

#[test]
fn any_request_is_answered_and_the_metrics_still_add_up() {
    let runtime = runtime();
    let world = runtime.block_on(async {
        let world = World::manual().await;
        let queue = world
            .client
            .v1()
            .queues()
            .create("q")
            .dead_letter_queue("dead");
        queue.send().await.unwrap();
        world
    });
    let method = select(vec![
        Method::POST,
        Method::POST,
        Method::POST,
        Method::GET,
        Method::DELETE,
        Method::PUT,
        Method::HEAD,
    ]);
    let requests = vec((method, path(), body()), 1..8);
    let check = |requests: Vec<(Method, String, String)>| {
        runtime.block_on(async {
            let mut id = world.publish("q", "1").await;
            for (method, path, body) in requests {
                let path = path.replace("{id}", &id);
                let request = world
                    .bare(method.clone(), &path)
                    .bearer_auth(world.server.token());
                let request = request
                    .header("content-type", "application/json")
                    .body(body.clone());
                let response = match request.send().await {
                    Ok(response) => response,
                    // The client itself refuses some of these paths.
                    Err(error) if error.is_builder() => continue,
                    Err(error) => {
                        return Err(TestCaseError::fail(format!(
                            "{method} {path} {body}: {error:?}"
                        )));
                    }
                };
                let status = response.status().as_u16();
                let text = response
                    .text()
                    .await
                    .map_err(|error| TestCaseError::fail(error.to_string()))?;
                prop_assert!(status < 500, "{method} {path} {body}: {status} {text}");
                if status >= 400 && method != Method::HEAD {
                    let refusal: serde_json::Value =
                        serde_json::from_str(&text).unwrap_or_default();
                    prop_assert!(
                        refusal["code"].is_string() && refusal["error"].is_string(),
                        "{method} {path} {body}: {status} {text}"
                    );
                }
                if let Some((_, rest)) = text.split_once("\"message_id\":\"") {
                    id = rest[..36].to_owned();
                }
            }
            world.server.advance(HOUR).await.unwrap();
            let metrics = world.client.v1().metrics().send().await.unwrap();
            for (name, it) in &metrics.queues {
                prop_assert_eq!(it.pending, it.ready + it.delayed + it.in_flight, "{}", name);
            }
            Ok(())
        })
    };
    runner().run(&requests, check).unwrap();
}

#[test]
fn any_message_is_pulled_as_it_was_published() {
    let runtime = runtime();
    let world = runtime.block_on(World::manual());
    let check = |message: String| {
        runtime.block_on(async {
            // The bytes of the value are kept, not what stands around it.
            let message = message.trim();
            let published = world.client.v1().publish_raw("exact", message).send().await;
            prop_assert!(published.is_ok(), "{:?}", published);
            let lease = world
                .client
                .v1()
                .receive::<RawJson>("exact")
                .send()
                .await
                .unwrap()
                .pop()
                .unwrap();
            prop_assert_eq!(lease.message().get(), message);
            lease.ack().await.unwrap();
            Ok(())
        })
    };
    runner().run(&json(), check).unwrap();
}
