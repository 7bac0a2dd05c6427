//! Durations in headers (v2.md section A.1).

use std::time::Duration;

use super::notices;
use crate::engine::duration::{self, DurationError};

/// Reads a duration in which each number has a unit.
pub(super) fn parse(text: &str) -> Result<Duration, DurationError> {
    duration::parse(text, true)
}

/// Reads a duration in which a bare whole number means seconds.
pub(super) fn parse_or_seconds(text: &str) -> Result<Duration, DurationError> {
    if is_bare(text) {
        return parse(&format!("{text}s")).map_err(|_| DurationError::TooLong(text.to_owned()));
    }
    parse(text)
}

/// The same, for a value of `header` in which Upstash's service may refuse a bare number. The log warns of one.
pub(super) fn parse_or_warn(header: &str, text: &str) -> Result<Duration, DurationError> {
    let duration = parse_or_seconds(text)?;
    // 0 needs no unit anywhere.
    if is_bare(text) && text != "0" {
        notices::without_unit(header);
    }
    Ok(duration)
}

fn is_bare(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_number_is_in_seconds_only_where_that_is_asked_for() {
        assert_eq!(parse_or_seconds("60"), Ok(Duration::from_secs(60)));
        assert_eq!(parse_or_seconds("1.5s"), parse("1.5s"));
        for text in ["", "1.5", "-1", "+1", "99999999999999999999"] {
            assert!(parse_or_seconds(text).is_err(), "{text:?}");
        }
    }
}
