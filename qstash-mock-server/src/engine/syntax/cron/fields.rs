//! The five fields of a cron expression, and how croner is to read them.

use croner::parser::{CronParser, Seconds, Year};

use super::CronError;

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

/// Croner's pattern, and the fields in the spelling in which croner got them.
pub(super) fn parse(fields: &str) -> Result<(croner::Cron, Vec<String>), CronError> {
    let fields = meant(fields)?;
    let pattern = parser().parse(&fields.join(" "));
    let pattern = pattern.map_err(|_| CronError::Fields(fields.len()))?;
    Ok((pattern, fields))
}

fn parser() -> CronParser {
    CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        // `5/15`, for `5-59/15`.
        .sloppy_ranges(true)
        .build()
}

/// The five fields as croner is to read them. Refuses what croner accepts beyond the five classic fields (`L`, `W`, `#`,
/// `+`, names in the wrong field, 7 for Sunday, ranges that run backwards), so that an expression that works here works
/// elsewhere, too.
fn meant(fields: &str) -> Result<Vec<String>, CronError> {
    let given: Vec<&str> = fields.split_whitespace().collect();
    if given.len() != FIELDS.len() {
        return Err(CronError::Fields(given.len()));
    }
    let parser = parser();
    let mut fields = vec![];
    // Each field by itself, so that an error can name it.
    for (index, (text, (field, names))) in given.iter().zip(FIELDS).enumerate() {
        let is_of_days = field.starts_with("day");
        let spelled = if is_of_days {
            text.replace('?', "*")
        } else {
            (*text).to_owned()
        };
        let first = usize::from(field == "month");
        // Croner knows no star in a list, and takes a star with a step for a restriction.
        let meant = if is_unrestricted(&spelled) {
            "*".to_owned()
        } else {
            spelled.clone()
        };
        let mut alone = ["*"; FIELDS.len()];
        alone[index] = &meant;
        if !is_well_formed(&spelled, first, names) || parser.parse(&alone.join(" ")).is_err() {
            let text = (*text).to_owned();
            return Err(CronError::Field { field, text });
        }
        fields.push(meant);
    }
    Ok(fields)
}

/// Whether an item of a field is a star, which may have a step of one.
fn is_unrestricted(field: &str) -> bool {
    field.split(',').any(|item| {
        let step = item
            .strip_prefix('*')
            .map(|rest| rest.strip_prefix('/').unwrap_or("1"));
        step.is_some_and(|step| step.parse() == Ok(1))
    })
}

/// Whether a field is a list of `*`, values and ranges, each with an optional step. The names stand for the values from
/// `first_named` on. Croner checks that values are in range, except for a seventh day of the week.
fn is_well_formed(field: &str, first_named: usize, names: &[&str]) -> bool {
    let number = |text: &str| {
        let digits =
            (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<usize>().ok()).flatten()
    };
    let value = |text: &str| {
        let named = names
            .iter()
            .position(|name| name.eq_ignore_ascii_case(text));
        let value = number(text).or_else(|| named.map(|at| at + first_named))?;
        (names.is_empty() || value < first_named + names.len()).then_some(value)
    };
    field.split(',').all(|item| {
        let (range, step) = item.split_once('/').unwrap_or((item, "1"));
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let ends = value(first).zip(value(last));
        number(step).is_some() && (range == "*" || ends.is_some_and(|(first, last)| first <= last))
    })
}
