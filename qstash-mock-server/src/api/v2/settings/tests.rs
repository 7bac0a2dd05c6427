use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::engine::{self, Headers, Method, PartialOptions};

pub(super) fn lines(pairs: &[(&str, &str)]) -> Lines {
    let mut headers = http::HeaderMap::new();
    for (name, value) in pairs {
        let name: http::HeaderName = name.parse().unwrap();
        headers.append(
            name,
            http::HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    Lines::of_request(&headers).unwrap()
}

pub(super) fn read(pairs: &[(&str, &str)], kind: RequestKind) -> Result<Settings, String> {
    Settings::read(&lines(pairs), kind).map_err(|error| error.parts().1.to_owned())
}

fn good(pairs: &[(&str, &str)]) -> PartialSettings {
    read(pairs, RequestKind::Message).unwrap().given
}

/// With nothing left to be said.
fn complete(pairs: &[(&str, &str)], kind: RequestKind) -> Result<engine::Settings, String> {
    let given = read(pairs, kind)?.given;
    given.complete().map_err(sentence)
}

fn sentence(fault: engine::SettingsFault) -> String {
    Refusal::from(fault).into_sentence()
}

pub(super) fn shown(headers: &[GivenHeader]) -> Vec<String> {
    let value = |value: &GivenValue| match value {
        GivenValue::Text(text) => text.clone(),
        GivenValue::NoText => "no text".to_owned(),
    };
    let line = |it: &GivenHeader| format!("{}={}", it.name, value(&it.value));
    headers.iter().map(line).collect()
}

fn texts(labels: &[std::sync::Arc<str>]) -> Vec<&str> {
    labels.iter().map(|label| &**label).collect()
}

#[test]
fn every_header_of_a_message_is_read() {
    let settings = good(&[
        ("content-type", "text/plain"),
        ("UPSTASH-METHOD", "put"),
        ("Upstash-Retries", " 2 "),
        ("Upstash-Retry-Delay", "1000 * retried"),
        ("Upstash-Delay", "1m"),
        ("Upstash-Not-Before", "1700000000"),
        ("Upstash-Timeout", "30"),
        ("Upstash-Deduplication-Id", "an id"),
        ("Upstash-Content-Based-Deduplication", "True"),
        ("Upstash-Callback", "https://cb/x"),
        ("Upstash-Failure-Callback", "http://fcb"),
        ("Upstash-Flow-Control-Key", "k/1"),
        ("Upstash-Flow-Control-Value", "rate=3"),
        ("Upstash-Label", "a, b,a"),
        ("Upstash-Redact-Fields", "body"),
        ("Upstash-Telemetry-Sdk", "x"),
        ("Upstash-Feature-Set", "y"),
        ("Accept", "z"),
    ]);
    let message = &settings.message;
    assert_eq!(message.method, Some(Method::Put));
    assert_eq!(message.max_retries, Some(2));
    assert_eq!(
        message.retry_delay.as_ref().unwrap().as_str(),
        "1000 * retried"
    );
    assert_eq!(message.delay, Some(Duration::from_secs(60)));
    assert_eq!(message.timeout, Some(Duration::from_secs(30)));
    assert_eq!(message.flow_key.as_deref(), Some("k/1"));
    assert_eq!(message.flow_limits.unwrap().rate, Some(3));
    assert!(message.forward.is_empty());
    assert_eq!(settings.content_type, Some(b"text/plain"[..].into()));
    assert_eq!(settings.not_before.unwrap().as_secs(), 1_700_000_000);
    assert_eq!(settings.deduplication_id.as_deref(), Some("an id"));
    assert_eq!(settings.deduplicate_by_content, Some(true));
    assert_eq!(settings.forward_incoming, None);
    assert!(settings.redaction.body && settings.incoming.is_empty());
    assert_eq!(settings.callback.url.as_deref(), Some("https://cb/x"));
    assert_eq!(settings.failure_callback.url.as_deref(), Some("http://fcb"));
    assert_eq!(texts(&settings.labels), ["a", "b"]);
}

#[test]
fn every_header_of_a_schedule_is_read() {
    let pairs = [
        ("Upstash-Cron", " CRON_TZ=Europe/Berlin 0 4 * * * "),
        ("Upstash-Schedule-Id", "nightly"),
        ("Upstash-Queue-Name", "q"),
    ];
    let settings = read(&pairs, RequestKind::Schedule).unwrap();
    assert_eq!(
        settings.cron.unwrap().as_str(),
        "CRON_TZ=Europe/Berlin 0 4 * * *"
    );
    assert_eq!(settings.schedule_id.as_deref(), Some("nightly"));
    assert_eq!(settings.queue.unwrap().as_str(), "q");
}

#[test]
fn options_of_callbacks_have_a_prefix() {
    let settings = good(&[
        ("Upstash-Callback-Method", "GET"),
        ("Upstash-Callback-Forward-Authorization", "Bearer x"),
        ("Upstash-Callback-Delay", "5s"),
        ("Upstash-Failure-Callback-Retries", "7"),
        ("Upstash-Failure-Callback-Retry-Delay", "10"),
        ("Upstash-Failure-Callback-Timeout", "9s"),
        ("Upstash-Failure-Callback-Flow-Control-Key", "k"),
        (
            "Upstash-Failure-Callback-Flow-Control-Value",
            "parallelism=1",
        ),
        ("Upstash-Callback-X", "means nothing"),
    ]);
    let callback = settings.callback.options;
    assert_eq!(callback.method, Some(Method::Get));
    assert_eq!(callback.delay, Some(Duration::from_secs(5)));
    assert_eq!(shown(&callback.forward), ["Authorization=Bearer x"]);
    let failure = settings.failure_callback.options;
    assert_eq!(failure.max_retries, Some(7));
    assert_eq!(failure.timeout, Some(Duration::from_secs(9)));
    assert_eq!(failure.flow_key.as_deref(), Some("k"));
    assert_eq!(settings.message, PartialOptions::default());
}

#[test]
fn forwarded_headers_keep_their_lines_and_their_bytes() {
    let settings = good(&[
        ("Upstash-Forward-X", "a, b"),
        ("Upstash-Forward-X", "c"),
        ("Upstash-Forward-Upstash-Workflow-Id", "w"),
        ("Upstash-Forward-X", "a, b"),
        ("Upstash-Forward-Host", "left out"),
        ("Upstash-Forward-Umlaut", "\u{e4}"),
    ]);
    assert_eq!(
        shown(&settings.message.forward),
        [
            "X=a, b",
            "X=c",
            "X=a, b",
            "Upstash-Workflow-Id=w",
            "Umlaut=\u{e4}"
        ]
    );
}

/// v2.md section 2.16: what arrives is the request's own content type, and none if there was none.
#[test]
fn a_forwarded_content_type_is_ignored() {
    let plain = ("Content-Type", "text/plain");
    let forwarded = ("Upstash-Forward-Content-Type", "application/json");
    let given = |pairs: &[_], kind| complete(pairs, kind).unwrap().headers.unwrap();
    let own: Headers = [("Content-Type".into(), "text/plain".into())].into();
    for pairs in [[plain, forwarded], [forwarded, plain]] {
        assert_eq!(given(&pairs, RequestKind::Message), own);
        // A client library adds the plain one for its own request.
        assert_eq!(given(&pairs, RequestKind::Retry), [].into());
    }
    assert_eq!(given(&[forwarded], RequestKind::Message), [].into());
}

#[test]
fn a_time_in_milliseconds_is_refused_as_such() {
    let not_before = |text| complete(&[("Upstash-Not-Before", text)], RequestKind::Message);
    let error = not_before("1767225600000").unwrap_err();
    assert!(error.contains("seems to be in milliseconds"), "{error}");
    assert!(not_before("253402300800").is_err());
    for seconds in ["1767225600", "253402300799", "0"] {
        assert!(not_before(seconds).is_ok(), "{seconds}");
    }
}

#[test]
fn an_empty_content_type_is_none() {
    for empty in ["", " "] {
        let settings = complete(&[("Content-Type", empty)], RequestKind::Message);
        assert_eq!(settings.unwrap().headers.unwrap(), [].into());
    }
}

#[test]
fn a_callback_is_json_whatever_content_type_is_forwarded() {
    let pairs = [
        ("Upstash-Callback", "https://example.com"),
        ("Upstash-Callback-Forward-Content-Type", "text/plain"),
    ];
    let settings = complete(&pairs, RequestKind::Message).unwrap();
    let callback = settings.callback.unwrap();
    let json: Headers = [("Content-Type".into(), "application/json".into())].into();
    assert_eq!(callback.headers, json);
}

#[test]
fn durations_are_refused_in_the_words_of_the_service() {
    for (name, value, error) in [
        (
            "Upstash-Delay",
            "60",
            r#"invalid Upstash-Delay header: time: missing unit in duration "60""#,
        ),
        (
            "Upstash-Delay",
            "1w",
            r#"invalid Upstash-Delay header: time: unknown unit "w" in duration "1w""#,
        ),
        (
            "Upstash-Timeout",
            "soon",
            r#"invalid Upstash-Timeout header: time: invalid duration "soon""#,
        ),
        (
            "Upstash-Callback-Delay",
            "",
            r#"invalid Upstash-Callback-Delay header: time: invalid duration """#,
        ),
    ] {
        for kind in [
            RequestKind::Message,
            RequestKind::Schedule,
            RequestKind::Retry,
        ] {
            assert_eq!(read(&[(name, value)], kind), Err(error.to_owned()));
        }
    }
}

#[test]
fn a_bare_number_is_in_seconds_for_timeouts_and_callbacks() {
    let pairs = [
        ("Upstash-Timeout", "60"),
        ("Upstash-Delay", "1.5s"),
        ("Upstash-Callback", "https://example.com"),
        ("Upstash-Callback-Delay", "7"),
        ("Upstash-Callback-Timeout", "8"),
    ];
    let settings = complete(&pairs, RequestKind::Message).unwrap();
    let seconds = Duration::from_secs;
    assert_eq!(settings.timeout, Some(seconds(60)));
    assert_eq!(settings.delay, Some(Duration::from_millis(1_500)));
    let callback = settings.callback.unwrap();
    assert_eq!(
        (callback.delay, callback.timeout),
        (seconds(7), Some(seconds(8)))
    );
}

#[test]
fn headers_of_a_workflow_are_refused_by_name_and_those_that_are_forwarded_are_not() {
    for kind in [
        RequestKind::Message,
        RequestKind::Schedule,
        RequestKind::Retry,
        RequestKind::Group,
    ] {
        let headers = lines(&[("Upstash-Workflow-RunId", "wfr_1")]);
        let refusal = Settings::read(&headers, kind).unwrap_err();
        assert_eq!(refusal.parts().0, http::StatusCode::NOT_IMPLEMENTED);
        let sentence = refusal.parts().1;
        assert!(sentence.contains("`Upstash-Workflow-Runid`"), "{sentence}");
    }
    let forwarded = ("Upstash-Forward-Upstash-Workflow-RunId", "wfr_1");
    assert!(read(&[forwarded], RequestKind::Message).is_ok());
}

#[test]
fn what_is_malformed_is_refused_by_name() {
    for (name, value, part) in [
        ("Upstash-Method", "HEAD", "must be GET, POST"),
        ("Upstash-Forward-", "x", "must name a header"),
        ("Upstash-Callback-Forward-", "x", "must name a header"),
        ("Upstash-Retries", "-1", "must be a whole number"),
        ("Upstash-Retries", "1.0", "must be a whole number"),
        ("Upstash-Retries", "", "must be a whole number"),
        ("Upstash-Retries", "4294967296", "must be a whole number"),
        ("Upstash-Retry-Delay", "1 +", "ends too early"),
        ("Upstash-Not-Before", "1.5", "whole seconds since 1970"),
        (
            "Upstash-Not-Before",
            "99999999999999999999",
            "whole seconds since 1970",
        ),
        ("Upstash-Timeout", "0s", "more than 0s"),
        (
            "Upstash-Deduplication-Id",
            "a:b",
            "DeduplicationId cannot contain ':'",
        ),
        ("Upstash-Deduplication-Id", "", "1 to 256 bytes"),
        (
            "Upstash-Content-Based-Deduplication",
            "yes",
            "`true` or `false`",
        ),
        ("Upstash-Header-Forward", "1", "`true` or `false`"),
        ("Upstash-Callback", "example.com", "invalid scheme"),
        ("Upstash-Failure-Callback", "https://", "is not a URL"),
        ("Upstash-Callback-Retries", "x", "must be a whole number"),
        ("Upstash-Flow-Control-Value", "", "must be a list"),
        ("Upstash-Label", "a,,b", "1 to 256 bytes"),
        ("Upstash-Redact-Fields", "url", "not `url`"),
        ("Upstash-Cron", "* * * * *", "is for schedules"),
        ("Upstash-Schedule-Id", "x", "is for schedules"),
        ("Upstash-Queue-Name", "x", "is for schedules"),
    ] {
        let error = read(&[(name, value)], RequestKind::Message).unwrap_err();
        assert!(
            error.starts_with(&format!("`{name}` ")) && error.contains(part),
            "{name}: {error}"
        );
    }
    for (name, value, part) in [
        ("Upstash-Cron", "* * * *", "has 4 fields"),
        (
            "Upstash-Cron",
            "CRON_TZ=Mars * * * * *",
            "`Mars` is not a time zone",
        ),
        ("Upstash-Schedule-Id", "a/b", "letters, digits"),
        ("Upstash-Queue-Name", "", "letters, digits"),
        ("Upstash-Not-Before", "1", "cannot be set for a schedule"),
    ] {
        let error = read(&[(name, value)], RequestKind::Schedule).unwrap_err();
        assert!(
            error.starts_with(&format!("`{name}` ")) && error.contains(part),
            "{name}: {error}"
        );
    }
}

#[test]
fn bytes_that_are_no_text_are_refused_by_name() {
    let mut headers = http::HeaderMap::new();
    headers.append(
        "upstash-label",
        http::HeaderValue::from_bytes(b"\xff").unwrap(),
    );
    let error =
        Settings::read(&Lines::of_request(&headers).unwrap(), RequestKind::Message).unwrap_err();
    assert_eq!(error.parts(), (400, "`Upstash-Label` must be UTF-8 text"));
}

#[test]
fn the_parts_of_a_flow_control_belong_together() {
    for prefix in ["", "Callback-", "Failure-Callback-"] {
        let header = |name: &str| format!("Upstash-{prefix}Flow-Control-{name}");
        let (key, value) = (header("Key"), header("Value"));
        let error = complete(&[(&key, "k")], RequestKind::Message).unwrap_err();
        assert_eq!(error, format!("`{key}` needs `{value}` beside it"));
        let error = complete(&[(&value, "rate=1")], RequestKind::Message).unwrap_err();
        assert_eq!(error, format!("`{value}` needs `{key}` beside it"));
    }
}

#[test]
fn a_setting_that_is_given_twice_is_refused_unless_it_says_the_same_or_is_a_list() {
    let twice = |name, one, other| {
        let settings = read(&[(name, one), (name, other)], RequestKind::Message);
        settings.map(|it| it.given)
    };
    assert_eq!(
        twice("Upstash-Retries", "1", "2").unwrap_err(),
        "`Upstash-Retries` must not be given twice"
    );
    assert_eq!(
        twice("Upstash-Retries", "1", "1")
            .unwrap()
            .message
            .max_retries,
        Some(1)
    );
    let labels = twice("Upstash-Label", "a", "b").unwrap().labels;
    assert_eq!(texts(&labels), ["a", "b"]);
    let redaction = twice("Upstash-Redact-Fields", "body", "header")
        .unwrap()
        .redaction;
    assert!(redaction.body && redaction.all_headers);
}

#[test]
fn lists_and_names_may_be_as_long_as_their_bound_and_no_longer() {
    let labels = |count: usize| {
        let text: Vec<String> = (0..count).map(|label| label.to_string()).collect();
        read(&[("Upstash-Label", &text.join(","))], RequestKind::Message).is_ok()
    };
    assert!(labels(64) && !labels(65));
    let key = |length: usize| {
        let key = "k".repeat(length);
        let pairs = [
            ("Upstash-Flow-Control-Key", key.as_str()),
            ("Upstash-Flow-Control-Value", "rate=1"),
        ];
        read(&pairs, RequestKind::Message).is_ok()
    };
    assert!(key(256) && !key(257));
}

proptest! {
    #[test]
    fn no_header_at_all_is_a_danger(
        name in prop::sample::select(vec![
            "upstash-method", "upstash-retries", "upstash-retry-delay", "upstash-delay", "upstash-not-before",
            "upstash-timeout", "upstash-callback", "upstash-failure-callback-flow-control-value", "upstash-label",
            "upstash-redact-fields", "upstash-cron", "upstash-schedule-id", "upstash-forward-x", "upstash-callback-",
            "upstash-", "upstash-forward-", "content-type", "upstash-header-forward",
        ]),
        value in prop::collection::vec(prop_oneof![32_u8..127, 128_u8..=255], 0..60),
    ) {
        let mut headers = http::HeaderMap::new();
        headers.append(name, http::HeaderValue::from_bytes(&value).unwrap());
        let lines = Lines::of_request(&headers).unwrap();
        for kind in [RequestKind::Message, RequestKind::Schedule, RequestKind::Retry, RequestKind::Group] {
            let complete = |settings: Settings| Ok(settings.given.complete()?);
            if let Err(error) = Settings::read(&lines, kind).and_then(complete) {
                prop_assert_eq!(error.parts().0, 400);
                let stated = error.parts().1.to_ascii_lowercase();
                prop_assert!(stated.contains(name), "{}", stated);
            }
        }
    }
}
