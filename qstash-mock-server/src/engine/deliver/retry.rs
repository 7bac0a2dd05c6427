//! What follows a failed attempt: another one after a wait, unless no retry is left.

use std::time::Duration;

use super::callback::CallbackKind;
use super::finish::{Cause, Failure};
use super::rules::{LeaseEnd, Rules, WaitRule};
use crate::engine::inputs::Engine;
use crate::engine::model::message::{MessageState, Sequence, State};
use crate::engine::model::queue::Backoff;
use crate::engine::model::randomness::Purpose;
use crate::engine::model::time::Timestamp;
use crate::engine::syntax::expr::RetryDelay;

/// The longest wait, whatever a consumer asks for: the longest delay of v1.md section 2.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// The longest wait of a message that carries its rules (v2.md section 3.3).
const LONGEST_ASKED_WAIT: Duration = RetryDelay::MAX;

/// The default wait before retry `n` (1 is the first): `e^(2.5 n)` whole seconds, at most a day (v2.md section 3.3).
pub(crate) fn ladder(n: u32) -> Duration {
    let seconds = (2.5 * f64::from(n)).exp();
    let most = LONGEST_ASKED_WAIT.as_secs_f64();
    Duration::try_from_secs_f64(seconds.min(most).trunc()).unwrap_or(LONGEST_ASKED_WAIT)
}

impl Engine {
    /// Plans the next attempt, or gives the message up, after an attempt or a lease has ended without success and is
    /// recorded.
    pub(crate) fn fail(
        &mut self,
        now: Timestamp,
        sequence: Sequence,
        rules: &Rules,
        failure: Failure,
    ) {
        self.log_failure(now, sequence, &failure);
        if let Cause::Attempt { .. } = failure.cause {
            let (response, error) = (failure.response.clone(), failure.error.clone());
            self.call_back(now, sequence, CallbackKind::Attempt, response, error);
        }
        let Some(state) = self.state.message(sequence) else {
            return;
        };
        if failure.exhausts(state.attempts, rules) {
            return self.bury(now, sequence, &rules.dead_letters, failure);
        }
        let wait = self.wait(sequence, &state, rules, failure.cause);
        let due = now + wait;
        self.state
            .update(sequence, |state| state.state = State::waiting(now, due));
        self.log_retry(now, sequence, due);
    }

    fn wait(
        &self,
        sequence: Sequence,
        state: &MessageState,
        rules: &Rules,
        cause: Cause,
    ) -> Duration {
        let asked = match cause {
            Cause::Lease { delay } => return delay,
            Cause::Attempt { retry_after, .. } => retry_after,
        };
        match &rules.wait {
            WaitRule::Backoff(backoff) => {
                let leases = u64::from(state.leases);
                let random = self.random.fraction(Purpose::Jitter, sequence.0, leases);
                let backoff = backoff.wait(state.attempts, random);
                asked.map_or(backoff, |it| it.max(backoff)).min(MAX_WAIT)
            }
            WaitRule::Asked(expression) => {
                let retried = state.attempts.saturating_sub(1);
                // A consumer may ask for a wait of up to a day; a longer one is ignored.
                let believed = asked.filter(|asked| *asked <= LONGEST_ASKED_WAIT);
                believed.unwrap_or_else(|| match expression {
                    Some(expression) => expression.delay(retried),
                    None => ladder(retried.saturating_add(1)),
                })
            }
        }
    }
}

impl Failure {
    /// Whether no further attempt follows.
    fn exhausts(&self, attempts: u32, rules: &Rules) -> bool {
        let used_up = attempts > rules.max_retries;
        match self.cause {
            Cause::Attempt { rejected, .. } => rejected || used_up,
            Cause::Lease { .. } => used_up && rules.lease_end == LeaseEnd::Exhausts,
        }
    }
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
