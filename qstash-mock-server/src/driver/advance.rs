//! Moving a manual clock, from deadline to deadline.
//!
//! At each deadline the deliveries it started are awaited, their outcomes applied in attempt order, and
//! only then does time go on. A consumer that does not answer within the driver's patience (real time)
//! is left behind: its attempt fails at its virtual timeout, and the report lists it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::sync::MutexGuard;

use super::handle::Driver;
use crate::engine::{AttemptId, Timestamp};

/// What happened while the clock was moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Advanced {
    /// Deadlines that were met on the way.
    pub deadlines: usize,
    /// Deliveries whose consumer did not answer in time and were left behind.
    pub unanswered: usize,
}

/// Somebody else is moving the clock, or the server's clock is not a manual one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClockBusy {
    /// Another `advance` or `settle` is under way, perhaps the one that called this handler.
    #[error("the clock is being moved already")]
    Moving,
    /// The server runs on the system clock.
    #[error("the server's clock is not a manual one")]
    NotManual,
}

impl Driver {
    /// Moves the clock to `target`, stopping at every deadline before it.
    pub(crate) async fn advance_to(&self, target: Timestamp) -> Result<Advanced, ClockBusy> {
        let moving = Moving::begin(self)?;
        let mut report = Advanced::default();
        let mut left_behind = BTreeSet::new();
        loop {
            self.settle_now(&mut left_behind).await;
            let next = self.lock().engine.poll_timeout();
            match next {
                Some(next) if next <= target => {
                    self.shared().clock.set(next);
                    report.deadlines += 1;
                }
                _ => break,
            }
        }
        self.shared().clock.set(target);
        report.unanswered = left_behind.len();
        drop(moving);
        Ok(report)
    }

    /// Waits until nothing is due or under way at the time that it is.
    pub(crate) async fn settle(&self) -> Result<Advanced, ClockBusy> {
        self.advance_to(self.now()).await
    }

    async fn settle_now(&self, left_behind: &mut BTreeSet<AttemptId>) {
        loop {
            self.fire_all();
            if !self.await_deliveries(left_behind).await {
                return;
            }
        }
    }

    /// Calls the engine until nothing is due.
    fn fire_all(&self) {
        while self
            .lock()
            .engine
            .poll_timeout()
            .is_some_and(|next| next <= self.now())
        {
            if self.lock().stopped {
                return;
            }
            self.fire();
        }
    }

    /// Waits for what is under way and applies the outcomes; false if there was nothing.
    async fn await_deliveries(&self, left_behind: &mut BTreeSet<AttemptId>) -> bool {
        let open = |core: &super::core::Core, left: &BTreeSet<AttemptId>| -> Vec<AttemptId> {
            core.deliveries
                .keys()
                .filter(|id| !left.contains(id))
                .copied()
                .collect()
        };
        let mut patience = None;
        while !open(&self.lock(), left_behind).is_empty() {
            let patience = patience.get_or_insert_with(|| RealSleep::start(self.shared().patience));
            tokio::select! {
                () = self.shared().delivered.notified() => {}
                () = patience.wait() => {
                    left_behind.extend(open(&self.lock(), left_behind));
                    break;
                }
            }
        }
        self.apply_held()
    }

    /// Applies what was held back, in attempt order; false if there was nothing.
    fn apply_held(&self) -> bool {
        let mut core = self.lock();
        let held = core
            .held_outcomes
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default();
        let any = !held.is_empty();
        for (attempt, outcome) in held {
            if core.stopped {
                return false;
            }
            self.input(&mut core, |engine, now| {
                engine.handle_outcome(now, attempt, outcome);
            });
        }
        any
    }
}

/// Holds outcomes back while the clock is being moved; lets them go however that ends.
struct Moving<'a> {
    driver: &'a Driver,
    _guard: MutexGuard<'a, ()>,
}

impl<'a> Moving<'a> {
    fn begin(driver: &'a Driver) -> Result<Self, ClockBusy> {
        if !driver.shared().clock.is_manual() {
            return Err(ClockBusy::NotManual);
        }
        let guard = driver
            .shared()
            .moving
            .try_lock()
            .map_err(|_| ClockBusy::Moving)?;
        driver.lock().held_outcomes = Some(BTreeMap::new());
        Ok(Self {
            driver,
            _guard: guard,
        })
    }
}

impl Drop for Moving<'_> {
    fn drop(&mut self) {
        self.driver.apply_held();
        self.driver.lock().held_outcomes = None;
    }
}

/// Sleeps in real time, also where tokio's clock is paused: on a thread of its own.
struct RealSleep {
    over: tokio::sync::watch::Receiver<bool>,
    _cancel: std::sync::mpsc::Sender<()>,
}

impl RealSleep {
    fn start(duration: Duration) -> Self {
        let (cancel, cancelled) = std::sync::mpsc::channel::<()>();
        let (tell, over) = tokio::sync::watch::channel(false);
        tokio::task::spawn_blocking(move || {
            // Ends early, with an error, when the sleeper is dropped.
            if cancelled.recv_timeout(duration) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                let _ = tell.send(true);
            }
        });
        Self {
            over,
            _cancel: cancel,
        }
    }

    async fn wait(&self) {
        let mut over = self.over.clone();
        if over.wait_for(|over| *over).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
