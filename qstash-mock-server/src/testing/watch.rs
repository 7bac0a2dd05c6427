//! Waiting, within a bound, until something was delivered.

use std::time::Duration;

use crate::driver::{Advanced, ClockBusy, Driver};
use crate::instruments::RealSleep;

/// How far an automatic clock may run in one wait. A schedule without an end must not run for ever.
pub(crate) const HORIZON: Duration = Duration::from_secs(366 * 86_400);

/// A server as those who wait for it see it.
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

    /// Settles; on an automatic clock also skips what idle time there is before everything is done.
    pub(crate) async fn settle(&self) -> Result<Advanced, ClockBusy> {
        if self.auto {
            let latest = self.driver.now() + HORIZON;
            let idle = || self.driver.is_idle();
            return self.driver.advance_until(latest, idle).await;
        }
        self.driver.settle().await
    }

    /// Waits until `done`, at most for so long in real time; whether it is done. `done` is asked whenever an attempt
    /// starts or is over, so it should look at what is new only.
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
            // From here on nothing is missed.
            changed.as_mut().enable();
            if done() {
                return;
            }
            if self.auto {
                let latest = self.driver.now() + HORIZON;
                // Somebody else may be moving the clock, and then it moves all the same.
                let _ = self.driver.advance_until(latest, &mut *done).await;
                if done() {
                    return;
                }
            }
            changed.await;
        }
    }
}
