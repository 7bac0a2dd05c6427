//! Cron expressions: five fields, perhaps behind `CRON_TZ=<IANA zone> ` (v2.md section 3.9).
//!
//! The crate croner parses the fields and finds the next match on the wall clock. This file decides what happens
//! where clocks are put forward or back, as vixie-cron does:
//!
//! - If the minute or the hour field begins with `*`, the expression runs in real time: at every instant whose
//!   wall clock matches. Wall-clock times that are skipped in spring do not happen; those that come twice in
//!   autumn happen twice. So `*/5 * * * *` is five minutes apart, always.
//! - Else it names times of the day, and each happens once: in the first of two passes in autumn, and right
//!   after the gap if it lies in one. Several that lie in one gap make one run.
//!
//! If both the day of month and the day of week are restricted, a day matches if one of them does. `*` alone is
//! unrestricted, `*/2` is not. The time zones are compiled in; nothing is read from the system.

use std::fmt;
use std::sync::{Arc, LazyLock};

use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};

use crate::engine::model::time::Timestamp;

/// A parsed cron expression. Two are equal if their texts are.
#[derive(Clone)]
pub struct Cron {
    text: Arc<str>,
    pattern: Arc<croner::Cron>,
    zone: TimeZone,
    in_real_time: bool,
}

/// Why a text is not a cron expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// The text is longer than [`Cron::MAX_BYTES`].
    #[error("the cron expression is longer than {} bytes", Cron::MAX_BYTES)]
    TooLong,
    /// The text has more or fewer than five fields.
    #[error(
        "the cron expression has {0} fields, not the five `minute hour day-of-month month day-of-week`"
    )]
    Fields(usize),
    /// `CRON_TZ=` does not name an IANA time zone.
    #[error("`{0}` is not a time zone that is known")]
    UnknownZone(String),
    /// A field is malformed.
    #[error("`{text}` is not a good {field} of a cron expression")]
    Field {
        /// The field's name.
        field: &'static str,
        /// The field's text.
        text: String,
    },
}

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

const ZONE_PREFIX: &str = "CRON_TZ=";

/// The nicknames of cron and the expressions that they stand for.
const NICKNAMES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

const FIELDS: [(&str, &[&str]); 5] = [
    ("minute", &[]),
    ("hour", &[]),
    ("day-of-month", &[]),
    (
        "month",
        &[
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ],
    ),
    (
        "day-of-week",
        &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    ),
];

impl Cron {
    /// The most bytes of an expression. An expression that lists every value of every field is shorter.
    pub const MAX_BYTES: usize = 1024;

    /// Parses `text`, and keeps it without the blanks around it for [`Self::as_str`].
    ///
    /// # Errors
    /// `text` is longer than [`Self::MAX_BYTES`], does not have five fields, has a malformed one or names an unknown
    /// time zone. A date that never comes, such as 31 February, is not an error: see [`Self::next_after`].
    pub fn parse(text: &str) -> Result<Self, CronError> {
        let text = text.trim();
        if text.len() > Self::MAX_BYTES {
            return Err(CronError::TooLong);
        }
        let (zone, fields) = match text.strip_prefix(ZONE_PREFIX) {
            None => (TimeZone::UTC, text),
            Some(rest) => {
                let (name, fields) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                let unknown = |_| CronError::UnknownZone(name.to_owned());
                (ZONES.get(name).map_err(unknown)?, fields.trim())
            }
        };
        let nickname = NICKNAMES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(fields));
        let fields = nickname.map_or(fields, |(_, meaning)| meaning);
        let pattern = pattern(fields)?;
        let mut starred = fields
            .split_whitespace()
            .map(|field| field.starts_with('*'));
        let in_real_time = starred.next() == Some(true) || starred.next() == Some(true);
        Ok(Self {
            text: text.into(),
            pattern: Arc::new(pattern),
            zone,
            in_real_time,
        })
    }

    /// The expression as its author wrote it, without the blanks around it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first time after `time` that the expression names; `None` if there is none. It is a whole minute of the
    /// wall clock, or the end of a gap in it.
    #[must_use]
    pub fn next_after(&self, time: Timestamp) -> Option<Timestamp> {
        let time = jiff::Timestamp::from_millisecond(i64::try_from(time.as_millis()).ok()?).ok()?;
        let next = if self.in_real_time {
            self.next_in_real_time(time)
        } else {
            self.next_time_of_day(time)
        }?;
        // Rounds up: an instant with a fraction of a millisecond does not exist in any zone.
        u64::try_from(next.as_millisecond())
            .ok()
            .map(Timestamp::from_millis)
    }

    /// Goes from one change of the clocks to the next; between two of them, the wall clock runs like time does.
    fn next_in_real_time(&self, after: jiff::Timestamp) -> Option<jiff::Timestamp> {
        let (mut from, mut inclusive) = (after, false);
        // Two changes a year, and 29 February is at most eight years away.
        for _ in 0..64 {
            let offset = self.zone.to_offset(from);
            let found = self.next_on_wall_clock(offset.to_datetime(from), inclusive)?;
            let found = offset.to_timestamp(found).ok()?;
            match self.zone.following(from).next() {
                Some(change) if change.timestamp() <= found => {
                    (from, inclusive) = (change.timestamp(), true);
                }
                _ => return Some(found),
            }
        }
        None
    }

    fn next_time_of_day(&self, after: jiff::Timestamp) -> Option<jiff::Timestamp> {
        let mut wall_clock = self.zone.to_datetime(after);
        // What is skipped lies in the second pass of an autumn or in one gap.
        for _ in 0..2 * 24 * 60 {
            wall_clock = self.next_on_wall_clock(wall_clock, false)?;
            let found = self.instant(wall_clock)?;
            if found > after {
                return Some(found);
            }
        }
        None
    }

    /// When `wall_clock` is shown first; if it is skipped, the end of the gap.
    fn instant(&self, wall_clock: DateTime) -> Option<jiff::Timestamp> {
        let ambiguous = self.zone.to_ambiguous_timestamp(wall_clock);
        match ambiguous.offset() {
            AmbiguousOffset::Gap { after, .. } => {
                // Read with the later offset, a time in the gap lies before the gap.
                let before_gap = after.to_timestamp(wall_clock).ok()?;
                let change = self.zone.following(before_gap).next()?;
                Some(change.timestamp())
            }
            _ => ambiguous.earlier().ok(),
        }
    }

    /// The next match after `wall_clock`, or from it on, as if clocks never changed.
    fn next_on_wall_clock(&self, wall_clock: DateTime, inclusive: bool) -> Option<DateTime> {
        self.pattern
            .find_next_occurrence(&wall_clock, inclusive)
            .ok()
    }
}

/// Refuses what croner accepts beyond the five classic fields (`L`, `W`, `#`, `?`, `+`, names in the wrong field), so
/// that an expression that works here works elsewhere, too.
fn pattern(fields: &str) -> Result<croner::Cron, CronError> {
    let given: Vec<&str> = fields.split_whitespace().collect();
    if given.len() != FIELDS.len() {
        return Err(CronError::Fields(given.len()));
    }
    let parser = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        // `5/15`, for `5-59/15`.
        .sloppy_ranges(true)
        .build();
    // Each field by itself first, so that an error can name it.
    for (index, (text, (field, names))) in given.iter().zip(FIELDS).enumerate() {
        let mut alone = ["*"; FIELDS.len()];
        alone[index] = text;
        if !is_well_formed(text, names) || parser.parse(&alone.join(" ")).is_err() {
            let text = (*text).to_owned();
            return Err(CronError::Field { field, text });
        }
    }
    parser
        .parse(&given.join(" "))
        .map_err(|_| CronError::Fields(given.len()))
}

/// Whether a field is a list of `*`, values and ranges, each with an optional step. Croner checks that values are in
/// range.
fn is_well_formed(field: &str, names: &[&str]) -> bool {
    let is_number = |text: &str| {
        (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_value =
        |text: &str| is_number(text) || names.iter().any(|name| name.eq_ignore_ascii_case(text));
    field.split(',').all(|item| {
        let (range, step) = item.split_once('/').unwrap_or((item, "1"));
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        is_number(step) && (range == "*" || (is_value(first) && is_value(last)))
    })
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Cron {}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cron({:?})", self.text)
    }
}

#[cfg(test)]
mod tests;
