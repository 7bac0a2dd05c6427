//! Every bound of a field: what is at the limit is taken, what is one past it is refused by name.

use reqwest::Method;

use crate::support::{Api, assert_refused};

/// A field of a body, and what is at its bound and past it.
struct Bound {
    path: &'static str,
    /// The other fields.
    rest: &'static str,
    field: &'static str,
    at: Vec<String>,
    past: Vec<String>,
}

fn bound(path: &'static str, rest: &'static str, field: &'static str) -> Bound {
    Bound {
        path,
        rest,
        field,
        at: vec![],
        past: vec![],
    }
}

impl Bound {
    fn from(mut self, least: &str, below: &str) -> Self {
        self.at.push(least.to_owned());
        self.past.push(below.to_owned());
        self
    }

    fn to(mut self, most: impl Into<String>, above: impl Into<String>) -> Self {
        self.at.push(most.into());
        self.past.push(above.into());
        self
    }
}

fn text(length: usize) -> String {
    format!("\"{}\"", "x".repeat(length))
}

fn headers(count: usize) -> String {
    let headers: Vec<_> = (0..count).map(|it| format!("\"h{it}\":\"\"")).collect();
    format!("{{{}}}", headers.join(","))
}

fn list(count: usize) -> String {
    format!(
        r#"{{"kind":"list","seconds":[{}]}}"#,
        vec!["1"; count].join(",")
    )
}

fn fixed(seconds: &str) -> String {
    format!(r#"{{"kind":"fixed","seconds":{seconds}}}"#)
}

fn exponential(field: &str, value: &str) -> String {
    format!(r#"{{"kind":"exponential","{field}":{value}}}"#)
}

fn bounds() -> Vec<Bound> {
    let publish = |field| bound("/v1/publish", r#""queue":"q","message":1"#, field);
    let queue = |field| bound("/v1/queues", r#""name":"q""#, field);
    let receive = |field| bound("/v1/queues/q/receive", "", field);
    let header = |length| format!("{{\"h\":{}}}", text(length));
    let backoff = |most: String, past: String| queue("retry_backoff").to(most, past);
    vec![
        bound("/v1/publish", r#""message":1"#, "queue")
            .from("\"a\"", "\"\"")
            .to(text(256), text(257)),
        publish("delay_seconds")
            .from("0", "-0.001")
            .to("7776000", "7776000.001"),
        publish("idempotency_key")
            .from("\"a\"", "\"\"")
            .to(text(256), text(257)),
        publish("max_retries").from("0", "-1").to("100", "101"),
        publish("headers").to(headers(64), headers(65)),
        publish("headers").to(header((16 << 10) - 1), header(16 << 10)),
        queue("max_retries").from("0", "-1").to("100", "101"),
        queue("visibility_timeout_seconds")
            .from("1", "0.999")
            .to("43200", "43200.001"),
        queue("delivery_timeout_seconds")
            .from("0.1", "0.099")
            .to("43200", "43200.001"),
        queue("parallelism").from("1", "0").to("1000", "1001"),
        backoff(fixed("86400"), fixed("86400.001")).from(&fixed("0"), &fixed("-0.001")),
        backoff(list(100), list(101)).from(&list(1), &list(0)),
        backoff(
            exponential("base_seconds", "86400"),
            exponential("base_seconds", "86400.001"),
        ),
        backoff(
            exponential("max_seconds", "86400"),
            exponential("max_seconds", "86400.001"),
        ),
        backoff(
            exponential("factor", "100"),
            exponential("factor", "100.001"),
        )
        .from(&exponential("factor", "1"), &exponential("factor", "0.999")),
        backoff(exponential("jitter", "1"), exponential("jitter", "1.001")).from(
            &exponential("jitter", "0"),
            &exponential("jitter", "-0.001"),
        ),
        receive("max_messages").from("1", "0").to("100", "101"),
        receive("visibility_timeout_seconds")
            .from("1", "0.999")
            .to("43200", "43200.001"),
        // The queue has something to receive, so that nobody waits.
        receive("wait_seconds")
            .from("0", "-0.001")
            .to("20", "20.001"),
        bound("/v1/queues/q/redrive", "", "max_messages")
            .from("1", "0")
            .to("4294967295", "4294967296"),
    ]
}

fn body(bound: &Bound, value: &str) -> String {
    let comma = if bound.rest.is_empty() { "" } else { "," };
    format!("{{{}{comma}\"{}\":{value}}}", bound.rest, bound.field)
}

#[tokio::test]
async fn a_field_may_be_at_its_bound_and_not_past_it() {
    let api = Api::start().await;
    for number in 0..300 {
        api.publish("q", &number.to_string()).await;
    }
    for bound in bounds() {
        for value in &bound.at {
            api.post(bound.path, body(&bound, value)).await;
        }
        let before = api.state().await;
        for value in &bound.past {
            let response = api.try_post(bound.path, body(&bound, value)).await;
            let refused: serde_json::Value = response.json().await.unwrap();
            let field = refused["field"].as_str().unwrap_or_default();
            assert_eq!(refused["code"], "invalid_field", "{} {value}", bound.path);
            assert!(field.starts_with(bound.field), "{}: {refused}", bound.path);
        }
        assert_eq!(api.state().await, before, "{} {}", bound.path, bound.field);
    }
}

#[tokio::test]
async fn what_is_done_with_a_lease_has_bounds_too() {
    let api = Api::start().await;
    let id = api.publish("q", "1").await;
    api.post("/v1/queues/q/receive", "{}").await;
    let [extend, release] = ["extend", "release"].map(|it| format!("/v1/messages/{id}/{it}"));
    let visibility = (400, "invalid_field", Some("visibility_seconds"));
    let past = [
        r#"{"visibility_seconds":43200.001}"#,
        r#"{"visibility_seconds":-0.001}"#,
    ];
    api.refuses(&extend, &past.map(|body| (body, visibility)))
        .await;
    let delay = (400, "invalid_field", Some("delay_seconds"));
    let past = [
        r#"{"delay_seconds":7776000.001}"#,
        r#"{"delay_seconds":-0.001}"#,
    ];
    api.refuses(&release, &past.map(|body| (body, delay))).await;
    api.post(&extend, r#"{"visibility_seconds":43200}"#).await;
    api.post(&release, r#"{"delay_seconds":7776000}"#).await;
}

#[tokio::test]
async fn a_page_and_a_name_in_a_path_have_bounds_too() {
    let api = Api::start().await;
    let name = "q".repeat(256);
    api.publish(&name, "1").await;
    assert_eq!(api.get(&format!("/v1/queues/{name}")).await["name"], name);
    let limit = (400, "invalid_field", Some("limit"));
    for list in [
        "/v1/queues".to_owned(),
        format!("/v1/queues/{name}/messages"),
    ] {
        for good in [1, 1000] {
            api.get(&format!("{list}?limit={good}")).await;
        }
        for bad in [0, 1001] {
            let path = format!("{list}?limit={bad}");
            let response = api.request(Method::GET, &path).send().await.unwrap();
            assert_refused(response, limit, &path).await;
        }
    }
}
