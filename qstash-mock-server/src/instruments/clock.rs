//! The server's time: reading it, sleeping in it, and which time signatures tell.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;
use tokio::time::Instant;

use crate::engine::Timestamp;

/// Which time a signature tells that tells one (v2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureClock {
    /// The server's, which a consumer in the same process can verify by; see
    /// [`MockServer::clock`](crate::MockServer::clock).
    #[default]
    Virtual,
    /// The machine's, which is all that foreign consumers know. The program uses this one.
    Real,
}

/// The server's time.
#[derive(Debug)]
pub(crate) enum Clock {
    /// The machine's time at an anchor plus what tokio's clock has counted since: sleeping and reading use one
    /// clock, and it never goes backwards.
    System(Mutex<Anchor>),
    /// Moves only when told.
    Manual(watch::Sender<Timestamp>),
}

/// A moment, as the machine's clock and tokio's clock have it. Both in nanoseconds: were either cut to milliseconds, their
/// sum would fall behind the machine's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anchor {
    instant: Instant,
    /// Since the Unix epoch.
    wall: Duration,
}

impl Anchor {
    /// Reads both clocks. Tokio's comes first: what passes before the other one is read puts the server's clock ahead
    /// of the machine's, never behind.
    fn now() -> Self {
        let instant = Instant::now();
        let wall = wall();
        Self { instant, wall }
    }

    /// What the machine's clock shows at `instant`, if nobody has set it since.
    fn wall_at(self, instant: Instant) -> Duration {
        self.wall
            .saturating_add(instant.saturating_duration_since(self.instant))
    }

    /// The later of two anchors, by what they say of one moment.
    fn or_later(self, other: Self) -> Self {
        if other.wall > self.wall_at(other.instant) {
            other
        } else {
            self
        }
    }
}

impl Clock {
    /// Must be called on a runtime.
    pub(crate) fn system() -> Self {
        Self::System(Mutex::new(Anchor::now()))
    }

    pub(crate) fn manual(start: Timestamp) -> Self {
        Self::Manual(watch::Sender::new(start))
    }

    pub(crate) fn is_manual(&self) -> bool {
        matches!(self, Self::Manual(_))
    }

    /// The time, cut to milliseconds: what is due in a fraction of a millisecond is not due yet.
    pub(crate) fn now(&self) -> Timestamp {
        match self {
            Self::System(anchor) => floor(lock(anchor).wall_at(Instant::now())),
            Self::Manual(time) => *time.borrow(),
        }
    }

    /// Returns once it is `deadline`. Cancel safe.
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
                // Fails only when the clock is gone, and nobody sleeps on it then.
                let _ = time.wait_for(|now| *now >= deadline).await;
            }
        }
    }

    /// Moves a manual clock; never backwards.
    pub(crate) fn set(&self, to: Timestamp) {
        if let Self::Manual(time) = self {
            time.send_if_modified(|now| {
                let later = to > *now;
                *now = to.max(*now);
                later
            });
        }
    }

    /// Puts a manual clock to any time, also an earlier one: what the engine knows was replaced.
    pub(crate) fn rewind(&self, to: Timestamp) {
        if let Self::Manual(time) = self {
            time.send_replace(to);
        }
    }

    /// Follows the machine's clock where it has run ahead, as after a machine's sleep.
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

/// The time of the machine.
pub(crate) fn wall_time() -> Timestamp {
    floor(wall())
}

/// The time of the machine since the Unix epoch.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock that everything else is handed"
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
