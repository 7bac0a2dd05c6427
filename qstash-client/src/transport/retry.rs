//! When the client tries again, and after how long. Pure: failures and random numbers come in, a decision goes out.

use std::time::Duration;

use http::StatusCode;

use crate::endpoint::Safety;

/// How often the client tries again after a failure, and how long it waits before that.
#[derive(Clone, Debug, PartialEq)]
pub struct RetryPolicy {
    /// How many tries may follow the first one. 0 turns retries off.
    pub max_retries: u32,
    /// The wait before the first retry. It doubles with each further retry.
    pub base: Duration,
    /// The longest wait that the client chooses itself.
    pub max: Duration,
    /// The share of each wait that is random, from 0 to 1: with 0.5, a wait of 2 s becomes 1 to 2 s.
    pub jitter: f64,
    /// The longest wait that the server may ask for. If it asks for more, the call fails at once, and
    /// [`Error::retry_after`](crate::Error::retry_after) tells the wait.
    pub max_retry_after: Duration,
}

impl Default for RetryPolicy {
    /// The client tries again 4 times, after 0.1 s, 0.2 s, 0.4 s and 0.8 s; half of each wait is random. The server may
    /// ask for waits of up to 30 s.
    fn default() -> Self {
        Self {
            max_retries: 4,
            base: Duration::from_millis(100),
            max: Duration::from_secs(10),
            jitter: 0.5,
            max_retry_after: Duration::from_secs(30),
        }
    }
}

/// Why a try failed, as far as it matters for trying again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No connection: the request did not leave.
    NeverLeft,
    /// The exchange broke off or ran out of time: the server may have handled the request.
    Unknown,
    /// The server answered.
    Answered {
        status: StatusCode,
        retry_after: Option<Duration>,
    },
}

impl RetryPolicy {
    /// Makes a policy by which the client never tries again.
    #[must_use]
    pub fn none() -> Self {
        Self {
            max_retries: 0,
            ..Self::default()
        }
    }

    /// Returns how long to wait before the next try, or `None` to give up. `random` is from 0 up to 1.
    pub(crate) fn decide(
        &self,
        retries: u32,
        safety: Safety,
        failure: Failure,
        random: f64,
    ) -> Option<Duration> {
        if retries >= self.max_retries || !may_repeat(safety, failure) {
            return None;
        }
        let backoff = self.backoff(retries, random);
        match failure {
            Failure::Answered {
                retry_after: Some(asked),
                ..
            } => (asked <= self.max_retry_after).then(|| asked.max(backoff)),
            _ => Some(backoff),
        }
    }

    fn backoff(&self, retries: u32, random: f64) -> Duration {
        let doubled = self
            .base
            .saturating_mul(2_u32.saturating_pow(retries))
            .min(self.max);
        doubled.mul_f64(1.0 - self.jitter.clamp(0.0, 1.0) * random.clamp(0.0, 1.0))
    }
}

fn may_repeat(safety: Safety, failure: Failure) -> bool {
    match failure {
        Failure::NeverLeft => true,
        Failure::Unknown => safety == Safety::Repeatable,
        // 429 refuses before anything is done; behind a 5xx anything may have happened.
        Failure::Answered {
            status: StatusCode::TOO_MANY_REQUESTS,
            ..
        } => true,
        Failure::Answered { status, .. } => {
            status.is_server_error()
                && status != StatusCode::NOT_IMPLEMENTED
                && safety == Safety::Repeatable
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNAVAILABLE: Failure = Failure::Answered {
        status: StatusCode::SERVICE_UNAVAILABLE,
        retry_after: None,
    };

    fn limited(seconds: u64) -> Failure {
        let retry_after = Some(Duration::from_secs(seconds));
        Failure::Answered {
            status: StatusCode::TOO_MANY_REQUESTS,
            retry_after,
        }
    }

    #[test]
    fn waits_double_up_to_the_maximum() {
        let policy = RetryPolicy {
            max_retries: 40,
            ..RetryPolicy::default()
        };
        let wait = |n| {
            policy
                .decide(n, Safety::Repeatable, UNAVAILABLE, 0.0)
                .expect("retries")
        };
        assert_eq!(wait(0), Duration::from_millis(100));
        assert_eq!(wait(3), Duration::from_millis(800));
        assert_eq!(wait(39), policy.max);
    }

    #[test]
    fn jitter_only_shortens_and_never_below_its_share() {
        let wait =
            |random| RetryPolicy::default().decide(1, Safety::Repeatable, Failure::Unknown, random);
        assert_eq!(wait(0.0), Some(Duration::from_millis(200)));
        assert_eq!(wait(1.0), Some(Duration::from_millis(100)));
    }

    #[test]
    fn an_unsafe_call_is_repeated_only_when_nothing_was_done() {
        let decide = |failure| RetryPolicy::default().decide(0, Safety::Once, failure, 0.0);
        assert!(decide(Failure::NeverLeft).is_some());
        assert!(decide(limited(1)).is_some());
        assert!(decide(Failure::Unknown).is_none());
        assert!(decide(UNAVAILABLE).is_none());
    }

    #[test]
    fn refusals_are_not_repeated() {
        for status in [
            StatusCode::BAD_REQUEST,
            StatusCode::CONFLICT,
            StatusCode::NOT_IMPLEMENTED,
        ] {
            let failure = Failure::Answered {
                status,
                retry_after: None,
            };
            assert!(
                RetryPolicy::default()
                    .decide(0, Safety::Repeatable, failure, 0.0)
                    .is_none()
            );
        }
    }

    #[test]
    fn retry_after_is_honoured_up_to_the_limit_and_not_one_second_past_it() {
        let decide = |s| RetryPolicy::default().decide(0, Safety::Once, limited(s), 0.0);
        assert_eq!(decide(30), Some(Duration::from_secs(30)));
        assert_eq!(decide(31), None);
        assert_eq!(
            decide(0),
            Some(Duration::from_millis(100)),
            "zero still backs off"
        );
    }

    #[test]
    fn the_number_of_retries_is_a_limit() {
        let decide = |n| RetryPolicy::default().decide(n, Safety::Repeatable, UNAVAILABLE, 0.0);
        assert!(decide(3).is_some());
        assert!(decide(4).is_none());
        assert!(
            RetryPolicy::none()
                .decide(0, Safety::Repeatable, UNAVAILABLE, 0.0)
                .is_none()
        );
    }
}
