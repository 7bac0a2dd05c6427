//! A publish to a URL group: its own settings, and where they are silent those of the group.

use qstash_mock_server::storage::MemoryStore;
use reqwest::header::HeaderValue;
use serde_json::{Value, json};

use super::transcript::{APP, Transcript};

/// Headers as they go over the wire, which may carry what is no text.
pub(super) type Given<'a> = &'a [(&'a str, &'a [u8])];

/// What the group says, what the publish says, and what the message then shows.
type Case<'a> = (Value, Given<'a>, &'a [(&'a str, Value)]);

/// A server with a URL group `g`.
pub(super) struct Group(pub(super) Transcript);

impl Group {
    pub(super) async fn start() -> Self {
        Self::of(Transcript::start().await).await
    }

    pub(super) async fn of(api: Transcript) -> Self {
        let endpoints = json!({ "endpoints": [{ "url": APP }] }).to_string();
        let path = "/v2/topics/g/endpoints";
        assert_eq!(api.send("POST", path, &[], endpoints).await.status(), 200);
        Self(api)
    }

    /// Everything is delayed, so that it can be looked at.
    pub(super) async fn set(&self, defaults: &Value) {
        let mut headers = json!({ "Upstash-Delay": "1d" });
        let all = headers.as_object_mut().unwrap();
        all.extend(defaults.as_object().unwrap().clone());
        self.set_exactly(&headers).await;
    }

    async fn set_exactly(&self, headers: &Value) {
        let body = json!({ "headers": headers }).to_string();
        let answer = self.0.send("PATCH", "/v2/topics/g", &[], body).await;
        assert_eq!(answer.status(), 200, "{headers}");
    }

    pub(super) async fn post(&self, path: &str, given: Given<'_>, body: &str) -> (u16, Value) {
        let url = format!("{}{path}", self.0.server.uri());
        let mut request = reqwest::Client::new()
            .post(url)
            .bearer_auth(self.0.server.token())
            .body(body.to_owned());
        for (name, value) in given {
            request = request.header(*name, HeaderValue::from_bytes(value).unwrap());
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap())
    }

    /// The message that comes of a publish.
    pub(super) async fn message(&self, given: Given<'_>) -> Value {
        let (status, answer) = self.post("/v2/publish/g", given, "a body").await;
        assert_eq!(status, 201, "{answer}");
        let id = answer[0]["messageId"].as_str().unwrap();
        self.0.value(&format!("/v2/messages/{id}")).await
    }
}

#[tokio::test]
async fn what_a_publish_says_hides_what_the_group_says_under_the_same_name() {
    let group = Group::start().await;
    let cases: &[Case<'_>] = &[
        (
            json!({ "Upstash-Retries": "7", "Upstash-Method": "PUT", "Upstash-Retry-Delay": "1000" }),
            &[("Upstash-Retries", b"2")],
            &[
                ("/maxRetries", json!(2)),
                ("/method", json!("PUT")),
                ("/retryDelayExpression", json!("1000")),
            ],
        ),
        (
            json!({ "Upstash-Label": ["a", "b"] }),
            &[],
            &[("/labels", json!(["a", "b"]))],
        ),
        (
            json!({ "Upstash-Label": ["a", "b"] }),
            &[("Upstash-Label", b"c")],
            &[("/labels", json!(["c"]))],
        ),
        (
            json!({ "Upstash-Redact-Fields": "body" }),
            &[
                ("Upstash-Redact-Fields", b"header[X]"),
                ("Upstash-Forward-X", b"x"),
            ],
            &[("/body", json!("a body"))],
        ),
        (
            json!({ "Upstash-Flow-Control-Key": "k", "Upstash-Flow-Control-Value": "rate=1, period=9s" }),
            &[],
            &[
                ("/flowControlKey", json!("k")),
                ("/rate", json!(1)),
                ("/period", json!(9)),
            ],
        ),
        (
            json!({ "Upstash-Not-Before": "1800000000" }),
            &[("Upstash-Delay", b"1h")],
            &[("/notBefore", json!(1_800_000_000_000_u64))],
        ),
        (
            json!({ "Upstash-Forward-X": "1", "Upstash-Forward-Y": ["1", "2"] }),
            &[("Upstash-Forward-X", b"2"), ("Upstash-Forward-X", b"3")],
            &[
                ("/header/X", json!(["2", "3"])),
                ("/header/Y", json!(["1", "2"])),
            ],
        ),
    ];
    check(&group, cases).await;
}

#[tokio::test]
async fn options_of_a_callback_meet_its_url_whoever_gives_either() {
    let group = Group::start().await;
    let url: &[u8] = b"https://cb.example";
    let cases: &[Case<'_>] = &[
        (
            json!({ "Upstash-Callback-Forward-X": "x", "Upstash-Failure-Callback-Forward-Y": "y" }),
            &[("Upstash-Callback", url), ("Upstash-Failure-Callback", url)],
            &[
                ("/callback", json!("https://cb.example")),
                ("/callbackHeader", json!({ "X": ["x"] })),
                ("/failureCallbackHeader", json!({ "Y": ["y"] })),
            ],
        ),
        (
            json!({ "Upstash-Callback": "https://default.example", "Upstash-Callback-Forward-X": "x" }),
            &[
                ("Upstash-Callback-Forward-X", b"mine"),
                ("Upstash-Callback-Forward-Content-Type", b"a/b"),
            ],
            &[
                ("/callback", json!("https://default.example")),
                ("/callbackHeader", json!({ "X": ["mine"] })),
            ],
        ),
        (
            json!({ "Upstash-Callback-Forward-X": "x", "Upstash-Callback-Retries": "1" }),
            &[],
            &[("/callback", Value::Null), ("/callbackHeader", Value::Null)],
        ),
    ];
    check(&group, cases).await;
}

#[tokio::test]
async fn incoming_headers_are_sent_along_if_the_group_says_so() {
    let group = Group::start().await;
    let plain: (&str, &[u8]) = ("X", b"plain");
    let cases: &[Case<'_>] = &[
        (
            json!({ "Upstash-Header-Forward": "true" }),
            &[plain, ("Y", b"1"), ("Y", b"2")],
            &[
                ("/header/X", json!(["plain"])),
                ("/header/Y", json!(["1", "2"])),
                ("/header/Authorization", Value::Null),
                ("/header/Host", Value::Null),
            ],
        ),
        (
            json!({ "Upstash-Header-Forward": "true", "Upstash-Forward-X": "explicit" }),
            &[plain],
            &[("/header/X", json!(["explicit"]))],
        ),
        (
            json!({ "Upstash-Forward-X": "explicit" }),
            &[plain, ("Y", b"1"), ("Upstash-Header-Forward", b"true")],
            &[
                ("/header/X", json!(["explicit"])),
                ("/header/Y", json!(["1"])),
            ],
        ),
        (
            json!({ "Upstash-Header-Forward": "true" }),
            &[plain, ("Upstash-Header-Forward", b"false")],
            &[("/header", json!({}))],
        ),
        (
            json!({ "Upstash-Header-Forward": "false" }),
            &[plain, ("X-Bin", b"\xff")],
            &[("/header", json!({}))],
        ),
    ];
    check(&group, cases).await;
}

#[tokio::test]
async fn a_forwarded_content_type_counts_for_nothing_whoever_gives_it() {
    let group = Group::start().await;
    let (plain, forwarded) = ("Content-Type", "Upstash-Forward-Content-Type");
    let cases: &[Case<'_>] = &[
        (
            json!({ plain: "default/plain" }),
            &[],
            &[("/header/Content-Type", json!(["default/plain"]))],
        ),
        (
            json!({ plain: "default/plain" }),
            &[(plain, b"own/plain")],
            &[("/header/Content-Type", json!(["own/plain"]))],
        ),
        (
            json!({ forwarded: "default/forwarded" }),
            &[(plain, b"own/plain")],
            &[("/header/Content-Type", json!(["own/plain"]))],
        ),
        (
            json!({ forwarded: "default/forwarded", plain: "default/plain" }),
            &[(forwarded, b"own/forwarded")],
            &[("/header/Content-Type", json!(["default/plain"]))],
        ),
        (
            json!({ forwarded: "default/forwarded" }),
            &[(forwarded, b"own/forwarded")],
            &[("/header/Content-Type", Value::Null)],
        ),
    ];
    check(&group, cases).await;
}

async fn check(group: &Group, cases: &[Case<'_>]) {
    for (defaults, given, expected) in cases {
        group.set(defaults).await;
        let message = group.message(given).await;
        for (place, value) in *expected {
            let found = message.pointer(place).unwrap_or(&Value::Null);
            assert_eq!(found, value, "{place}: {defaults} and {given:?}");
        }
    }
}

#[tokio::test]
async fn a_deduplication_id_of_the_group_beats_a_publish_by_content() {
    let group = Group::start().await;
    group
        .set(&json!({ "Upstash-Deduplication-Id": "once" }))
        .await;
    let by_content: Given<'_> = &[("Upstash-Content-Based-Deduplication", b"true")];
    let statuses = [
        group.post("/v2/publish/g", by_content, "one").await.0,
        group.post("/v2/publish/g", by_content, "other").await.0,
    ];
    assert_eq!(statuses, [201, 202]);
}

#[tokio::test]
async fn a_schedule_has_the_defaults_of_when_it_was_made() {
    let group = Group::start().await;
    group
        .set_exactly(&json!({ "Upstash-Retries": "7", "Upstash-Forward-X": "old" }))
        .await;
    let given: Given<'_> = &[
        ("Upstash-Cron", b"0 0 15 11 *"),
        ("Upstash-Schedule-Id", b"s"),
    ];
    assert_eq!(group.post("/v2/schedules/g", given, "").await.0, 200);
    group.set_exactly(&json!({ "Upstash-Retries": "1" })).await;
    let shown = group.0.value("/v2/schedules/s").await;
    assert_eq!(shown["retries"], 7);
    assert_eq!(shown["header"], json!({ "X": ["old"] }));
    group.0.advance(86_400).await;
    let log = group.0.value("/v2/events?scheduleId=s&state=CREATED").await;
    assert_eq!(log["events"][0]["maxRetries"], 7);
    assert_eq!(log["events"][0]["header"], json!({ "X": ["old"] }));
}

#[tokio::test]
async fn defaults_outlive_a_restart() {
    let store = MemoryStore::new();
    let with_store = |store: &MemoryStore| {
        let store = store.clone();
        Transcript::with(|server| server.store(store))
    };
    let group = Group::of(with_store(&store).await).await;
    group.set(&json!({ "Upstash-Retries": "7" })).await;
    group.0.server.shutdown().await;
    let group = Group(with_store(&store).await);
    assert_eq!(group.message(&[]).await["maxRetries"], 7);
}
