//! Durations in v2's form, which is Go's with days: `50s`, `1d10h30m`, `1.5s` (v2.md section A.1).

use std::time::Duration;

/// Why a text is not a duration, in the words of Upstash's service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DurationError {
    #[error("time: missing unit in duration {0:?}")]
    MissingUnit(String),
    #[error("time: unknown unit {unit:?} in duration {text:?}")]
    UnknownUnit { unit: String, text: String },
    #[error("time: invalid duration {0:?}")]
    Invalid(String),
    /// Go has the same words for a duration that it cannot hold.
    #[error("time: invalid duration {0:?}")]
    TooLong(String),
    #[error("time: negative duration {0:?}")]
    Negative(String),
}

/// In nanoseconds.
const UNITS: [(&str, u64); 9] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", SECOND),
    ("m", 60 * SECOND),
    ("h", 3_600 * SECOND),
    ("d", 86_400 * SECOND),
];
const SECOND: u64 = 1_000_000_000;
/// The longest duration, as in Go.
const MOST: u64 = i64::MAX as u64;

/// Reads a duration. With `days` it may use the unit `d`, which Go does not know. A duration between zero and a
/// millisecond is read as a millisecond.
pub(crate) fn parse(text: &str, days: bool) -> Result<Duration, DurationError> {
    match UNITS.split_last() {
        Some((_, units)) if !days => parse_in(units, text),
        _ => parse_in(&UNITS, text),
    }
}

/// In the order of Go's `time.ParseDuration`, so that of several mistakes the same one is told.
fn parse_in(units: &[(&str, u64)], text: &str) -> Result<Duration, DurationError> {
    let invalid = || DurationError::Invalid(text.to_owned());
    let too_long = || DurationError::TooLong(text.to_owned());
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if unsigned == "0" {
        return Ok(Duration::ZERO);
    }
    if unsigned.is_empty() {
        return Err(invalid());
    }
    let (mut rest, mut sum) = (unsigned, 0_u64);
    while !rest.is_empty() {
        let (whole, after) = split(rest, |it| it.is_ascii_digit());
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => split(after, |it| it.is_ascii_digit()),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let whole = leading(whole).ok_or_else(too_long)?;
        let (name, after) = split(after, |it| !it.is_ascii_digit() && it != '.');
        if name.is_empty() {
            return Err(DurationError::MissingUnit(text.to_owned()));
        }
        let unit = units.iter().find(|(it, _)| *it == name);
        let (_, unit) = unit.ok_or_else(|| DurationError::UnknownUnit {
            unit: name.to_owned(),
            text: text.to_owned(),
        })?;
        let part = nanos(whole, fraction, *unit).and_then(|part| sum.checked_add(part));
        sum = part.filter(|sum| *sum <= MOST).ok_or_else(too_long)?;
        rest = after;
    }
    if sum > 0 && text.starts_with('-') {
        return Err(DurationError::Negative(text.to_owned()));
    }
    let least = if sum == 0 { 0 } else { 1_000_000 };
    Ok(Duration::from_nanos(sum.max(least)))
}

/// The number in front of a fraction, which may have no digits.
fn leading(digits: &str) -> Option<u64> {
    if digits.is_empty() {
        return Some(0);
    }
    digits.parse().ok().filter(|number| *number <= MOST)
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|it| !belongs(it)).unwrap_or(text.len());
    text.split_at(end)
}

fn nanos(whole: u64, fraction: &str, unit: u64) -> Option<u64> {
    // A day has fewer nanoseconds than these digits can tell apart.
    let digits = fraction.get(..fraction.len().min(15))?;
    let share = match digits {
        "" => 0,
        digits => {
            let scale = 10_u128.pow(u32::try_from(digits.len()).ok()?);
            digits.parse::<u128>().ok()? * u128::from(unit) / scale
        }
    };
    whole
        .checked_mul(unit)?
        .checked_add(u64::try_from(share).ok()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Duration, DurationError> {
        super::parse(text, true)
    }

    #[test]
    fn the_samples_of_the_contract_and_the_rest_of_the_grammar() {
        let millis = [
            ("50s", 50_000),
            ("3m", 180_000),
            ("1h30m3s", 5_403_000),
            ("1d10h30m", 124_200_000),
            ("2d3s", 172_803_000),
            ("1.5s", 1_500),
            (".5s", 500),
            ("1.s", 1_000),
            ("500ms", 500),
            ("1500\u{b5}s", 1),
            ("1500\u{3bc}s", 1),
            ("1us", 1),
            ("1ns", 1),
            ("0.001ms", 1),
            ("1.25d", 108_000_000),
            ("0", 0),
            ("0s", 0),
            ("0.0s", 0),
            ("+1s", 1_000),
            ("007s", 7_000),
            ("90m", 5_400_000),
            ("1m1h", 3_660_000),
            ("1s1s", 2_000),
            ("0.333333333333333333333s", 333),
            ("106751d", 9_223_286_400_000),
            ("+0", 0),
            ("-0", 0),
            ("-0s", 0),
            ("-0h0.0m", 0),
        ];
        for (text, millis) in millis {
            let found = parse(text).map(|it| it.as_millis());
            assert_eq!(found, Ok(millis), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_in_gos_words() {
        for (text, error) in [
            ("60", r#"time: missing unit in duration "60""#),
            ("1.5", r#"time: missing unit in duration "1.5""#),
            ("1h5", r#"time: missing unit in duration "1h5""#),
            ("-60", r#"time: missing unit in duration "-60""#),
            ("+60", r#"time: missing unit in duration "+60""#),
            ("+00", r#"time: missing unit in duration "+00""#),
            ("-1w", r#"time: unknown unit "w" in duration "-1w""#),
            ("+-0", r#"time: invalid duration "+-0""#),
            ("-0x", r#"time: unknown unit "x" in duration "-0x""#),
            ("-106752d", r#"time: invalid duration "-106752d""#),
            (
                "99999999999999999999",
                r#"time: invalid duration "99999999999999999999""#,
            ),
            ("00", r#"time: missing unit in duration "00""#),
            ("1w", r#"time: unknown unit "w" in duration "1w""#),
            ("1S", r#"time: unknown unit "S" in duration "1S""#),
            ("1 s", r#"time: unknown unit " s" in duration "1 s""#),
            ("1e3s", r#"time: unknown unit "e" in duration "1e3s""#),
            ("", r#"time: invalid duration """#),
            ("+", r#"time: invalid duration "+""#),
            ("-", r#"time: invalid duration "-""#),
            ("s", r#"time: invalid duration "s""#),
            (".s", r#"time: invalid duration ".s""#),
            ("1.2.3s", r#"time: missing unit in duration "1.2.3s""#),
            ("--1s", r#"time: invalid duration "--1s""#),
            ("1s-1s", r#"time: unknown unit "s-" in duration "1s-1s""#),
            ("\u{661}s", "time: invalid duration \"\u{661}s\""),
            ("106752d", r#"time: invalid duration "106752d""#),
            (
                "99999999999999999999s",
                r#"time: invalid duration "99999999999999999999s""#,
            ),
            ("-1s", r#"time: negative duration "-1s""#),
        ] {
            let found = parse(text).map_err(|error| error.to_string());
            assert_eq!(found, Err(error.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn go_itself_knows_no_days() {
        assert_eq!(super::parse("1h30m", false), parse("1h30m"));
        let error = super::parse("1d", false).unwrap_err().to_string();
        assert_eq!(error, r#"time: unknown unit "d" in duration "1d""#);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(days in 0_u64..1000, hours in 0_u64..100, minutes in 0_u64..100, millis in 1_u64..1_000_000) {
            let text = format!("{days}d{hours}h{minutes}m{millis}ms");
            let expected = ((days * 24 + hours) * 60 + minutes) * 60_000 + millis;
            prop_assert_eq!(parse(&text), Ok(Duration::from_millis(expected)));
        }

        #[test]
        fn no_text_at_all_is_a_danger(text in "[-+0-9smhdun\u{b5}. ]{0,30}") {
            let _ = parse(&text);
        }
    }
}
