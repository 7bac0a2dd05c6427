//! The text forms of times and ids that API replies and deliveries have in common.

use std::io::Write;

use sha2::{Digest, Sha256};

use crate::engine::{LeaseId, MessageId, Timestamp};

/// Appends `time`, for example `2026-08-01T12:00:00.000Z`. A time after the year 9999 is written as the end of that
/// year, because RFC 3339 has no later one.
pub(crate) fn write_rfc3339(out: &mut Vec<u8>, time: Timestamp) {
    const LAST: u64 = 253_402_300_799_999;
    let millis = time.as_millis().min(LAST);
    let (days, rest) = (millis / 86_400_000, millis % 86_400_000);
    let (year, month, day) = civil_from_days(days);
    let (hour, minute) = (rest / 3_600_000, rest / 60_000 % 60);
    let (second, milli) = (rest / 1000 % 60, rest % 1000);
    let written = write!(
        out,
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z"
    );
    debug_assert!(written.is_ok(), "writing to memory cannot fail");
}

/// `time` in RFC 3339.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    let mut out = Vec::with_capacity(24);
    write_rfc3339(&mut out, time);
    out.into_iter().map(char::from).collect()
}

/// The time that `text` gives in RFC 3339; `None` for other texts and for times before 1970.
pub(crate) fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    let time: jiff::Timestamp = text.parse().ok()?;
    let millis = u64::try_from(time.as_millisecond()).ok()?;
    Some(Timestamp::from_millis(millis))
}

/// The digest that is shown instead of a redacted value (v2.md section 3.12).
pub(crate) fn redacted(value: &[u8]) -> String {
    let digest = Sha256::digest(value);
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("REDACTED:{digits}")
}

/// The prefix of every lease id.
pub(crate) const LEASE_PREFIX: &str = "lse_";

/// The text of a lease id.
pub(crate) fn lease_id(lease: LeaseId) -> String {
    format!("{LEASE_PREFIX}{:016x}", lease.0)
}

/// The prefix of every message id in v2.
const V2_PREFIX: &str = "msg_";
const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// The text of a message id in v2: `msg_` and its 128 bits in base58 (v2.md appendix B).
pub(crate) fn v2_message_id(id: MessageId) -> String {
    // Ten digits at a time, because dividing 128 bits is slow.
    const TEN_DIGITS: u128 = 58_u128.pow(10);
    let mut digits = [b'1'; 22];
    let mut rest = id.0.as_u128();
    for digits in digits.rchunks_mut(10) {
        let mut part = (rest % TEN_DIGITS) as u64;
        rest /= TEN_DIGITS;
        for digit in digits.iter_mut().rev() {
            *digit = BASE58[(part % 58) as usize];
            part /= 58;
        }
    }
    let mut spelled = String::with_capacity(V2_PREFIX.len() + digits.len());
    spelled.push_str(V2_PREFIX);
    spelled.extend(digits.map(char::from));
    spelled
}

/// Reads what [`v2_message_id`] writes; `None` for anything else.
pub(crate) fn parse_v2_message_id(text: &str) -> Option<MessageId> {
    let digits = text.strip_prefix(V2_PREFIX)?;
    let mut number = 0_u128;
    for digit in digits.bytes() {
        let value = BASE58.iter().position(|it| *it == digit)?;
        number = number.checked_mul(58)?.checked_add(value as u128)?;
    }
    let id = MessageId(uuid::Uuid::from_u128(number));
    (digits.len() == 22).then_some(id)
}

/// The `jti` of an attempt: `jwt_` and 28 base58 characters (v2.md section 4).
pub(crate) fn token_id(message: MessageId, attempt: u32) -> String {
    let mut hash = Sha256::new();
    hash.update(message.0.as_bytes());
    hash.update(attempt.to_le_bytes());
    let digits = hash.finalize();
    let digits = digits[..28]
        .iter()
        .map(|byte| char::from(BASE58[usize::from(*byte) % 58]));
    "jwt_".chars().chain(digits).collect()
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

    fn spelled(millis: u64) -> String {
        let mut out = Vec::new();
        write_rfc3339(&mut out, Timestamp::from_millis(millis));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn known_times() {
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
            assert_eq!(spelled(millis), expected);
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut before = civil_from_days(0);
        for days in 1..150_000 {
            let today = civil_from_days(days);
            let (year, month, day) = before;
            let follows = today == (year, month, day + 1)
                || (today == (year, month + 1, 1) && day >= 28)
                || (today == (year + 1, 1, 1) && (month, day) == (12, 31));
            assert!(follows, "{before:?} then {today:?}");
            before = today;
        }
    }

    #[test]
    fn a_v2_message_id_is_read_back_and_nothing_else_is() {
        for number in [
            0,
            1,
            58,
            0x0197_0000_0000_7000_8000_0000_0000_0001,
            u128::MAX,
        ] {
            let id = MessageId(uuid::Uuid::from_u128(number));
            let text = v2_message_id(id);
            assert_eq!(text.len(), 26);
            assert_eq!(parse_v2_message_id(&text), Some(id));
        }
        let too_big = format!("msg_{}", "z".repeat(22));
        for text in ["", "msg_", "msg_1", "msd_1111111111111111111111", &too_big] {
            assert_eq!(parse_v2_message_id(text), None, "{text}");
        }
    }
}
