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
    /// Wall time at an anchor plus what tokio's clock has counted since: sleeping and reading use one
    /// clock, and it never goes backwards.
    System(Mutex<Anchor>),
    /// Moves only when told.
    Manual(watch::Sender<Timestamp>),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Anchor {
    wall: Timestamp,
    instant: Instant,
}

impl Clock {
    /// Must be called on a runtime.
    pub(crate) fn system() -> Self {
        Self::System(Mutex::new(Anchor {
            wall: wall_time(),
            instant: Instant::now(),
        }))
    }

    pub(crate) fn manual(start: Timestamp) -> Self {
        Self::Manual(watch::Sender::new(start))
    }

    pub(crate) fn is_manual(&self) -> bool {
        matches!(self, Self::Manual(_))
    }

    pub(crate) fn now(&self) -> Timestamp {
        match self {
            Self::System(anchor) => {
                let anchor = lock(anchor);
                // Rounds down: what is due in a fraction of a millisecond is not due yet.
                let elapsed =
                    u64::try_from(anchor.instant.elapsed().as_millis()).unwrap_or(u64::MAX);
                Timestamp::from_millis(anchor.wall.as_millis().saturating_add(elapsed))
            }
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

    /// Follows the wall clock where it has run ahead, as after a machine's sleep.
    pub(crate) fn follow_wall_time(&self) {
        if let Self::System(anchor) = self {
            let (now, wall) = (self.now(), wall_time());
            if wall > now {
                *lock(anchor) = Anchor {
                    wall,
                    instant: Instant::now(),
                };
            }
        }
    }
}

fn lock(anchor: &Mutex<Anchor>) -> MutexGuard<'_, Anchor> {
    anchor.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The time of the machine.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock that everything else is handed"
)]
pub(crate) fn wall_time() -> Timestamp {
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_millis(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}
