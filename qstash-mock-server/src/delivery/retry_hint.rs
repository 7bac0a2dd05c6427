//! The wait before the retry that the headers of a failed answer ask for (v2.md section 3.3 item 3).

use std::time::{Duration, UNIX_EPOCH};

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::engine::Timestamp;

/// The headers, in the order in which they are read. The first that can be parsed counts.
const HEADERS: [HeaderName; 4] = [
    HeaderName::from_static("retry-after"),
    HeaderName::from_static("x-ratelimit-reset"),
    HeaderName::from_static("x-ratelimit-reset-requests"),
    HeaderName::from_static("x-ratelimit-reset-tokens"),
];

/// The longest wait; a longer one is ignored.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The wait that the answer asks for: whole seconds, a date or a Go duration. `now` is the server's time.
pub(super) fn asked_wait(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    HEADERS
        .iter()
        .filter_map(|name| headers.get(name))
        .find_map(|value| wait(value, now).or_else(|| go_duration(text(value)?)))
        .filter(|wait| *wait <= LONGEST)
}

/// Whole seconds or an HTTP date; a date in the past is no wait.
pub(super) fn wait(value: &HeaderValue, now: Timestamp) -> Option<Duration> {
    let value = text(value)?;
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that is too large means "never"; the engine has a bound of its own.
        let seconds = value.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let since_epoch = date.duration_since(UNIX_EPOCH).unwrap_or_default();
    Some(since_epoch.saturating_sub(Duration::from_millis(now.as_millis())))
}

/// The value as text. `to_str` accepts ASCII only, but the unit of microseconds may be spelled with a Greek letter.
fn text(value: &HeaderValue) -> Option<&str> {
    std::str::from_utf8(value.as_bytes()).ok().map(str::trim)
}

const UNITS: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// A duration in the grammar of Go's `time.ParseDuration`, such as `6m5.5s`; `None` if it is negative or overflows.
fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest.is_empty() {
        return None;
    }
    let mut nanos = 0_u128;
    while !rest.is_empty() {
        let number = rest.find(|letter: char| letter != '.' && !letter.is_ascii_digit())?;
        let (number, after) = rest.split_at(number);
        let unit = after
            .find(|letter: char| letter == '.' || letter.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        let (_, unit) = UNITS.iter().find(|(name, _)| *name == unit)?;
        nanos = nanos.checked_add(product(number, *unit)?)?;
        rest = after;
    }
    u64::try_from(nanos).ok().map(Duration::from_nanos)
}

/// A decimal number of units, cut to whole nanoseconds.
fn product(number: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let mut nanos = u128::from(whole).checked_mul(unit)?;
    let mut place = unit;
    for digit in fraction.chars() {
        place /= 10;
        nanos += place * u128::from(digit.to_digit(10)?);
    }
    Some(nanos)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(784_111_770_500); // Sun, 06 Nov 1994 08:49:30.5 GMT

    fn asked(headers: &[(&str, &str)]) -> Option<Duration> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            map.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        asked_wait(&map, NOW)
    }

    #[test]
    fn seconds_dates_and_go_durations_are_read() {
        for (value, millis) in [
            ("120", 120_000),
            ("0", 0),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 6_500),
            ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
            ("6m5s", 365_000),
            ("1h", 3_600_000),
            ("1.5s", 1500),
            (".5s", 500),
            ("5.s", 5000),
            ("250ms", 250),
            ("3\u{b5}s7us2\u{3bc}s", 0),
            ("+2s", 2000),
            ("1s1s", 2000),
            ("86400", 86_400_000),
            ("24h", 86_400_000),
        ] {
            let wait = asked(&[("Retry-After", value)]);
            assert_eq!(wait.map(|wait| wait.as_millis()), Some(millis), "{value}");
        }
        assert_eq!(
            go_duration("3\u{b5}s7us5ns"),
            Some(Duration::from_nanos(10_005))
        );
    }

    #[test]
    fn what_nobody_can_read_and_what_is_over_a_day_is_ignored() {
        for value in [
            "",
            "soon",
            "-1",
            "-1s",
            "1.5",
            "1d",
            "s",
            ".s",
            "1 s",
            "1..5s",
            "86401",
            "24h1ns",
            "99999999999999999999",
            "99999999999999999999h",
            "9999999999h",
            "Mon, 07 Nov 1994 09:49:37 GMT",
            "1\u{e4}s",
        ] {
            assert_eq!(asked(&[("Retry-After", value)]), None, "{value}");
        }
    }

    #[test]
    fn the_headers_are_looked_at_in_their_order() {
        let all = [
            ("x-ratelimit-reset-tokens", "4"),
            ("x-ratelimit-reset-requests", "3s"),
            ("x-ratelimit-reset", "2"),
            ("retry-after", "1"),
        ];
        for left in 1..=4_u64 {
            let wait = asked(&all[..5 - usize::try_from(left).unwrap()]);
            assert_eq!(wait, Some(Duration::from_secs(left)));
        }
        let wait = asked(&[("retry-after", "soon"), ("x-ratelimit-reset-tokens", "7")]);
        assert_eq!(wait, Some(Duration::from_secs(7)));
        assert_eq!(
            asked(&[("retry-after", "2000000"), ("x-ratelimit-reset", "7")]),
            None
        );
    }

    proptest! {
        #[test]
        fn no_value_at_all_is_a_danger(value in "[-+0-9.nuµmsh ]{0,40}") {
            if let Some(wait) = asked(&[("retry-after", &value)]) {
                prop_assert!(wait <= LONGEST);
            }
        }
    }
}
