//! What the headers of an answer say of limits: which one a 429 reports, and how long the server asks to wait.

use std::time::Duration;

use http::{HeaderMap, StatusCode};

use crate::timing::Timestamp;

/// The limit that was reached when v2 answers 429.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RateLimit {
    /// The messages per day. Publishes, enqueues and items of a batch count.
    Daily(Window),
    /// The requests per second.
    Burst(Window),
    /// The limits of the hosted language models.
    Chat {
        /// The limit on requests.
        requests: ChatWindow,
        /// The limit on tokens.
        tokens: ChatWindow,
    },
}

/// How much of a limit is used up. A number that the service does not tell is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Window {
    /// How many the limit allows.
    pub limit: Option<u64>,
    /// How many are left.
    pub remaining: Option<u64>,
    /// When the service starts to count from zero again.
    pub reset: Option<Timestamp>,
}

/// How much of a language model's limit is used up. A number that the service does not tell is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChatWindow {
    /// How many the limit allows.
    pub limit: Option<u64>,
    /// How many are left.
    pub remaining: Option<u64>,
    /// When the count starts from zero again, in the words of the model's provider: no format is documented.
    pub reset: Option<String>,
}

impl RateLimit {
    /// Reads the headers of a 429 in the order of the official SDK (v2 contract, section 1.7).
    pub(crate) fn read(headers: &HeaderMap) -> Self {
        if headers.contains_key("x-ratelimit-limit-requests") {
            Self::Chat {
                requests: ChatWindow::read(headers, "requests"),
                tokens: ChatWindow::read(headers, "tokens"),
            }
        } else if headers.contains_key("ratelimit-limit") {
            Self::Daily(Window::read(headers, "ratelimit"))
        } else {
            Self::Burst(Window::read(headers, "burst-ratelimit"))
        }
    }
}

impl Window {
    fn read(headers: &HeaderMap, prefix: &str) -> Self {
        let number = |what: &str| text(headers, &format!("{prefix}-{what}"))?.parse().ok();
        Self {
            limit: number("limit"),
            remaining: number("remaining"),
            reset: reset(headers, &format!("{prefix}-reset")),
        }
    }
}

impl ChatWindow {
    fn read(headers: &HeaderMap, what: &str) -> Self {
        let get = |part: &str| text(headers, &format!("x-ratelimit-{part}-{what}"));
        Self {
            limit: get("limit").and_then(|text| text.parse().ok()),
            remaining: get("remaining").and_then(|text| text.parse().ok()),
            reset: get("reset").map(str::to_owned),
        }
    }
}

/// Returns how long the server asks to wait: `Retry-After`, or on a 429 the time until the limit that it names ends.
pub(crate) fn asked_wait(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    let after = retry_after(headers);
    if after.is_some() || status != StatusCode::TOO_MANY_REQUESTS {
        return after;
    }
    let end = reset(headers, "ratelimit-reset").or_else(|| reset(headers, "burst-ratelimit-reset"));
    Some(end?.saturating_since(date(headers)?))
}

/// Returns what `Retry-After` asks for: seconds, or the time until a date. The date is measured against the answer's
/// own `Date`, so that no clock is read and a wrong one does no harm.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers
        .get(http::header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let at = httpdate::parse_http_date(text).ok()?;
    Some(Timestamp::from(at).saturating_since(date(headers)?))
}

/// Returns when the server made the answer, by its own clock.
fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get(http::header::DATE)?.to_str().ok()?;
    httpdate::parse_http_date(text).ok().map(Timestamp::from)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// Reads Unix seconds, as documented, or milliseconds.
fn reset(headers: &HeaderMap, name: &str) -> Option<Timestamp> {
    /// The largest number that is read as seconds: the year 5138.
    const SECONDS_MAX: i64 = 100_000_000_000;
    let number: i64 = text(headers, name)?.parse().ok()?;
    let millis = if number <= SECONDS_MAX {
        number.checked_mul(1000)?
    } else {
        number
    };
    Some(Timestamp::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let lines = lines.iter().copied();
        let mut headers: HeaderMap = lines
            .map(|(name, value)| {
                (
                    http::HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        headers.insert(
            "date",
            HeaderValue::from_static("Tue, 24 Nov 2026 02:00:00 GMT"),
        );
        headers
    }

    #[test]
    fn three_kinds_are_told_apart_in_the_sdks_order() {
        let all = headers(&[
            ("x-ratelimit-limit-requests", "30"),
            ("x-ratelimit-reset-tokens", "6m0s"),
            ("ratelimit-limit", "1000"),
        ]);
        let RateLimit::Chat { requests, tokens } = RateLimit::read(&all) else {
            panic!("chat comes first");
        };
        assert_eq!(requests.limit, Some(30));
        assert_eq!(tokens.reset.as_deref(), Some("6m0s"));

        let daily = headers(&[
            ("ratelimit-limit", "1000"),
            ("ratelimit-remaining", "0"),
            ("ratelimit-reset", "1795485660"),
            ("burst-ratelimit-limit", "100"),
        ]);
        let window = Window {
            limit: Some(1000),
            remaining: Some(0),
            reset: Some(Timestamp::from_millis(1_795_485_660_000)),
        };
        assert_eq!(RateLimit::read(&daily), RateLimit::Daily(window));
        assert_eq!(
            RateLimit::read(&HeaderMap::new()),
            RateLimit::Burst(Window::default()),
            "no header at all is a burst"
        );
    }

    #[test]
    fn a_reset_is_measured_against_the_answers_date() {
        // 02:01:00 of the same day.
        let wait = |lines: &[_]| asked_wait(StatusCode::TOO_MANY_REQUESTS, &headers(lines));
        let minute = Some(Duration::from_secs(60));
        assert_eq!(wait(&[("ratelimit-reset", "1795485660")]), minute);
        assert_eq!(wait(&[("burst-ratelimit-reset", "1795485660000")]), minute);
        assert_eq!(
            wait(&[("burst-ratelimit-reset", "1")]),
            Some(Duration::ZERO)
        );
        let both = [("retry-after", "7"), ("ratelimit-reset", "1795485660")];
        assert_eq!(wait(&both), Some(Duration::from_secs(7)));
        assert_eq!(wait(&[]), None);
        let unavailable = headers(&[("ratelimit-reset", "1795485660")]);
        assert_eq!(
            asked_wait(StatusCode::SERVICE_UNAVAILABLE, &unavailable),
            None,
            "the state of a limit is no wish to wait"
        );
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let mut headers = HeaderMap::new();
        let mut read = |value: &'static str| {
            headers.insert(
                "date",
                HeaderValue::from_static("Tue, 24 Nov 2026 02:00:00 GMT"),
            );
            headers.insert("retry-after", HeaderValue::from_static(value));
            retry_after(&headers)
        };
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        assert_eq!(
            read("Tue, 24 Nov 2026 02:00:09 GMT"),
            Some(Duration::from_secs(9))
        );
        assert_eq!(read("Tue, 24 Nov 2026 01:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(read("soon"), None);
        assert_eq!(read("-1"), None);
    }
}
