//! Durations in headers (v2.md section A.1).

use std::time::Duration;

use crate::engine::duration::{self, DurationError};

/// Reads a duration in which each number has a unit.
pub(super) fn parse(text: &str) -> Result<Duration, DurationError> {
    duration::parse(text, true)
}

/// Reads a duration in which a bare whole number means seconds.
pub(super) fn parse_or_seconds(text: &str) -> Result<Duration, DurationError> {
    let digits = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    if digits {
        return parse(&format!("{text}s")).map_err(|_| DurationError::Invalid(text.to_owned()));
    }
    parse(text)
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
