//! What a test does with a server: deliveries, expectations, consumers, faults.

use std::panic::Location;

use super::MockServer;
use crate::driver::ReplaceError;
use crate::testing::{
    ConsumerBuilder, Deliveries, Expectation, Fault, FaultHandle, Fixture, FixtureError,
    InvalidFault, Ledger, ServerClock, Snapshot, Unmet,
};

impl MockServer {
    /// The deliveries that were captured: the newest attempts, up to
    /// [`MockServerBuilder::capture`](crate::MockServerBuilder::capture).
    pub fn deliveries(&self) -> Deliveries {
        Deliveries::new(self.watch())
    }

    /// A consumer to be configured and started: a URL that answers by a script and records.
    pub fn consumer(&self) -> ConsumerBuilder {
        ConsumerBuilder::new(self.running.driver.clone())
    }

    /// An expectation, to be made exact by its methods and judged by [`MockServer::verify`].
    ///
    /// What is not judged when the server is dropped is judged then, by what was captured until then, and
    /// an expectation that is not met panics; unless the thread panics already.
    #[track_caller]
    pub fn expect(&self) -> Expectation {
        Expectation::new(self.expectations(), self.now(), Location::caller())
    }

    /// Waits until all expectations are met, judges them, and forgets them.
    ///
    /// On a manual clock it settles and time stands still. On an automatic clock it skips idle time. On the
    /// system clock it waits as long as the expectations give ([`Expectation::within`]), or else the
    /// server's real-time limit; and to the end where one bounds both the number and the time.
    ///
    /// # Panics
    /// With a report, if one is not met. [`MockServer::try_verify`] gives an error instead.
    #[track_caller]
    pub fn verify(&self) -> impl Future<Output = ()> + Send + '_ {
        let at = Location::caller();
        async move {
            if let Err(unmet) = self.try_verify().await {
                panic!("at {at}: {unmet}");
            }
        }
    }

    /// Like [`MockServer::verify`], without the panic.
    ///
    /// # Errors
    /// Some expectation is not met; the error is a report.
    pub async fn try_verify(&self) -> Result<(), Unmet> {
        let (watch, driver) = (self.watch(), &self.running.driver);
        let longest = self.expectations().longest();
        if driver.is_manual() {
            // If somebody else moves the clock, what was captured so far is judged.
            let _ = match longest.filter(|_| watch.is_auto()) {
                Some(longest) => {
                    let met = self.expectations().met_for_good(driver);
                    driver.advance_until(self.now() + longest, met).await
                }
                None => watch.settle().await,
            };
        } else {
            let met = self.expectations().met_for_good(driver);
            watch.until(longest, met).await;
        }
        self.expectations().judge(driver)
    }

    /// Puts a fault in force. It stays so until it is removed or the server is reset.
    ///
    /// # Panics
    /// If the fault makes no sense, or there are 1,000 already. [`MockServer::try_inject`] gives an error
    /// instead.
    #[track_caller]
    pub fn inject(&self, fault: Fault) -> FaultHandle {
        match self.try_inject(fault) {
            Ok(handle) => handle,
            Err(error) => panic!("{error}"),
        }
    }

    /// Like [`MockServer::inject`], without the panic.
    ///
    /// # Errors
    /// The fault makes no sense, or there are 1,000 already.
    pub fn try_inject(&self, fault: Fault) -> Result<FaultHandle, InvalidFault> {
        FaultHandle::inject(self.running.driver.instruments(), fault)
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        self.running.driver.instruments().faults.clear();
    }

    /// Puts everything back to how it was at the start: no queues, messages, captured deliveries,
    /// expectations or faults, signing secrets as they were, and a manual clock where it began. Consumers
    /// keep listening, with empty records; deliveries under way are given up, and calls that wait are
    /// answered 503.
    ///
    /// Ids do not come again, so that what a consumer remembers of them does no harm.
    ///
    /// # Errors
    /// Somebody is moving the clock, and nothing has changed.
    pub fn reset(&self) -> Result<(), ReplaceError> {
        self.running.driver.reset()?;
        self.running.driver.instruments().clear();
        Ok(())
    }

    /// A snapshot of all queues, messages, secrets and remembered keys, and of the time.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.running.driver)
    }

    /// Goes back to a snapshot, also one of another server. A manual clock goes back too.
    ///
    /// As after a restart, attempts that were under way are made again, and counters begin anew. What was
    /// captured stays; consumers keep what they recorded.
    ///
    /// # Errors
    /// Somebody is moving the clock, and nothing has changed.
    pub fn restore(&self, snapshot: &Snapshot) -> Result<(), ReplaceError> {
        snapshot.restore(&self.running.driver)
    }

    /// Makes the queues, URL groups and schedules of a fixture, and publishes its messages.
    ///
    /// # Errors
    /// The server refuses one of them; those before it are there.
    pub async fn load(&self, fixture: &Fixture) -> Result<(), FixtureError> {
        fixture.load(&self.running.driver).await
    }

    /// The server's clock, as `qstash-verify` takes one: signatures are then verified in the same time.
    #[must_use]
    pub fn clock(&self) -> ServerClock {
        ServerClock::new(self.running.driver.instruments())
    }

    pub(super) fn expectations(&self) -> &Ledger {
        &self.expectations
    }

    /// What ids, leases, jitter and faults of this server derive from: hand it to
    /// [`MockServerBuilder::seed`](crate::MockServerBuilder::seed) to see the same again. `None` if ids are
    /// [unguessable](crate::MockServerBuilder::unguessable_ids).
    #[must_use]
    pub fn seed(&self) -> Option<u64> {
        self.seed
    }
}
