//! How long to wait before a retry. Pure arithmetic.

use std::time::Duration;

use super::config::Backoff;

/// No wait is longer, whatever a consumer or an overflow asks for: the longest delay of v1.md section 2.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(90 * 24 * 60 * 60);

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
