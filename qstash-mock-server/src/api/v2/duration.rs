//! Durations in v2's form: `50s`, `1d10h30m` (v2.md section A.1).

use std::time::Duration;

/// Why a text is not a duration: the rest of a sentence that begins with the header's name.
pub(super) const EXPECTED: &str = "must be a duration such as `50s` or `1d10h30m`";

const UNITS: [(u8, u64); 4] = [(b'd', 86_400), (b'h', 3600), (b'm', 60), (b's', 1)];

/// The seconds of a text of whole numbers, each with a unit, from the largest unit to the smallest. A bare number is
/// in seconds. `None` for any other text, or if the result is too large.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let mut seconds = 0_u64;
    let mut units = &UNITS[..];
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().position(|byte| !byte.is_ascii_digit());
        let (number, after) = rest.split_at(digits.unwrap_or(rest.len()));
        let number: u64 = number.parse().ok()?;
        let Some(unit) = after.bytes().next() else {
            // Only a text without units may end in digits.
            return (rest == text).then(|| Duration::from_secs(number));
        };
        let index = units.iter().position(|(name, _)| *name == unit)?;
        seconds = seconds.checked_add(number.checked_mul(units[index].1)?)?;
        units = &units[index + 1..];
        rest = &after[1..];
    }
    (!text.is_empty()).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_samples_of_the_contract() {
        for (text, seconds) in [
            ("50s", 50),
            ("3m", 180),
            ("1h30m3s", 5403),
            ("1d10h30m", 124_200),
            ("1d1h30m", 91_800),
            ("2d3s", 172_803),
            ("0s", 0),
            ("7", 7),
            ("007s", 7),
            ("90m", 5400),
        ] {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            " ",
            "s",
            "1.5s",
            "-1s",
            "+1s",
            "1 s",
            "1s ",
            "1m1h",
            "1s1s",
            "1h5",
            "5ms",
            "1w",
            "1S",
            "1e3s",
            "\u{661}s",
            "99999999999999999999s",
            "9999999999999999d",
            "18446744073709551615s1s",
            "18446744073709551615m",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(days in 0_u64..1000, hours in 0_u64..100, minutes in 0_u64..100, seconds in 0_u64..100) {
            let text = format!("{days}d{hours}h{minutes}m{seconds}s");
            let expected = ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
            prop_assert_eq!(parse(&text), Some(Duration::from_secs(expected)));
        }

        #[test]
        fn no_text_at_all_is_a_danger(text in "[0-9smhd. ]{0,30}") {
            let _ = parse(&text);
        }
    }
}
