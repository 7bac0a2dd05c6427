//! Limits on deliveries that share a key, and durations as the service takes them.

use std::time::Duration;

use crate::error::Error;
use crate::types::ids::FlowControlKey;

/// The longest period of a flow control: a week.
const PERIOD_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// Limits on the deliveries that share a key: how many may be in flight at once, how many may begin in a period, or
/// both.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct FlowControl {
    key: String,
    parallelism: Option<u32>,
    rate: Option<(u32, Duration)>,
}

impl FlowControl {
    /// Lets at most `parallelism` deliveries under this key be in flight at once.
    pub fn parallelism(key: impl Into<String>, parallelism: u32) -> Self {
        Self {
            key: key.into(),
            parallelism: Some(parallelism),
            rate: None,
        }
    }

    /// Lets at most `rate` deliveries under this key begin in each `period`, which is 1 s to 7 days in whole seconds.
    pub fn rate(key: impl Into<String>, rate: u32, period: Duration) -> Self {
        Self {
            key: key.into(),
            parallelism: None,
            rate: Some((rate, period)),
        }
    }

    /// Adds a limit on deliveries in flight at once.
    pub fn and_parallelism(self, parallelism: u32) -> Self {
        Self {
            parallelism: Some(parallelism),
            ..self
        }
    }

    /// Adds a limit on deliveries that begin in a period.
    pub fn and_rate(self, rate: u32, period: Duration) -> Self {
        Self {
            rate: Some((rate, period)),
            ..self
        }
    }

    pub(crate) fn values(&self) -> Result<(FlowControlKey, String), Error> {
        let key = FlowControlKey::parse(self.key.as_str())?;
        let mut parts = Vec::new();
        if let Some(parallelism) = self.parallelism {
            parts.push(format!(
                "parallelism={}",
                at_least_one("parallelism", parallelism)?
            ));
        }
        if let Some((rate, period)) = self.rate {
            parts.push(format!("rate={}", at_least_one("rate", rate)?));
            parts.push(format!("period={}s", period_seconds(period)?));
        }
        Ok((key, parts.join(", ")))
    }
}

pub(crate) fn at_least_one(noun: &str, number: u32) -> Result<u32, Error> {
    if number == 0 {
        return Err(Error::invalid(format!("{noun} must be at least 1")));
    }
    Ok(number)
}

/// Returns a period in whole seconds, if it is within its limits.
pub(crate) fn period_seconds(period: Duration) -> Result<u64, Error> {
    if period.is_zero() || period > PERIOD_MAX {
        return Err(Error::invalid("period must be 1 s to 7 days"));
    }
    whole_seconds("period", period)
}

pub(crate) fn whole_seconds(noun: &str, duration: Duration) -> Result<u64, Error> {
    if duration.subsec_nanos() != 0 {
        let reason = format!("{noun} must be whole seconds, not {duration:?}");
        return Err(Error::invalid(reason));
    }
    Ok(duration.as_secs())
}
