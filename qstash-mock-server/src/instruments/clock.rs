//! The server's clock: reading it, sleeping by it, and which clock gives the time in signatures.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;
use tokio::time::Instant;

use crate::engine::Timestamp;

/// Which clock gives the time in v2 signatures. v1 signatures contain no time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureClock {
    /// The server's clock. A consumer in the same process can verify by it
    /// ([`MockServer::clock`](crate::MockServer::clock)).
    #[default]
    Virtual,
    /// The clock of the operating system, which consumers in other processes read. The program uses this one.
    Real,
}

/// The server's clock.
#[derive(Debug)]
pub(crate) enum Clock {
    /// The time of the operating system at an anchor, plus the time that tokio's clock has counted since. So sleeping
    /// and reading use one clock, and it never goes backwards.
    System(Mutex<Anchor>),
    /// A manual clock, which moves only when it is set.
    Manual(watch::Sender<Timestamp>),
}

/// One moment on the clock of the operating system and on tokio's clock. Both are in nanoseconds: if either were cut
/// to milliseconds, their sum would fall behind the clock of the operating system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anchor {
    instant: Instant,
    /// Since the Unix epoch.
    wall: Duration,
}

impl Anchor {
    /// Reads both clocks, tokio's first: the time until the second read puts the server's clock ahead of the
    /// operating system's clock, never behind.
    fn now() -> Self {
        let instant = Instant::now();
        let wall = wall();
        Self { instant, wall }
    }

    /// What the clock of the operating system shows at `instant`, unless it was set since.
    fn wall_at(self, instant: Instant) -> Duration {
        self.wall
            .saturating_add(instant.saturating_duration_since(self.instant))
    }

    /// The anchor that gives the later time for one moment.
    fn or_later(self, other: Self) -> Self {
        if other.wall > self.wall_at(other.instant) {
            other
        } else {
            self
        }
    }
}

impl Clock {
    /// A system clock. Must be called on a tokio runtime.
    pub(crate) fn system() -> Self {
        Self::System(Mutex::new(Anchor::now()))
    }

    pub(crate) fn manual(start: Timestamp) -> Self {
        Self::Manual(watch::Sender::new(start))
    }

    pub(crate) fn is_manual(&self) -> bool {
        matches!(self, Self::Manual(_))
    }

    /// The time, cut to milliseconds, so that nothing is due early.
    pub(crate) fn now(&self) -> Timestamp {
        match self {
            Self::System(anchor) => floor(lock(anchor).wall_at(Instant::now())),
            Self::Manual(time) => *time.borrow(),
        }
    }

    /// Waits until the clock shows `deadline`. Cancel safe.
    pub(crate) async fn sleep_until(&self, deadline: Timestamp) {
        match self {
            Self::System(_) => {
                while self.now() < deadline {
                    tokio::time::sleep(deadline.since(self.now()).min(Duration::from_secs(3600)))
                        .await;
                }
            }
            Self::Manual(time) => {
                let mut time = time.subscribe();
                // Fails only if the clock was dropped, which the borrow rules out.
                let _ = time.wait_for(|now| *now >= deadline).await;
            }
        }
    }

    /// Sets a manual clock, never backwards.
    pub(crate) fn set(&self, to: Timestamp) {
        if let Self::Manual(time) = self {
            time.send_if_modified(|now| {
                let later = to > *now;
                *now = to.max(*now);
                later
            });
        }
    }

    /// Sets a manual clock to any time, also an earlier one, because the engine's state was replaced.
    pub(crate) fn rewind(&self, to: Timestamp) {
        if let Self::Manual(time) = self {
            time.send_replace(to);
        }
    }

    /// Catches up with the clock of the operating system, if that has run ahead, for example while the computer slept.
    pub(crate) fn follow_wall_time(&self) {
        if let Self::System(anchor) = self {
            let mut anchor = lock(anchor);
            *anchor = anchor.or_later(Anchor::now());
        }
    }
}

fn lock(anchor: &Mutex<Anchor>) -> MutexGuard<'_, Anchor> {
    anchor.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The millisecond that `time` lies in.
fn floor(time: Duration) -> Timestamp {
    Timestamp::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

/// The time of the operating system.
pub(crate) fn wall_time() -> Timestamp {
    floor(wall())
}

/// The time of the operating system since the Unix epoch.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock that all other code reads"
)]
fn wall() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A clock whose anchor was made at `wall` on the machine's clock, and its time when `elapsed` has passed.
    fn read(wall: Duration, elapsed: Duration) -> Duration {
        let instant = Instant::now();
        Anchor { instant, wall }.wall_at(instant + elapsed)
    }

    proptest! {
        #[test]
        fn the_clock_is_the_machines_to_the_millisecond_whatever_the_fractions_are(
            wall in 0..4_000_000_000_000_000_000_u64,
            elapsed in 0..100_000_000_000_000_u64,
        ) {
            let time = read(Duration::from_nanos(wall), Duration::from_nanos(elapsed));
            prop_assert_eq!(floor(time).as_millis(), (wall + elapsed) / 1_000_000);
        }
    }

    #[test]
    fn two_fractions_that_make_a_millisecond_count() {
        // Cut one by one, 0.9 ms and 0.2 ms are nothing.
        let time = read(Duration::from_micros(10_900), Duration::from_micros(200));
        assert_eq!(floor(time), Timestamp::from_millis(11));
        let time = read(Duration::from_micros(10_900), Duration::from_micros(100));
        assert_eq!(floor(time), Timestamp::from_millis(11));
    }

    #[test]
    fn a_machine_that_ran_ahead_is_followed_and_one_that_was_set_back_is_not() {
        let instant = Instant::now();
        let anchor = |after: u64, wall: u64| Anchor {
            instant: instant + Duration::from_nanos(after),
            wall: Duration::from_nanos(wall),
        };
        let first = anchor(0, 1_000_000);
        for (later, expected) in [
            // So many nanoseconds after the first one, and what the machine's clock showed then.
            (anchor(500, 1_000_501), 1_000_501),
            (anchor(500, 1_000_500), 1_000_500),
            (anchor(500, 1_000_499), 1_000_500),
            (anchor(500, 0), 1_000_500),
            (anchor(500, 9_000_000), 9_000_000),
        ] {
            let wall = first.or_later(later).wall_at(later.instant);
            assert_eq!(wall, Duration::from_nanos(expected));
        }
    }

    #[tokio::test]
    async fn the_clock_is_never_behind_the_machines() {
        for _ in 0..20 {
            let clock = Clock::system();
            for _ in 0..1_000 {
                let before = wall_time();
                assert!(clock.now() >= before);
            }
        }
    }
}
