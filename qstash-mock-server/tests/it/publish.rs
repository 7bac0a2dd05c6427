//! Publishing one message and many.

use reqwest::Method;
use serde_json::json;

use crate::support::{Api, Refusal, assert_refused, success};

const fn invalid(field: &str) -> Refusal<'_> {
    (400, "invalid_field", Some(field))
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one table")]
async fn a_bad_publish_is_refused_by_name_and_stores_nothing() {
    let api = Api::start().await;
    let long = format!(r#"{{"queue":"{}","message":1}}"#, "q".repeat(257));
    let key = format!(
        r#"{{"queue":"q","message":1,"idempotency_key":"{}"}}"#,
        "k".repeat(257)
    );
    let many: Vec<_> = (0..65).map(|it| format!(r#""h{it}":"v""#)).collect();
    let many = format!(
        r#"{{"queue":"q","message":1,"headers":{{{}}}}}"#,
        many.join(",")
    );
    let heavy = format!(
        r#"{{"queue":"q","message":1,"headers":{{"h":"{}"}}}}"#,
        "v".repeat(16 << 10)
    );
    let deep = format!(
        r#"{{"queue":"q","message":{}{}}}"#,
        "[".repeat(129),
        "]".repeat(129)
    );
    let no_json = (400, "invalid_json", None);
    let cases = [
        ("", no_json),
        ("{", no_json),
        ("[]", no_json),
        ("null", no_json),
        (r#"{"queue":"q","message":}"#, no_json),
        (r#"{"queue":"q","message":{"a":1,}}"#, no_json),
        (r#"{"queue":"q","message":1} x"#, no_json),
        ("{}", invalid("queue")),
        (r#"{"queue":"q"}"#, invalid("message")),
        (r#"{"message":1}"#, invalid("queue")),
        (r#"{"queue":null,"message":1}"#, invalid("queue")),
        (r#"{"queue":7,"message":1}"#, invalid("queue")),
        (r#"{"queue":"","message":1}"#, invalid("queue")),
        (r#"{"queue":"a b","message":1}"#, invalid("queue")),
        (r#"{"queue":"ä","message":1}"#, invalid("queue")),
        (&long, invalid("queue")),
        (r#"{"queue":"q","queue":"q","message":1}"#, invalid("queue")),
        (
            r#"{"queue":"q","message":1,"delay_second":5}"#,
            (400, "unknown_field", Some("delay_second")),
        ),
        (
            r#"{"queue":"q","message":1,"delay_seconds":-1}"#,
            invalid("delay_seconds"),
        ),
        (
            r#"{"queue":"q","message":1,"delay_seconds":7776000.001}"#,
            invalid("delay_seconds"),
        ),
        (
            r#"{"queue":"q","message":1,"delay_seconds":1e999}"#,
            invalid("delay_seconds"),
        ),
        (
            r#"{"queue":"q","message":1,"delay_seconds":"5"}"#,
            invalid("delay_seconds"),
        ),
        (
            r#"{"queue":"q","message":1,"delay_seconds":null}"#,
            invalid("delay_seconds"),
        ),
        (
            r#"{"queue":"q","message":1,"delay_seconds":true}"#,
            invalid("delay_seconds"),
        ),
        (
            r#"{"queue":"q","message":1,"idempotency_key":""}"#,
            invalid("idempotency_key"),
        ),
        (
            r#"{"queue":"q","message":1,"idempotency_key":7}"#,
            invalid("idempotency_key"),
        ),
        (&key, invalid("idempotency_key")),
        (
            r#"{"queue":"q","message":1,"max_retries":-1}"#,
            invalid("max_retries"),
        ),
        (
            r#"{"queue":"q","message":1,"max_retries":101}"#,
            invalid("max_retries"),
        ),
        (
            r#"{"queue":"q","message":1,"max_retries":1.5}"#,
            invalid("max_retries"),
        ),
        (
            r#"{"queue":"q","message":1,"headers":[]}"#,
            invalid("headers"),
        ),
        (
            r#"{"queue":"q","message":1,"headers":{"a":1}}"#,
            invalid("headers.a"),
        ),
        (
            r#"{"queue":"q","message":1,"headers":{"a b":"1"}}"#,
            invalid("headers.a b"),
        ),
        (
            r#"{"queue":"q","message":1,"headers":{"a":"\r\nx: y"}}"#,
            invalid("headers.a"),
        ),
        (
            r#"{"queue":"q","message":1,"headers":{"a":"ä"}}"#,
            invalid("headers.a"),
        ),
        (
            r#"{"queue":"q","message":1,"headers":{"a":"\u007f"}}"#,
            invalid("headers.a"),
        ),
        (
            r#"{"queue":"q","message":1,"headers":{"Host":"x"}}"#,
            invalid("headers.Host"),
        ),
        (
            r#"{"queue":"q","message":1,"headers":{"authorization":"x"}}"#,
            invalid("headers.authorization"),
        ),
        (
            r#"{"queue":"q","message":1,"headers":{"QStash-Signature":"x"}}"#,
            invalid("headers.QStash-Signature"),
        ),
        (
            r#"{"queue":"q","message":1,"headers":{"Proxy-Thing":"x"}}"#,
            invalid("headers.Proxy-Thing"),
        ),
        (
            r#"{"queue":"q","message":1,"headers":{"X-A":"x","x-a":"y"}}"#,
            invalid("headers.x-a"),
        ),
        (&many, invalid("headers")),
        (&heavy, invalid("headers")),
        (&deep, (400, "invalid_json", Some("message"))),
    ];
    api.refuses("/v1/publish", &cases).await;
}

#[tokio::test]
async fn only_json_in_utf8_is_taken() {
    let api = Api::start().await;
    let body = r#"{"queue":"q","message":1}"#;
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
    ] {
        let request = api
            .request(Method::POST, "/v1/publish")
            .header("content-type", kind);
        let response = request.body(body).send().await.unwrap();
        assert_refused(response, (415, "unsupported_media_type", None), kind).await;
    }
    let response = api
        .request(Method::POST, "/v1/publish")
        .body(body)
        .send()
        .await
        .unwrap();
    assert_refused(response, (415, "unsupported_media_type", None), "none").await;
    let request = api.request(Method::POST, "/v1/publish");
    let request = request.header("content-type", "application/json; charset=utf-8");
    let not_utf8 = b"{\"queue\":\"q\",\"message\":\"\xff\"}".to_vec();
    let response = request.body(not_utf8).send().await.unwrap();
    assert_refused(response, (400, "invalid_json", None), "not UTF-8").await;
    assert_eq!(api.state().await[1]["queues"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_message_may_be_as_large_as_the_limit_and_no_larger() {
    let api = Api::start().await;
    for (length, accepted) in [(1 << 20, true), ((1 << 20) + 1, false), (3 << 20, false)] {
        let text = "x".repeat(length - 2);
        let response = api
            .try_post(
                "/v1/publish",
                format!(r#"{{"queue":"q","message":"{text}"}}"#),
            )
            .await;
        if accepted {
            assert_eq!(response.status(), 200);
        } else {
            let refusal = (413, "message_too_large", Some("message"));
            assert_refused(response, refusal, &length.to_string()).await;
        }
    }
    let metrics = api.get("/v1/metrics").await;
    assert_eq!(metrics["totals"]["published"], 1);
}

#[tokio::test]
async fn the_bytes_of_a_message_are_kept() {
    let api = Api::start().await;
    let levels = format!("{}1{}", "[".repeat(128), "]".repeat(128));
    for message in [
        "null",
        "1.0",
        "-0",
        "1e999",
        "123456789012345678901234567890.10",
        r#""\ud800 \u0041 ä""#,
        r#"{ "z":1 ,	"a" : [ ],"a":2}"#,
        &levels,
    ] {
        let id = api.publish("exact", message).await;
        let response = api.try_post("/v1/queues/exact/receive", "{}").await;
        let text = response.text().await.unwrap();
        assert!(
            text.contains(&format!(r#""message":{message},"#)),
            "{message}: {text}"
        );
        api.post(&format!("/v1/messages/{id}/ack"), "").await;
    }
}

#[tokio::test]
async fn the_second_publish_with_a_key_answers_the_first_id() {
    let api = Api::start().await;
    let body = r#"{"queue":"q","message":1,"idempotency_key":"once"}"#;
    let first = api.post("/v1/publish", body).await;
    let second = api.post("/v1/publish", body).await;
    assert_eq!(first["message_id"], second["message_id"]);
    assert_eq!(first.get("deduplicated"), None);
    assert_eq!(second["deduplicated"], true);
}

#[tokio::test]
async fn a_message_travels_on_in_the_trace_of_its_request() {
    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let api = Api::start().await;
    let headers = async |path: &str, trace: &str, body: &str| {
        let request = api.request(Method::POST, path).header("traceparent", trace);
        let request = request.header("content-type", "application/json");
        let answer = success(request.body(body.to_owned()).send().await.unwrap()).await;
        let first = answer["results"].get(0).unwrap_or(&answer);
        let path = format!("/v1/messages/{}", first["message_id"].as_str().unwrap());
        api.get(&path).await["headers"].clone()
    };
    let plain = r#"{"queue":"q","message":1}"#;
    let batch = format!(r#"{{"messages":[{plain}]}}"#);
    let of_its_own = r#"{"queue":"q","message":1,"headers":{"Traceparent":"mine"}}"#;
    let joined = json!({"traceparent": TRACE});
    assert_eq!(headers("/v1/publish", TRACE, plain).await, joined);
    assert_eq!(headers("/v1/publish/batch", TRACE, &batch).await, joined);
    let kept = json!({"traceparent": "mine"});
    assert_eq!(headers("/v1/publish", TRACE, of_its_own).await, kept);
    for broken in [
        "",
        "trace",
        &TRACE.to_uppercase(),
        &TRACE[..52],
        &format!("{TRACE}-00"),
        &TRACE.replacen("00", "ff", 1),
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
    ] {
        let found = headers("/v1/publish", broken, plain).await;
        assert_eq!(found, json!({}), "{broken}");
    }
}

#[tokio::test]
async fn one_bad_item_does_not_stop_a_batch() {
    let api = Api::start().await;
    let large = "x".repeat(1 << 20);
    let body = format!(
        r#"{{"messages":[
            {{"queue":"q","message":1}}, 7, {{"queue":"q","message":2,"que":1}}, {{"queue":"a b","message":3}},
            {{"queue":"q","message":"{large}"}}, {{"queue":"q","message":5}}
        ]}}"#
    );
    let answer = api.post("/v1/publish/batch", body).await;
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results.len(), 6);
    for (index, code, field) in [
        (1, "invalid_field", "messages[1]"),
        (2, "unknown_field", "messages[2].que"),
        (3, "invalid_field", "messages[3].queue"),
        (4, "message_too_large", "messages[4].message"),
    ] {
        assert_eq!(results[index]["code"], code, "{index}");
        assert_eq!(results[index]["field"], field, "{index}");
    }
    assert!(results[0]["message_id"].is_string() && results[5]["message_id"].is_string());
    assert_eq!(api.get("/v1/metrics").await["totals"]["published"], 2);
}

#[tokio::test]
async fn a_malformed_batch_is_refused_as_a_whole() {
    let api = Api::start().await;
    let item = r#"{"queue":"q","message":1}"#;
    let many = format!(r#"{{"messages":[{}]}}"#, vec![item; 1001].join(","));
    let cases = [
        ("[]", (400, "invalid_json", None)),
        (
            r#"{"messages":[{"queue":"q","message":1},]}"#,
            (400, "invalid_json", None),
        ),
        ("{}", invalid("messages")),
        (r#"{"messages":null}"#, invalid("messages")),
        (r#"{"messages":{}}"#, invalid("messages")),
        (
            r#"{"messages":[],"queue":"q"}"#,
            (400, "unknown_field", Some("queue")),
        ),
        (&many, invalid("messages")),
    ];
    api.refuses("/v1/publish/batch", &cases).await;
    let answer = api.post("/v1/publish/batch", r#"{"messages":[]}"#).await;
    assert_eq!(answer["results"].as_array().unwrap().len(), 0);
}
