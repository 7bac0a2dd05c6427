//! Waiting for deliveries, with a limit in real time.

use std::time::Duration;

use crate::driver::{Advanced, ClockBusy, Driver};
use crate::instruments::RealSleep;

/// How far an automatic clock may run in one wait, so that a schedule without an end does not run for ever.
pub(crate) const HORIZON: Duration = Duration::from_secs(366 * 86_400);

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

    /// Waits until `done` returns true, at most for `within` (real time), and returns whether it did. It calls `done`
    /// whenever an attempt starts or is over, so `done` should look only at new attempts.
    pub(crate) async fn until(
        &self,
        within: Option<Duration>,
        mut done: impl FnMut() -> bool,
    ) -> bool {
        let limit = RealSleep::start(within.unwrap_or_else(|| self.driver.real_time_limit()));
        let in_time = tokio::select! {
            () = self.until_done(&mut done) => true,
            () = limit.wait() => false,
        };
        in_time || done()
    }

    async fn until_done(&self, done: &mut impl FnMut() -> bool) {
        let captured = &self.driver.instruments().captured;
        loop {
            let changed = captured.changed();
            tokio::pin!(changed);
            // From here on no change is missed.
            changed.as_mut().enable();
            if done() {
                return;
            }
            if self.auto {
                let latest = self.driver.now() + HORIZON;
                // Another call may be moving the clock; then it moves without this one.
                let _ = self.driver.advance_until(latest, &mut *done).await;
                if done() {
                    return;
                }
            }
            changed.await;
        }
    }
}
