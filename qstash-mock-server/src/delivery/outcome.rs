//! Turning an answer, or its absence, into an outcome. Pure.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use http::{StatusCode, response};

use super::retry_hint::{asked_wait, wait};
use crate::engine::{Envelope, Headers, Outcome, Timestamp, Verdict};

/// The header that, with status 489, means that no retry will help (v2.md section 3.3).
const NON_RETRYABLE: &str = "upstash-nonretryable-error";

/// The outcome of an answer with `head` and the beginning `body`, for a message that was sent with `envelope`. A date
/// in the answer is compared with `now`, the server's time.
pub(super) fn answered(
    envelope: &Envelope,
    head: &response::Parts,
    body: Bytes,
    now: Timestamp,
) -> Outcome {
    let (verdict, headers) = match envelope {
        Envelope::QueueRules(_) => (verdict(head.status, &head.headers, now), Arc::new([]) as _),
        Envelope::CarriedRules(_) => (own_verdict(head, now), kept(&head.headers)),
    };
    let failed = matches!(verdict, Verdict::Failure { .. } | Verdict::Rejected);
    Outcome {
        verdict,
        status: Some(head.status.as_u16()),
        error: failed.then(|| sentence(head.status)),
        headers,
        body,
    }
}

/// Any 2xx is success; every other answer may ask for a wait before the retry.
fn own_verdict(head: &response::Parts, now: Timestamp) -> Verdict {
    if head.status.is_success() {
        return Verdict::Success;
    }
    let says_so = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"true");
    let final_word = head.headers.get(NON_RETRYABLE).is_some_and(says_so);
    if head.status.as_u16() == 489 && final_word {
        return Verdict::Rejected;
    }
    Verdict::Failure {
        retry_after: asked_wait(&head.headers, now),
    }
}

/// The headers of an answer that are kept, within the bounds. Names are spelled as in HTTP/1; bytes that are not
/// UTF-8 are replaced.
fn kept(headers: &HeaderMap) -> Headers {
    const MOST: usize = 100;
    const LONGEST: usize = 8 << 10;
    let line = |(name, value): (&HeaderName, &HeaderValue)| {
        let value = value.as_bytes();
        let value = String::from_utf8_lossy(&value[..value.len().min(LONGEST)]);
        (canonical(name.as_str()), value.into_owned())
    };
    headers.iter().take(MOST).map(line).collect()
}

/// `content-type` as `Content-Type`.
fn canonical(name: &str) -> String {
    let mut start = true;
    let mut letters = |letter: char| {
        let out = if start {
            letter.to_ascii_uppercase()
        } else {
            letter
        };
        start = letter == '-';
        out
    };
    name.chars().map(&mut letters).collect()
}

/// The outcome without a usable answer; `error` says why in a sentence.
pub(super) fn failed(error: impl Into<String>) -> Outcome {
    Outcome {
        verdict: Verdict::Failure { retry_after: None },
        status: None,
        error: Some(error.into()),
        headers: Arc::new([]),
        body: Bytes::new(),
    }
}

fn verdict(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Verdict {
    match status {
        StatusCode::ACCEPTED => Verdict::Accepted,
        status if status.is_success() => Verdict::Success,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Verdict::Failure {
            retry_after: headers.get(RETRY_AFTER).and_then(|value| wait(value, now)),
        },
        _ => Verdict::Failure { retry_after: None },
    }
}

fn sentence(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("answered {} {reason}", status.as_u16()),
        None => format!("answered {}", status.as_u16()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::request::tests::{carried_envelope, envelope};
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(784_111_770_500); // Sun, 06 Nov 1994 08:49:30.5 GMT

    fn outcome(status: u16, retry_after: Option<&str>) -> Outcome {
        let mut answer = http::Response::builder().status(status);
        if let Some(value) = retry_after {
            answer = answer.header("Retry-After", value);
        }
        let (head, ()) = answer.body(()).unwrap().into_parts();
        answered(&envelope(), &head, Bytes::from_static(b"body"), NOW)
    }

    fn wait(status: u16, value: &str) -> Option<Duration> {
        match outcome(status, Some(value)).verdict {
            Verdict::Failure { retry_after } => retry_after,
            verdict => panic!("{verdict:?}"),
        }
    }

    #[test]
    fn every_2xx_but_202_is_success() {
        for status in [200, 201, 203, 204, 226, 299] {
            let outcome = outcome(status, None);
            assert_eq!(outcome.verdict, Verdict::Success);
            assert_eq!((outcome.status, outcome.error), (Some(status), None));
            assert_eq!(outcome.body, "body");
        }
        assert_eq!(outcome(202, Some("7")).verdict, Verdict::Accepted);
    }

    #[test]
    fn any_other_status_is_a_failure_told_in_a_sentence() {
        for (status, sentence) in [
            (301, "answered 301 Moved Permanently"),
            (404, "answered 404 Not Found"),
            (500, "answered 500 Internal Server Error"),
            (503, "answered 503 Service Unavailable"),
            (599, "answered 599"),
        ] {
            let outcome = outcome(status, None);
            assert_eq!(outcome.verdict, Verdict::Failure { retry_after: None });
            assert_eq!(outcome.error.as_deref(), Some(sentence));
        }
    }

    #[test]
    fn retry_after_counts_for_429_and_503_alone() {
        for status in [429, 503] {
            assert_eq!(wait(status, "120"), Some(Duration::from_secs(120)));
        }
        for status in [301, 408, 500, 502, 504] {
            assert_eq!(wait(status, "120"), None);
        }
    }

    #[test]
    fn retry_after_may_be_a_date_and_a_past_one_is_no_wait() {
        let wait = |value| wait(503, value);
        let soon = Some(Duration::from_millis(6_500));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), soon);
        assert_eq!(wait("Sunday, 06-Nov-94 08:49:37 GMT"), soon);
        assert_eq!(wait("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
    }

    #[test]
    fn a_retry_after_nobody_can_read_is_none() {
        for value in [
            "",
            "soon",
            "-1",
            "1.5",
            "Sun, 99 Nov 1994 08:49:37 GMT",
            "1 2",
        ] {
            assert_eq!(wait(503, value), None, "{value}");
        }
        let absurd = Duration::from_secs(u64::MAX);
        assert_eq!(wait(503, "99999999999999999999999"), Some(absurd));
    }

    fn carried(status: u16, headers: &[(&str, &str)]) -> Outcome {
        let mut answer = http::Response::builder().status(status);
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        let (head, ()) = answer.body(()).unwrap().into_parts();
        let envelope = Envelope::CarriedRules(carried_envelope());
        answered(&envelope, &head, Bytes::from_static(b"body"), NOW)
    }

    #[test]
    fn for_a_message_with_its_own_rules_202_is_success_and_any_failure_may_ask_for_a_wait() {
        assert_eq!(carried(202, &[]).verdict, Verdict::Success);
        for status in [301, 404, 500, 503] {
            let asked = carried(status, &[("X-RateLimit-Reset", "6m5s")]);
            let retry_after = Some(Duration::from_secs(365));
            assert_eq!(asked.verdict, Verdict::Failure { retry_after });
        }
    }

    #[test]
    fn only_489_together_with_its_header_is_the_final_word() {
        let header = ("Upstash-NonRetryable-Error", "true");
        assert_eq!(carried(489, &[header]).verdict, Verdict::Rejected);
        let retried = Verdict::Failure { retry_after: None };
        assert_eq!(carried(489, &[]).verdict, retried);
        assert_eq!(carried(500, &[header]).verdict, retried);
    }

    #[test]
    fn the_headers_of_the_answer_are_kept_with_their_names_in_canonical_case() {
        let outcome = carried(500, &[("x-request-id", "a"), ("x-request-id", "b, c")]);
        let kept: Vec<_> = outcome.headers.iter().map(|(n, v)| (&**n, &**v)).collect();
        assert_eq!(kept, [("X-Request-Id", "a"), ("X-Request-Id", "b, c")]);
    }
}
