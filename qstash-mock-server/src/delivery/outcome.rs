//! An answer as an outcome (v1.md section 5). Pure.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};

use crate::engine::{Outcome, Timestamp, Verdict};

/// What an answer means; `now` is the machine's time, against which a date in `Retry-After` stands.
pub(super) fn of_answer(
    status: StatusCode,
    headers: &HeaderMap,
    body: Bytes,
    now: Timestamp,
) -> Outcome {
    let verdict = match status {
        StatusCode::ACCEPTED => Verdict::Accepted,
        status if status.is_success() => Verdict::Success,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Verdict::Failure {
            retry_after: retry_after(headers, now),
        },
        _ => Verdict::Failure { retry_after: None },
    };
    let failed = matches!(verdict, Verdict::Failure { .. });
    let error = failed.then(|| format!("the webhook answered {status}"));
    Outcome {
        verdict,
        status: Some(status.as_u16()),
        error,
        body,
    }
}

/// No answer came.
pub(super) fn of_failure(error: String) -> Outcome {
    let verdict = Verdict::Failure { retry_after: None };
    Outcome {
        verdict,
        status: None,
        error: Some(error),
        body: Bytes::new(),
    }
}

/// Whole seconds, or an HTTP date. Anything else is no wish at all.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date: SystemTime = httpdate::parse_http_date(text).ok()?;
    let millis = date.duration_since(UNIX_EPOCH).ok()?.as_millis();
    Some(Timestamp::from_millis(u64::try_from(millis).ok()?).since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(status: u16, retry_after: Option<&str>) -> Verdict {
        let mut headers = HeaderMap::new();
        if let Some(text) = retry_after {
            headers.insert(RETRY_AFTER, text.parse().unwrap());
        }
        // 2015-10-21 07:28:00 UTC
        let now = Timestamp::from_millis(1_445_412_480_000);
        of_answer(
            StatusCode::from_u16(status).unwrap(),
            &headers,
            Bytes::new(),
            now,
        )
        .verdict
    }

    #[test]
    fn any_2xx_but_202_is_delivered() {
        for status in [200, 201, 203, 204, 299] {
            assert_eq!(verdict(status, None), Verdict::Success, "{status}");
        }
        assert_eq!(verdict(202, None), Verdict::Accepted);
    }

    #[test]
    fn redirects_and_errors_are_failures() {
        for status in [301, 302, 307, 308, 400, 404, 410, 500, 502] {
            assert_eq!(
                verdict(status, Some("7")),
                Verdict::Failure { retry_after: None },
                "{status}"
            );
        }
    }

    #[test]
    fn retry_after_counts_on_429_and_503_in_either_spelling() {
        for status in [429, 503] {
            for (text, seconds) in [
                ("7", Some(7)),
                ("0", Some(0)),
                ("Wed, 21 Oct 2015 07:28:30 GMT", Some(30)),
                ("Wed, 21 Oct 2015 07:00:00 GMT", Some(0)),
                ("soon", None),
                ("-1", None),
                ("1.5", None),
                ("", None),
                ("99999999999999999999999", Some(u64::MAX)),
            ] {
                let retry_after = seconds.map(Duration::from_secs);
                assert_eq!(
                    verdict(status, Some(text)),
                    Verdict::Failure { retry_after },
                    "{text}"
                );
            }
        }
    }
}
