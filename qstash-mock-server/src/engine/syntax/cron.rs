//! Cron expressions: five fields or `@every <duration>`, perhaps behind `CRON_TZ=<IANA zone> ` or `TZ=<IANA zone> `
//! (v2.md section 3.9).
//!
//! The crate croner parses the fields and finds the next match on the wall clock. This file decides what happens
//! where clocks are put forward or back:
//!
//! - If the minute or the hour field begins with `*`, the expression runs in real time: at every instant whose
//!   wall clock matches. Wall-clock times that are skipped in spring do not happen; those that come twice in
//!   autumn happen twice. So `*/5 * * * *` is five minutes apart, always.
//! - Else it names times of the day. One that comes twice in autumn happens in the first pass, and one that is skipped
//!   in spring does not happen that day.
//!
//! If both the day of month and the day of week are restricted, a day matches if one of them does. A field with a `*`
//! or `?` in it is unrestricted, also as `*/1`; one with `*/2` is not. The time zones are compiled in; nothing is read
//! from the system.

mod fields;

use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};

use super::duration::{self, DurationError};
use crate::engine::model::time::Timestamp;

/// A parsed cron expression. Two are equal if their texts are.
#[derive(Clone)]
pub struct Cron {
    text: Arc<str>,
    rule: Rule,
    zone: TimeZone,
}

/// What an expression means.
#[derive(Clone)]
enum Rule {
    /// Times of the wall clock.
    Fields {
        pattern: Arc<croner::Cron>,
        in_real_time: bool,
    },
    /// Once in every period, from the creation of the schedule on.
    Every(Duration),
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
    /// There is nothing in the text.
    #[error("empty spec string")]
    Empty,
    /// What begins with `@` is no descriptor. Descriptors are lower case.
    #[error("unrecognized descriptor: {0}")]
    Descriptor(String),
    /// `@every` is followed by a period that Go's durations cannot hold.
    #[error("`{0}` is too long for `@every`: the longest period is 2562047h47m")]
    EveryTooLong(String),
    /// `@every` is not followed by a duration of a minute or more.
    #[error(
        "`{0}` is not a good period of `@every`: it must be a duration of at least a minute, such as `1h30m`"
    )]
    Every(String),
    /// `CRON_TZ=` or `TZ=` does not name an IANA time zone.
    #[error("`{0}` is not a time zone that is known; names are spelled as in the IANA database")]
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

const ZONE_PREFIXES: [&str; 2] = ["CRON_TZ=", "TZ="];
/// The shortest period of `@every`: one minute is the finest resolution of a schedule.
const LEAST: Duration = Duration::from_secs(60);

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

impl Cron {
    /// The most bytes of an expression. An expression that lists every value of every field is shorter.
    pub const MAX_BYTES: usize = 1024;

    /// Parses `text`, and keeps it without the blanks around it for [`Self::as_str`].
    ///
    /// # Errors
    /// `text` is empty, is longer than [`Self::MAX_BYTES`], is no known descriptor, does not have five fields, has a
    /// malformed one or a bad period, or names an unknown time zone. A date that never comes, such as 31 February, is
    /// not an error: see [`Self::next_after`].
    pub fn parse(text: &str) -> Result<Self, CronError> {
        let text = text.trim();
        if text.len() > Self::MAX_BYTES {
            return Err(CronError::TooLong);
        }
        if text.is_empty() {
            return Err(CronError::Empty);
        }
        let mut prefixes = ZONE_PREFIXES.into_iter();
        let (zone, fields) = match prefixes.find_map(|prefix| text.strip_prefix(prefix)) {
            None => (TimeZone::UTC, text),
            Some(rest) => {
                let (name, fields) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                (zone(name)?, fields.trim())
            }
        };
        Ok(Self {
            text: text.into(),
            rule: Rule::parse(fields)?,
            zone,
        })
    }

    /// The expression as its author wrote it, without the blanks around it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first time after `time` that the expression names; `None` if there is none. It is a whole minute of the
    /// wall clock, or one period later.
    #[must_use]
    pub fn next_after(&self, time: Timestamp) -> Option<Timestamp> {
        let (pattern, in_real_time) = match &self.rule {
            Rule::Every(period) => return Some(time + *period),
            Rule::Fields {
                pattern,
                in_real_time,
            } => (pattern, *in_real_time),
        };
        let time = jiff::Timestamp::from_millisecond(i64::try_from(time.as_millis()).ok()?).ok()?;
        let next = if in_real_time {
            self.next_in_real_time(pattern, time)
        } else {
            self.next_time_of_day(pattern, time)
        }?;
        // Rounds up: an instant with a fraction of a millisecond does not exist in any zone.
        u64::try_from(next.as_millisecond())
            .ok()
            .map(Timestamp::from_millis)
    }

    /// The next time after `now`, for a schedule whose last run was due at `due`. Periods are counted from there, so
    /// that a run that is late does not delay the others.
    #[must_use]
    pub fn next_run(&self, due: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let Rule::Every(period) = self.rule else {
            return self.next_after(now);
        };
        let missed = now.since(due).as_millis() / period.as_millis();
        let periods = u32::try_from(missed).ok()?.checked_add(1)?;
        Some(due + period.checked_mul(periods)?)
    }

    /// Goes from one change of the clocks to the next; between two of them, the wall clock runs like time does.
    fn next_in_real_time(
        &self,
        pattern: &croner::Cron,
        after: jiff::Timestamp,
    ) -> Option<jiff::Timestamp> {
        let (mut from, mut inclusive) = (after, false);
        // Two changes a year, and 29 February is at most eight years away.
        for _ in 0..64 {
            let offset = self.zone.to_offset(from);
            let found = next_on_wall_clock(pattern, offset.to_datetime(from), inclusive)?;
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

    fn next_time_of_day(
        &self,
        pattern: &croner::Cron,
        after: jiff::Timestamp,
    ) -> Option<jiff::Timestamp> {
        let mut wall_clock = self.zone.to_datetime(after);
        // What is passed over lies in the second pass of an autumn or in a gap, perhaps of every year that there is.
        for _ in 0..2 * 24 * 60 {
            wall_clock = next_on_wall_clock(pattern, wall_clock, false)?;
            let ambiguous = self.zone.to_ambiguous_timestamp(wall_clock);
            if matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. }) {
                continue;
            }
            let found = ambiguous.earlier().ok()?;
            if found > after {
                return Some(found);
            }
        }
        None
    }
}

/// The time zone that `name` spells exactly: jiff looks names up without their case.
fn zone(name: &str) -> Result<TimeZone, CronError> {
    let zone = ZONES.get(name).ok();
    zone.filter(|zone| zone.iana_name() == Some(name))
        .ok_or_else(|| CronError::UnknownZone(name.to_owned()))
}

/// The next match after `wall_clock`, or from it on, as if clocks never changed.
fn next_on_wall_clock(
    pattern: &croner::Cron,
    wall_clock: DateTime,
    inclusive: bool,
) -> Option<DateTime> {
    pattern.find_next_occurrence(&wall_clock, inclusive).ok()
}

impl Rule {
    fn parse(text: &str) -> Result<Self, CronError> {
        if let Some(period) = text.strip_prefix("@every ") {
            return every(period.trim());
        }
        if text == "@every" {
            return every("");
        }
        let nickname = NICKNAMES.iter().find(|(name, _)| *name == text);
        let fields = match nickname {
            Some((_, meaning)) => meaning,
            None if text.starts_with('@') => return Err(CronError::Descriptor(text.to_owned())),
            None => text,
        };
        let (pattern, fields) = fields::parse(fields)?;
        let in_real_time = fields.iter().take(2).any(|field| field.starts_with('*'));
        Ok(Self::Fields {
            pattern: Arc::new(pattern),
            in_real_time,
        })
    }
}

/// The rule of `@every` with this period.
fn every(period: &str) -> Result<Rule, CronError> {
    match duration::parse(period, false) {
        Ok(parsed) if parsed >= LEAST => Ok(Rule::Every(parsed)),
        Err(DurationError::TooLong(_)) => Err(CronError::EveryTooLong(period.to_owned())),
        Ok(_) | Err(_) => Err(CronError::Every(period.to_owned())),
    }
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
