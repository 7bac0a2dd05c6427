//! Waiting for deliveries, with a limit in real time.

use std::time::Duration;

use crate::driver::{Advanced, ClockBusy, Driver};
use crate::instruments::RealSleep;

/// How far an automatic clock may run in one wait, so that a schedule without an end does not run for ever.
pub(crate) const HORIZON: Duration = Duration::from_secs(366 * 86_400);

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// What was waited for has happened.
    Done,
    /// Nothing will happen before somebody moves the manual clock.
    StandsStill,
    /// The time, in real time, was over.
    TimeOver(Duration),
}

/// The parts of a server that a waiting test needs.
#[derive(Clone)]
pub(crate) struct Watch {
    driver: Driver,
    auto: bool,
}

impl Watch {
    pub(crate) fn new(driver: Driver, auto: bool) -> Self {
        Self { driver, auto }
    }

    pub(crate) fn driver(&self) -> &Driver {
        &self.driver
    }

    pub(crate) fn is_auto(&self) -> bool {
        self.auto
    }

    /// Waits until nothing is due or in flight. On an automatic clock it also skips idle time until the engine is idle.
    pub(crate) async fn settle(&self) -> Result<Advanced, ClockBusy> {
        if self.auto {
            let latest = self.driver.now() + HORIZON;
            let idle = || self.driver.is_idle();
            return self.driver.advance_until(latest, idle).await;
        }
        self.driver.settle().await
    }

    /// Waits until `done` returns true, at most for `within` (real time). It calls `done` whenever an attempt starts or
    /// is over, so `done` should look only at new attempts.
    ///
    /// Without `within` it waits as long as the real-time limit allows, and on a manual clock only as long as something
    /// can happen.
    pub(crate) async fn until(
        &self,
        within: Option<Duration>,
        mut done: impl FnMut() -> bool,
    ) -> Ended {
        let time = within.unwrap_or_else(|| self.driver.real_time_limit());
        let limit = RealSleep::start(time);
        let gives_up = within.is_none() && !self.auto;
        let ended = tokio::select! {
            ended = self.until_done(gives_up, &mut done) => ended,
            () = limit.wait() => Ended::TimeOver(time),
        };
        if done() { Ended::Done } else { ended }
    }

    /// Waits until `done` returns true. If it `gives_up`, it also returns as soon as nothing can happen on a manual clock.
    async fn until_done(&self, gives_up: bool, done: &mut impl FnMut() -> bool) -> Ended {
        let instruments = self.driver.instruments();
        loop {
            let changed = instruments.captured.changed();
            let parked = instruments.parking.changed.notified();
            tokio::pin!(changed, parked);
            // From here on no change is missed.
            changed.as_mut().enable();
            parked.as_mut().enable();
            if done() {
                return Ended::Done;
            }
            if self.auto {
                let latest = self.driver.now() + HORIZON;
                // Another call may be moving the clock; then it moves without this one.
                let _ = self.driver.advance_until(latest, &mut *done).await;
                if done() {
                    return Ended::Done;
                }
            }
            if gives_up && self.driver.stands_still() {
                return Ended::StandsStill;
            }
            tokio::select! {
                () = changed => {}
                () = parked => {}
            }
        }
    }
}
