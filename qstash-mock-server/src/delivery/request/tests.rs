//! Requests as the contracts have them, and the attempts that other tests send.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use uuid::Uuid;

use super::v1::AGENT;
use super::write::{self, Unsendable};
use crate::engine::{
    AccountName, Attempt, AttemptId, BodySource, CarriedEnvelope, CarriedRules, Envelope,
    FlowControl, GroupName, LeaseId, MessageId, QueueEnvelope, QueueName, RetryDelay, ScheduleId,
    Timestamp,
};

pub(crate) fn attempt(url: &str, headers: &[(&str, &str)]) -> Attempt {
    Attempt {
        id: AttemptId(7),
        message: MessageId(Uuid::from_u128(0x0197)),
        account: AccountName::new(AccountName::DEFAULT),
        url: Arc::from(url),
        body: BodySource::Bytes(Bytes::from_static(br#"{"order_id": 42.0}"#)),
        body_length: 18,
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        number: 2,
        published_at: Timestamp::from_millis(1_709_210_096_007),
        started_at: Timestamp::from_millis(1_709_210_097_000),
        most_answer: 4096,
        envelope: envelope(),
    }
}

pub(crate) fn envelope() -> Envelope {
    Envelope::QueueRules(QueueEnvelope {
        queue: QueueName::parse("order-events").unwrap(),
        lease: LeaseId(0xabc),
        secret: Arc::from("a signing secret"),
    })
}

pub(crate) fn carried_envelope() -> CarriedEnvelope {
    let flow_control = FlowControl {
        key: Arc::from("k"),
        parallelism: Some(5),
        rate: None,
        period: std::time::Duration::from_secs(60),
    };
    let carried = CarriedRules {
        url: Arc::from("https://a.example/hook?x=1"),
        api: None,
        group: Some((GroupName::parse("orders").unwrap(), None)),
        schedule: ScheduleId::parse("scd_1"),
        callback_of: None,
        method: crate::engine::Method::Put,
        max_retries: 2,
        retry_delay: RetryDelay::parse("1000 * (1 + retried)").ok().map(Arc::new),
        timeout: None,
        callback: None,
        failure_callback: None,
        flow_control: Some(Arc::new(flow_control)),
        labels: Arc::new([Arc::from("a"), Arc::from("b")]),
        redaction: None,
        caller_ip: Some(Arc::from("203.0.113.9")),
    };
    CarriedEnvelope {
        carried: Arc::new(carried),
        key: Arc::from("sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r"),
    }
}

fn request(attempt: &Attempt, signature: &str, body: ()) -> Result<Request<()>, Unsendable> {
    write::request(attempt, &attempt.url, signature, body)
}

#[test]
fn a_request_carries_every_header_of_the_contract() {
    let attempt = attempt(
        "http://127.0.0.1:9/hook",
        &[("X-Trace", "a"), ("x-trace", "b")],
    );
    let request = request(&attempt, "5bdc", ()).unwrap();
    let mut lines: Vec<String> = request
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    lines.sort();
    let agent = format!("user-agent: {AGENT}");
    assert_eq!(request.method(), "POST");
    assert_eq!(
        lines,
        [
            "content-type: application/json",
            "qstash-attempt: 2",
            "qstash-lease-id: lse_0000000000000abc",
            "qstash-message-id: 00000000-0000-0000-0000-000000000197",
            "qstash-published-at: 2024-02-29T12:34:56.007Z",
            "qstash-queue: order-events",
            "qstash-signature: 5bdc",
            agent.as_str(),
            "x-trace: a",
            "x-trace: b",
        ]
    );
}

#[test]
fn the_publisher_chooses_the_content_type_but_never_our_headers() {
    let published = [
        ("Content-Type", "application/cloudevents+json"),
        ("QStash-Signature", "forged"),
    ];
    let request = request(&attempt("http://a/", &published), "real", ()).unwrap();
    assert_eq!(
        request.headers()["content-type"],
        "application/cloudevents+json"
    );
    assert_eq!(request.headers()["qstash-signature"], "real");
    assert_eq!(
        request.headers().get_all("qstash-signature").iter().count(),
        1
    );
}

#[test]
fn an_empty_content_type_is_none_so_the_default_stands() {
    for empty in ["", " ", "\t "] {
        let attempt = attempt("http://a/", &[("Content-Type", empty)]);
        let request = request(&attempt, "", ()).unwrap();
        let types: Vec<_> = request.headers().get_all("content-type").iter().collect();
        assert_eq!(types, ["application/json"], "{empty:?}");
    }
}

#[test]
fn the_url_is_sent_as_it_was_given() {
    for url in [
        "http://127.0.0.1:8080/a/../b//c?x=%2f&y=",
        "https://Example.com/%7Euser/",
        "http://[::1]:9/",
    ] {
        let request = request(&attempt(url, &[]), "", ()).unwrap();
        assert_eq!(request.uri().to_string(), url);
    }
}

#[test]
fn what_is_no_http_url_is_refused() {
    for url in [
        "",
        "/hook",
        "ftp://a/",
        "http://",
        "http:///x",
        "a b",
        "http://a:99999/",
        "http://a:/",
        "mailto:a@b",
    ] {
        let refused = request(&attempt(url, &[]), "", ()).err();
        assert_eq!(refused, Some(Unsendable::Url), "{url}");
    }
}

#[test]
fn a_header_that_http_cannot_carry_is_refused() {
    for header in [("x y", "1"), ("", "1"), ("x", "a\r\nb: c"), ("x", "\0")] {
        let refused = request(&attempt("http://a/", &[header]), "", ()).err();
        assert_eq!(refused, Some(Unsendable::Header), "{header:?}");
    }
}

#[test]
fn a_message_with_its_own_rules_carries_the_headers_of_v2() {
    let mut attempt = attempt("https://a.example/hook?x=1", &[("X-Tenant", "7")]);
    attempt.envelope = Envelope::CarriedRules(carried_envelope());
    let request = request(&attempt, "eyJ", ()).unwrap();
    let mut lines: Vec<String> = request
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    lines.sort();
    assert_eq!(request.method(), "PUT");
    assert_eq!(request.uri(), "https://a.example/hook?x=1");
    assert_eq!(
        lines,
        [
            "upstash-caller-ip: 203.0.113.9",
            "upstash-flow-control-key: k",
            "upstash-flow-control-value: parallelism=5,period=60",
            "upstash-label: a,b",
            "upstash-max-retries: 2",
            "upstash-message-id: msg_1111111111111111111182",
            "upstash-region: EU-CENTRAL-1",
            "upstash-retried: 1",
            "upstash-retries: 1",
            "upstash-retry-delay: 1000 * (1 + retried)",
            "upstash-schedule-id: scd_1",
            "upstash-signature: eyJ",
            "upstash-topic-name: orders",
            "user-agent: Upstash-QStash",
            "x-tenant: 7",
        ]
    );
}

#[test]
fn a_user_in_the_url_is_a_basic_credential_unless_the_publisher_says_otherwise() {
    for (url, headers, expected) in [
        // The example of RFC 7617, section 2.
        (
            "http://Aladdin:open%20sesame@a/",
            &[][..],
            Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ),
        ("http://key@a/", &[], Some("Basic a2V5Og==")),
        ("http://u:p%zz@a/", &[], Some("Basic dTpwJXp6")),
        (
            "http://u:p@a/",
            &[("Authorization", "Bearer t")],
            Some("Bearer t"),
        ),
        ("http://a/u:p@b", &[], None),
    ] {
        let request = request(&attempt(url, headers), "", ()).unwrap();
        let found = request.headers().get("authorization");
        assert_eq!(found.map(|it| it.to_str().unwrap()), expected, "{url}");
    }
}

#[test]
fn a_routed_request_keeps_the_host_it_was_meant_for() {
    let attempt = attempt("https://u:p@App.example:8443/hook", &[]);
    let request = write::request(&attempt, "http://127.0.0.1:3000/hook", "", ()).unwrap();
    assert_eq!(request.uri(), "http://127.0.0.1:3000/hook");
    assert_eq!(request.headers()["host"], "App.example:8443");
}
