//! Times are written in UTC; offsets were taken from the published rules of 2026, not from this program.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::*;

fn cron(text: &str) -> Cron {
    Cron::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn at(text: &str) -> Timestamp {
    let time: jiff::Timestamp = text.parse().unwrap();
    Timestamp::from_millis(time.as_millisecond().try_into().unwrap())
}

fn shown(time: Timestamp) -> String {
    let time = jiff::Timestamp::from_millisecond(time.as_millis().try_into().unwrap()).unwrap();
    time.strftime("%Y-%m-%dT%H:%MZ").to_string()
}

/// Every run after `from` and before `to`.
fn runs(text: &str, from: &str, to: &str) -> Vec<Timestamp> {
    let (cron, to) = (cron(text), at(to));
    let first = cron.next_after(at(from));
    std::iter::successors(first, |last| cron.next_after(*last))
        .take_while(|time| *time < to)
        .collect()
}

fn next(text: &str, from: &str) -> Option<String> {
    cron(text).next_after(at(from)).map(shown)
}

/// The hour and minute of each day's run, and how many runs the others agree on.
fn odd_ones(text: &str, from: &str, to: &str, usual: &[&str]) -> (usize, Vec<String>) {
    let runs: Vec<String> = runs(text, from, to).into_iter().map(shown).collect();
    let odd = runs
        .iter()
        .filter(|run| !usual.iter().any(|usual| run.ends_with(usual)));
    (runs.len(), odd.cloned().collect())
}

#[test]
fn a_daily_time_happens_once_a_day_at_most_in_a_month_with_a_change_of_clocks() {
    // New York: UTC-5 to UTC-4 on 8 March at 07:00Z, back on 1 November at 06:00Z.
    let text = "CRON_TZ=America/New_York 30 2 * * *";
    let spring = odd_ones(
        text,
        "2026-03-01T05:00:00Z",
        "2026-04-01T04:00:00Z",
        &["T07:30Z", "T06:30Z"],
    );
    assert_eq!(spring, (30, vec![]), "it is skipped on 8 March");
    let text = "CRON_TZ=America/New_York 30 1 * * *";
    let autumn = odd_ones(
        text,
        "2026-10-15T04:00:00Z",
        "2026-11-15T05:00:00Z",
        &["T06:30Z"],
    );
    let before: Vec<String> = (15..=31)
        .map(|day| format!("2026-10-{day}T05:30Z"))
        .chain(["2026-11-01T05:30Z".into()])
        .collect();
    assert_eq!(autumn, (31, before));

    // Berlin: UTC+1 to UTC+2 on 29 March at 01:00Z, back on 25 October at 01:00Z.
    let text = "CRON_TZ=Europe/Berlin 30 2 * * *";
    let spring = odd_ones(
        text,
        "2026-02-28T23:00:00Z",
        "2026-03-31T22:00:00Z",
        &["T01:30Z", "T00:30Z"],
    );
    assert_eq!(spring, (30, vec![]), "it is skipped on 29 March");
    let autumn = odd_ones(
        text,
        "2026-10-24T22:00:00Z",
        "2026-11-24T23:00:00Z",
        &["T01:30Z"],
    );
    assert_eq!(autumn, (31, vec!["2026-10-25T00:30Z".into()]));
}

#[test]
fn an_expression_with_a_star_for_minute_or_hour_runs_in_real_time() {
    for (zone, from, to, hours) in [
        (
            "America/New_York",
            "2026-03-01T04:59:59Z",
            "2026-04-01T04:00:00Z",
            743,
        ),
        (
            "America/New_York",
            "2026-11-01T03:59:59Z",
            "2026-12-01T05:00:00Z",
            721,
        ),
        (
            "Europe/Berlin",
            "2026-02-28T22:59:59Z",
            "2026-03-31T22:00:00Z",
            743,
        ),
        (
            "Europe/Berlin",
            "2026-09-30T21:59:59Z",
            "2026-10-31T23:00:00Z",
            745,
        ),
    ] {
        let hourly = runs(&format!("CRON_TZ={zone} 0 * * * *"), from, to);
        assert_eq!(hourly.len(), hours, "{zone} {from}");
        let often = runs(&format!("CRON_TZ={zone} */5 * * * *"), from, to);
        assert_eq!(often.len(), hours * 12, "{zone} {from}");
        for pair in often.windows(2) {
            assert_eq!(pair[1].since(pair[0]).as_secs(), 300, "{zone} {from}");
        }
    }
}

#[test]
fn in_a_gap_and_in_a_repeated_hour_stars_and_lists_differ() {
    let day = |text: &str, from: &str, to: &str| {
        let runs = runs(&format!("CRON_TZ=America/New_York {text}"), from, to);
        runs.into_iter().map(shown).collect::<Vec<_>>()
    };
    let spring = |text| day(text, "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z");
    assert_eq!(spring("*/30 2 * * *"), Vec::<String>::new());
    assert_eq!(spring("0,30 2 * * *"), Vec::<String>::new());
    assert_eq!(
        spring("0,30 2,3 * * *"),
        ["2026-03-08T07:00Z", "2026-03-08T07:30Z"]
    );
    let autumn = |text| day(text, "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z");
    assert_eq!(
        autumn("*/30 1 * * *"),
        [
            "2026-11-01T05:00Z",
            "2026-11-01T05:30Z",
            "2026-11-01T06:00Z",
            "2026-11-01T06:30Z"
        ]
    );
    assert_eq!(
        autumn("0,30 1 * * *"),
        ["2026-11-01T05:00Z", "2026-11-01T05:30Z"]
    );
    assert_eq!(
        autumn("30 1,13 * * *"),
        ["2026-11-01T05:30Z", "2026-11-01T18:30Z"]
    );
    assert_eq!(
        autumn("0 1,2 * * *"),
        ["2026-11-01T05:00Z", "2026-11-01T07:00Z"]
    );
}

#[test]
fn a_day_that_is_skipped_has_no_run() {
    // Samoa went from 29 to 31 December 2011.
    let text = "CRON_TZ=Pacific/Apia 0 9 * * *";
    let found = runs(text, "2011-12-29T10:00:00Z", "2012-01-01T00:00:00Z");
    let found: Vec<String> = found.into_iter().map(shown).collect();
    assert_eq!(
        found,
        [
            "2011-12-29T19:00Z",
            "2011-12-30T19:00Z",
            "2011-12-31T19:00Z"
        ]
    );
}

#[test]
fn the_next_run_is_after_the_given_time_to_the_millisecond() {
    let next = |millis: &str| next("0 4 * * *", &format!("2026-05-01T{millis}Z")).unwrap();
    assert_eq!(next("03:59:59.999"), "2026-05-01T04:00Z");
    assert_eq!(next("04:00:00"), "2026-05-02T04:00Z");
    assert_eq!(next("04:00:00.001"), "2026-05-02T04:00Z");
    let minutes = cron("* * * * *");
    assert_eq!(
        minutes
            .next_after(Timestamp::from_millis(1))
            .unwrap()
            .as_millis(),
        60_000
    );
    assert_eq!(minutes.next_after(Timestamp::from_millis(u64::MAX)), None);
}

#[test]
fn a_day_of_month_and_a_day_of_week_are_alternatives_if_both_are_restricted() {
    let days = |text: &str| {
        let runs = runs(text, "2026-06-01T00:00:00Z", "2026-06-30T23:59:00Z");
        runs.into_iter()
            .map(|time| shown(time)[8..10].parse().unwrap())
            .collect::<Vec<u8>>()
    };
    // 1 June 2026 is a Monday.
    assert_eq!(days("1 1 10 * *"), [10]);
    assert_eq!(days("1 1 * * 5"), [5, 12, 19, 26]);
    assert_eq!(days("1 1 10 * 5"), [5, 10, 12, 19, 26]);
    assert_eq!(days("1 1 1-31/15 * sat"), [1, 6, 13, 16, 20, 27]);
    // A range over all days and a star with a larger step restrict; a step of one does not.
    assert_eq!(days("1 1 1-31 * 5").len(), 30);
    assert_eq!(days("1 1 */10 * 5"), [1, 5, 11, 12, 19, 21, 26]);
    assert_eq!(days("1 1 */1 * 5"), [5, 12, 19, 26]);
}

#[test]
fn a_date_that_never_comes_is_no_error_and_has_no_next_time() {
    for text in [
        "1 1 31 2 *",
        "* * 30 feb *",
        "0 0 31 4,6,9,11 *",
        "CRON_TZ=Europe/Berlin 1 1 31 2 *",
        "CRON_TZ=Europe/Berlin * * 31 2 *",
    ] {
        assert_eq!(next(text, "2026-01-01T00:00:00Z"), None, "{text}");
    }
    for (from, leap) in [("2026-01-01", "2028"), ("2097-01-01", "2104")] {
        let from = format!("{from}T00:00:00Z");
        let expected = format!("{leap}-02-29T00:00Z");
        assert_eq!(next("0 0 29 2 *", &from).unwrap(), expected);
        let found = next("CRON_TZ=Europe/Berlin * 12 29 2 *", &from).unwrap();
        assert_eq!(found, format!("{leap}-02-29T11:00Z"));
    }
}

#[test]
fn different_spellings_mean_the_same() {
    for (one, other) in [
        ("0 0 1 jan *", "0 0 1 1 *"),
        ("0 0 * JAN-Mar Mon-FRI", "0 0 * 1-3 1-5"),
        ("0 0 * * ?", "0 0 * * *"),
        ("0 6 ? * 1", "0 6 * * 1"),
        ("0 6 1 * ?", "0 6 1 * *"),
        ("0 0 ?/2 * *", "0 0 */2 * *"),
        ("0 0 * * sun-tue", "0 0 * * 0,1,2"),
        ("*/20 * * * *", "0,20,40 * * * *"),
        ("5/20 * * * *", "5,25,45 * * * *"),
        ("10-30/10 * * * *", "10,20,30 * * * *"),
        ("0   4\t* * *", "0 4 * * *"),
        ("@daily", "0 0 * * *"),
        ("@hourly", "0 * * * *"),
        ("CRON_TZ=UTC 0 4 * * *", "0 4 * * *"),
        ("TZ=Asia/Tokyo 0 6 * * *", "0 21 * * *"),
        ("TZ=Asia/Tokyo @daily", "0 15 * * *"),
        (
            "CRON_TZ=US/Eastern 0 4 * * *",
            "CRON_TZ=America/New_York 0 4 * * *",
        ),
        ("*/20,7 * * * *", "0,7,20,40 * * * *"),
        ("*,5 0 * * *", "* 0 * * *"),
        ("5,* 0 * * *", "* 0 * * *"),
        ("*/1 */1 */01 */1 */1", "* * * * *"),
        ("0 0 */1 * 1", "0 0 * * 1"),
        ("0 0 ?/1 * 1", "0 0 * * 1"),
        ("0 0 1 * */1", "0 0 1 * *"),
        ("0 0 1 * ?/1", "0 0 1 * *"),
        ("0 0 5,* * 1", "0 0 * * 1"),
        ("0 0 */2,? * 1", "0 0 * * 1"),
    ] {
        let runs = |text: &str| {
            let cron = cron(text);
            let first = cron.next_after(at("2026-02-20T00:00:00Z"));
            std::iter::successors(first, |last| cron.next_after(*last))
                .take(30)
                .collect::<Vec<_>>()
        };
        assert_eq!(runs(one), runs(other), "{one}");
    }
}

#[test]
fn a_period_is_counted_from_the_creation_and_a_late_run_does_not_delay_the_next() {
    for text in ["@every 5m", "TZ=Asia/Tokyo @every 5m", "@every 4m60s"] {
        let cron = cron(text);
        let created = at("2026-05-01T00:00:17Z");
        let first = cron.next_after(created).unwrap();
        assert_eq!(first.since(created).as_secs(), 300, "{text}");
        for (late, periods) in [(0, 1), (299, 1), (300, 2), (3_000, 11)] {
            let now = first + Duration::from_secs(late);
            let next = cron.next_run(first, now).unwrap();
            assert_eq!(next.since(first).as_secs(), periods * 300, "{text} {late}");
        }
    }
    let minutes = cron("* * * * *");
    let (due, now) = (at("2026-05-01T00:00:00Z"), at("2026-05-01T00:02:30Z"));
    assert_eq!(minutes.next_run(due, now), Some(at("2026-05-01T00:03:00Z")));
}

#[test]
fn time_zones_are_spelled_as_in_the_database_and_aliases_are_valid() {
    let names: Vec<String> = ZONES.available().map(|name| name.to_string()).collect();
    assert!(names.len() > 500, "{}", names.len());
    let old = ["US/Eastern", "UTC", "Etc/UTC", "GMT+0", "EST5EDT", "Zulu"];
    for name in names.iter().map(String::as_str).chain(old) {
        assert!(Cron::parse(&format!("TZ={name} @daily")).is_ok(), "{name}");
        for other in [name.to_lowercase(), name.to_uppercase()] {
            if !names.contains(&other) {
                let refused = Cron::parse(&format!("CRON_TZ={other} * * * * *"));
                assert_eq!(refused, Err(CronError::UnknownZone(other)));
            }
        }
    }
}

#[test]
fn the_text_is_kept_without_the_blanks_around_it() {
    let text = "CRON_TZ=Europe/Berlin  0 4 * *  MON";
    assert_eq!(cron(&format!(" \t{text} \n")).as_str(), text);
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn what_is_wrong_is_named() {
    for (text, expected) in [
        ("", "empty spec string"),
        (" \t", "empty spec string"),
        ("@reboot", "unrecognized descriptor: @reboot"),
        ("@Daily", "unrecognized descriptor: @Daily"),
        ("@Every 5m", "unrecognized descriptor: @Every 5m"),
        ("TZ=UTC @foo bar", "unrecognized descriptor: @foo bar"),
        (
            "@every 2562047h48m",
            "`2562047h48m` is too long for `@every`: the longest period is 2562047h47m",
        ),
        (
            "@every",
            "`` is not a good period of `@every`: it must be a duration of at least a minute, such as `1h30m`",
        ),
        (
            "TZ=asia/tokyo 0 6 * * *",
            "`asia/tokyo` is not a time zone that is known; names are spelled as in the IANA database",
        ),
        (
            "* * * * * *",
            "the cron expression has 6 fields, not the five `minute hour day-of-month month day-of-week`",
        ),
        (
            "CRON_TZ=UTC",
            "the cron expression has 0 fields, not the five `minute hour day-of-month month day-of-week`",
        ),
        (
            "CRON_TZ=Mars/Olympus * * * * *",
            "`Mars/Olympus` is not a time zone that is known; names are spelled as in the IANA database",
        ),
        (
            "CRON_TZ= * * * * *",
            "`` is not a time zone that is known; names are spelled as in the IANA database",
        ),
        (
            "60 * * * *",
            "`60` is not a good minute of a cron expression",
        ),
        ("* 24 * * *", "`24` is not a good hour of a cron expression"),
        (
            "* * 0 * *",
            "`0` is not a good day-of-month of a cron expression",
        ),
        (
            "* * 32 * *",
            "`32` is not a good day-of-month of a cron expression",
        ),
        (
            "* * * 13 *",
            "`13` is not a good month of a cron expression",
        ),
        (
            "0 0 * * 7",
            "`7` is not a good day-of-week of a cron expression",
        ),
        (
            "0 0 * * 5-7",
            "`5-7` is not a good day-of-week of a cron expression",
        ),
        (
            "0 0 * * fri-sun",
            "`fri-sun` is not a good day-of-week of a cron expression",
        ),
        (
            "0 0 * nov-feb *",
            "`nov-feb` is not a good month of a cron expression",
        ),
        (
            "TZ=Mars * * * * *",
            "`Mars` is not a time zone that is known; names are spelled as in the IANA database",
        ),
        (
            "@every 59s",
            "`59s` is not a good period of `@every`: it must be a duration of at least a minute, such as `1h30m`",
        ),
    ] {
        assert_eq!(
            Cron::parse(text).unwrap_err().to_string(),
            expected,
            "{text:?}"
        );
    }
    for field in [
        "-",
        ",",
        "/",
        "*/",
        "*/0",
        "/5",
        "1-",
        "-1",
        "5-1",
        "1,",
        ",1",
        "1,,2",
        "**",
        "*5",
        "5*",
        "a",
        "mon",
        "jan",
        "1-2-3",
        "*/5/5",
        "1.5",
        "+1",
        "?",
        "99999999999999999999",
        "1-*",
        "\u{662}",
        "L",
        "W",
        "1#1",
    ] {
        let refused = Cron::parse(&format!("{field} * * * *"));
        let expected = CronError::Field {
            field: "minute",
            text: field.into(),
        };
        assert_eq!(refused, Err(expected), "{field}");
    }
    for text in [
        "* * L * *",
        "* * 15W * *",
        "* * * * 5#2",
        "* * * * 5L",
        "* * * * +5",
        "? * * * *",
        "* ? * * *",
        "* * * ? *",
        "* * * mon *",
        "* * * * jan",
        "@every",
        "@every ",
        "@every 60",
        "@every 1d",
        "@every -1h",
        "@every 5m 5m",
        "TZ=UTC",
        "TZ=UTC TZ=UTC * * * * *",
        "@never",
        "TZ=Etc/Unknown * * * * *",
        "TZ=Local * * * * *",
    ] {
        assert!(Cron::parse(text).is_err(), "{text}");
    }
    let long = format!("{} * * * *", ["1"; 512].join(","));
    assert_eq!(Cron::parse(&long), Err(CronError::TooLong));
    assert!(Cron::parse(long.replacen("1,", "", 8).as_str()).is_ok());
}

/// One field: the values, and a spelling of them.
fn field(range: std::ops::RangeInclusive<u8>) -> impl Strategy<Value = (BTreeSet<u8>, String)> {
    let (first, last) = (*range.start(), *range.end());
    let every = (Just((first..=last).collect()), Just("*".to_owned()));
    let list = prop::collection::btree_set(range.clone(), 1..4).prop_map(|set| {
        let text = set.iter().map(u8::to_string).collect::<Vec<_>>().join(",");
        (set, text)
    });
    let stepped = (range, 1_u8..20).prop_map(move |(from, step)| {
        let set = (from..=last).step_by(step.into()).collect();
        (set, format!("{from}-{last}/{step}"))
    });
    prop_oneof![every, list, stepped]
}

fn is_day(
    day: Date,
    days: &(BTreeSet<u8>, String),
    months: &BTreeSet<u8>,
    weekdays: &(BTreeSet<u8>, String),
) -> bool {
    let in_month = days.0.contains(&u8::try_from(day.day()).unwrap());
    let in_week = weekdays
        .0
        .contains(&u8::try_from(day.weekday().to_sunday_zero_offset()).unwrap());
    let is_day = match (days.1.as_str(), weekdays.1.as_str()) {
        ("*", _) | (_, "*") => in_month && in_week,
        _ => in_month || in_week,
    };
    is_day && months.contains(&u8::try_from(day.month()).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_next_time_is_the_one_a_patient_clerk_finds(
        minutes in field(0..=59),
        hours in field(0..=23),
        days in field(1..=31),
        months in field(1..=12),
        weekdays in field(0..=6),
        start in 0_i64..366 * 24 * 60,
    ) {
        let text = [&minutes.1, &hours.1, &days.1, &months.1, &weekdays.1].map(String::as_str).join(" ");
        let begin = date(2027, 1, 1).at(0, 0, 0, 0) + jiff::Span::new().minutes(start);
        let found = cron(&text).next_after(at(&format!("{begin}Z")));
        let mut expected = None;
        // Ten years hold every day that there is, with every weekday but those of 29 February.
        'search: for day in begin.date().series(jiff::Span::new().days(1)).take(3660) {
            if !is_day(day, &days, &months.0, &weekdays) {
                continue;
            }
            for hour in &hours.0 {
                for minute in &minutes.0 {
                    let time = day.at(*hour as i8, *minute as i8, 0, 0);
                    if time > begin {
                        expected = Some(at(&format!("{time}Z")));
                        break 'search;
                    }
                }
            }
        }
        prop_assert!(expected.is_none() || found == expected, "{} after {}: {:?} {:?}", text, begin, found.map(shown), expected.map(shown));
    }

    #[test]
    fn no_text_at_all_is_a_danger(text in "[-0-9*,/A-Za-z@= _]{0,40}", millis in any::<u64>()) {
        if let Ok(cron) = Cron::parse(&text) {
            let time = Timestamp::from_millis(millis % 200_000_000_000_000);
            prop_assert!(cron.next_after(time).is_none_or(|next| next > time));
        }
    }
}
