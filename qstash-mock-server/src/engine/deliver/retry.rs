//! How long to wait before a retry. Pure arithmetic.

use std::time::Duration;

use crate::engine::config::Backoff;

/// No wait is longer, whatever a consumer or an overflow asks for: the longest delay of v1.md section 2.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// No wait of a message that carries its own rules is longer (v2.md section 3.3).
pub(crate) const LONGEST_ASKED_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// The default wait before retry `n` (1 is the first): `e^(2.5 n)` whole seconds, at most a day
/// (v2.md section 3.3).
pub(crate) fn ladder(n: u32) -> Duration {
    let seconds = (2.5 * f64::from(n)).exp();
    let most = LONGEST_ASKED_WAIT.as_secs_f64();
    Duration::try_from_secs_f64(seconds.min(most).trunc()).unwrap_or(LONGEST_ASKED_WAIT)
}

impl Backoff {
    /// The wait before retry number `retry` (1 is the first); `random` is in `0.0..1.0`.
    pub(crate) fn wait(&self, retry: u32, random: f64) -> Duration {
        let retries_before = retry.saturating_sub(1);
        match self {
            Self::Fixed(wait) => *wait,
            Self::List(waits) => {
                let last = waits.len().saturating_sub(1);
                waits
                    .get(last.min(retries_before as usize))
                    .copied()
                    .unwrap_or_default()
            }
            Self::Exponential {
                base,
                factor,
                max,
                jitter,
            } => {
                let exponent = i32::try_from(retries_before).unwrap_or(i32::MAX);
                let grown = base.as_secs_f64() * factor.powi(exponent);
                let capped = grown.min(max.as_secs_f64());
                Duration::try_from_secs_f64(capped * (1.0 - jitter * random)).unwrap_or(*max)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exponential(jitter: f64) -> Backoff {
        let (base, max) = (Duration::from_secs(1), Duration::from_secs(300));
        Backoff::Exponential {
            base,
            factor: 2.0,
            max,
            jitter,
        }
    }

    #[test]
    fn an_exponential_backoff_doubles_up_to_its_maximum() {
        let waits = [1, 2, 3, 9, 10, 100, u32::MAX]
            .map(|retry| exponential(0.0).wait(retry, 0.5).as_secs());
        assert_eq!(waits, [1, 2, 4, 256, 300, 300, 300]);
    }

    #[test]
    fn the_default_ladder_grows_from_12_seconds_to_a_day() {
        let hms = |h: u64, m: u64, s: u64| h * 3600 + m * 60 + s;
        let waits = [1, 2, 3, 4, 5, 6, u32::MAX].map(|n| ladder(n).as_secs());
        let day = hms(24, 0, 0);
        assert_eq!(
            waits,
            [
                12,
                hms(0, 2, 28),
                hms(0, 30, 8),
                hms(6, 7, 6),
                day,
                day,
                day
            ]
        );
    }

    #[test]
    fn jitter_only_shortens() {
        assert_eq!(exponential(0.5).wait(3, 0.5), Duration::from_secs(3));
        assert_eq!(exponential(1.0).wait(3, 0.0), Duration::from_secs(4));
    }

    #[test]
    fn the_last_wait_of_a_list_goes_on() {
        let list = Backoff::List([1, 5, 30].map(Duration::from_secs).into());
        assert_eq!(
            [1, 2, 3, 4, 50].map(|retry| list.wait(retry, 0.0).as_secs()),
            [1, 5, 30, 30, 30]
        );
    }
}
