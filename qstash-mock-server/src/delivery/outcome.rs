//! From an answer, or its absence, to an outcome. Pure.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{HeaderMap, RETRY_AFTER};
use http::{StatusCode, response};

use crate::engine::{Outcome, Timestamp, Verdict};

/// What the answer `head` with the beginning `body` means. `now` is the machine's time, which a
/// date in it is compared with.
pub(super) fn answered(head: &response::Parts, body: Bytes, now: Timestamp) -> Outcome {
    let verdict = verdict(head.status, &head.headers, now);
    let failed = matches!(verdict, Verdict::Failure { .. });
    Outcome {
        verdict,
        status: Some(head.status.as_u16()),
        error: failed.then(|| sentence(head.status)),
        headers: Arc::new([]),
        body,
    }
}

/// No usable answer came, and `error` says why in a sentence.
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
            retry_after: retry_after(headers, now),
        },
        _ => Verdict::Failure { retry_after: None },
    }
}

/// The wait that `Retry-After` asks for, in seconds or as an HTTP date; a date in the past is no wait.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit mean "never", and the engine has its own bound.
        let seconds = value.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let since_epoch = date.duration_since(UNIX_EPOCH).unwrap_or_default();
    Some(since_epoch.saturating_sub(Duration::from_millis(now.as_millis())))
}

fn sentence(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("answered {} {reason}", status.as_u16()),
        None => format!("answered {}", status.as_u16()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(784_111_770_500); // Sun, 06 Nov 1994 08:49:30.5 GMT

    fn outcome(status: u16, retry_after: Option<&str>) -> Outcome {
        let mut answer = http::Response::builder().status(status);
        if let Some(value) = retry_after {
            answer = answer.header("Retry-After", value);
        }
        let (head, ()) = answer.body(()).unwrap().into_parts();
        answered(&head, Bytes::from_static(b"body"), NOW)
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
}
