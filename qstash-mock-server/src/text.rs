//! Times as text: RFC 3339 in UTC with milliseconds.

use crate::engine::Timestamp;

/// `time`, for example `2026-08-01T12:00:00.000Z`. Later than the year 9999 there is no spelling, so it stops
/// there.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    const LAST: u64 = 253_402_300_799_999;
    let millis = time.as_millis().min(LAST);
    let (year, month, day) = civil_from_days(millis / 86_400_000);
    let rest = millis % 86_400_000;
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let fields: [(usize, usize, u64); 7] = [
        (0, 4, year),
        (5, 2, month),
        (8, 2, day),
        (11, 2, rest / 3_600_000),
        (14, 2, rest / 60_000 % 60),
        (17, 2, rest / 1000 % 60),
        (20, 3, rest % 1000),
    ];
    for (start, width, mut number) in fields {
        for digit in text[start..start + width].iter_mut().rev() {
            *digit += (number % 10) as u8;
            number /= 10;
        }
    }
    text.iter().map(|byte| char::from(*byte)).collect()
}

/// Year, month and day of the day `days` after 1970-01-01, counted in 400-year eras that begin on 1 March.
const fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + (month <= 2) as u64;
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times_are_spelled_as_expected() {
        for (millis, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (1_709_210_096_007, "2024-02-29T12:34:56.007Z"),
            (1_735_689_599_999, "2024-12-31T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (u64::MAX, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(rfc3339(Timestamp::from_millis(millis)), expected);
        }
    }
}
