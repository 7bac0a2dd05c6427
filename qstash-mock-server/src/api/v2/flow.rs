//! The value of `Upstash-Flow-Control-Value`: `parallelism=5, rate=10, period=1m` (v2.md section A.3).

use std::time::Duration;

use super::duration;
use crate::engine::duration::DurationError;
use crate::engine::{FlowControl, FlowLimits};

/// The shortest period of a rate. A longer one may have a fraction, which counts, but replies tell whole seconds.
const MIN_PERIOD: Duration = Duration::from_secs(1);
/// The longest period of a rate: a week.
pub(super) const MAX_PERIOD: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Reads `text`, the value of `header`, in which 0 means no limit. The error is the rest of a sentence that begins with
/// the header's name.
pub(super) fn parse(header: &str, text: &str) -> Result<FlowLimits, String> {
    let (mut parallelism, mut rate, mut period) = (None, None, None);
    for part in text.split(',') {
        let (name, value) = part
            .split_once('=')
            .ok_or("must be a list such as `parallelism=5, rate=10, period=1m`")?;
        let (name, value) = (name.trim(), value.trim());
        match name {
            "parallelism" => once(name, &mut parallelism, number(name, value))?,
            "rate" => once(name, &mut rate, number(name, value))?,
            "period" => once(name, &mut period, self::period(header, value))?,
            _ => {
                return Err(format!(
                    "knows `parallelism`, `rate` and `period`, not `{name}`"
                ));
            }
        }
    }
    let limits = FlowLimits {
        parallelism: parallelism.filter(|limit| *limit > 0),
        rate: rate.filter(|limit| *limit > 0),
        period: period.unwrap_or(FlowControl::DEFAULT_PERIOD),
    };
    if limits.parallelism.is_none() && limits.rate.is_none() {
        return Err("must set `parallelism` or `rate` to 1 or more".into());
    }
    Ok(limits)
}

fn once<T>(name: &str, slot: &mut Option<T>, value: Result<T, String>) -> Result<(), String> {
    if slot.is_some() {
        return Err(format!("must not set `{name}` twice"));
    }
    *slot = Some(value?);
    Ok(())
}

fn number(name: &str, text: &str) -> Result<u32, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten();
    number.ok_or_else(|| format!("has a bad value for `{name}`"))
}

fn period(header: &str, text: &str) -> Result<Duration, String> {
    match duration::parse_or_warn(header, text) {
        Ok(period) if (MIN_PERIOD..=MAX_PERIOD).contains(&period) => Ok(period),
        Ok(_) | Err(DurationError::Negative(_) | DurationError::TooLong(_)) => {
            Err("must have a `period` from 1s to 7d".into())
        }
        Err(error) => Err(format!("has a bad value for `period`: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<FlowLimits, String> {
        super::parse("upstash-flow-control-value", text)
    }

    #[test]
    fn parts_come_in_any_order_with_or_without_blanks() {
        let limits = |parallelism, rate, period| {
            let period = Duration::from_secs(period);
            let limit = |limit: u32| (limit > 0).then_some(limit);
            let (parallelism, rate) = (limit(parallelism), limit(rate));
            Ok(FlowLimits {
                parallelism,
                rate,
                period,
            })
        };
        assert_eq!(
            parse("parallelism=5, rate=10, period=1m"),
            limits(5, 10, 60)
        );
        assert_eq!(parse("period=1d,rate=3"), limits(0, 3, 86_400));
        assert_eq!(parse(" parallelism = 2 "), limits(2, 0, 1));
        assert_eq!(parse("rate=1,period=30"), limits(0, 1, 30));
        assert_eq!(parse("parallelism=0,rate=1"), limits(0, 1, 1));
        assert_eq!(parse("rate=1,period=7d"), limits(0, 1, 604_800));
        let fraction = parse("rate=1,period=1.5s").map(|it| it.period);
        assert_eq!(fraction, Ok(Duration::from_millis(1500)));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, part) in [
            ("", "must be a list"),
            ("5", "must be a list"),
            ("rate=1,", "must be a list"),
            ("period=1s", "`parallelism` or `rate`"),
            ("rate=0", "`parallelism` or `rate`"),
            ("rate=x", "bad value for `rate`"),
            ("rate=-1", "bad value for `rate`"),
            ("rate=+1", "bad value for `rate`"),
            ("rate=99999999999", "bad value for `rate`"),
            ("parallelism=1.5", "bad value for `parallelism`"),
            ("rate=1,rate=1", "`rate` twice"),
            ("rate=1,period=0s", "from 1s to 7d"),
            ("rate=1,period=0", "from 1s to 7d"),
            ("rate=1,period=-1s", "from 1s to 7d"),
            ("rate=1,period=1ns", "from 1s to 7d"),
            ("rate=1,period=500ms", "from 1s to 7d"),
            ("rate=1,period=999ms", "from 1s to 7d"),
            ("rate=1,period=7d1s", "from 1s to 7d"),
            ("rate=1,period=7d1ms", "from 1s to 7d"),
            ("rate=1,period=400000d", "from 1s to 7d"),
            (
                "rate=1,period=1w",
                r#"bad value for `period`: time: unknown unit "w" in duration "1w""#,
            ),
            (
                "rate=1,period=",
                r#"bad value for `period`: time: invalid duration """#,
            ),
            (
                "rate=1,period=1.5",
                r#"bad value for `period`: time: missing unit in duration "1.5""#,
            ),
            ("Rate=1", "not `Rate`"),
            ("rate=1,burst=2", "not `burst`"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(part), "{text:?}: {error}");
        }
    }
}
