//! The methods of a server for tests: deliveries, expectations, consumers, faults, state.

use std::panic::Location;

use super::MockServer;
use crate::driver::ReplaceError;
use crate::testing::{
    ConsumerBuilder, Deliveries, Ended, Expectation, Fault, FaultHandle, Fixture, FixtureError,
    InvalidFault, Judged, Ledger, RefusedCalls, Seed, ServerClock, Snapshot, Unmet,
};

impl MockServer {
    /// The captured deliveries: the newest attempts, as many as
    /// [`MockServerBuilder::capture`](crate::MockServerBuilder::capture) allows.
    pub fn deliveries(&self) -> Deliveries {
        Deliveries::new(self.watch())
    }

    /// A consumer that is not started yet: an HTTP server with scripted answers that records its requests.
    pub fn consumer(&self) -> ConsumerBuilder {
        ConsumerBuilder::new(self.running.driver.clone())
    }

    /// Adds an expectation, which its methods make more exact and [`MockServer::verify`] judges.
    ///
    /// Expectations that are not judged yet when the server is dropped are judged then, by the deliveries captured so
    /// far. If one is not met, dropping the server panics, unless the thread is panicking already. If the test returns an
    /// `Err` meanwhile, that panic hides it; [`MockServer::finish`] shows it.
    #[track_caller]
    pub fn expect(&self) -> Expectation {
        Expectation::new(self.expectations(), self.now(), Location::caller())
    }

    /// Waits until all expectations are met or the wait is over, judges them, and removes them.
    ///
    /// How long it waits depends on the clock. On a manual clock it waits until nothing is due or in flight at the
    /// current time; the clock does not move. On an automatic clock it skips idle time. On the system clock it waits
    /// as long as the expectations allow ([`Expectation::within`]) or, if none of them gives a time, as long as the
    /// server's [real-time limit](crate::MockServerBuilder::real_time_limit). If an expectation bounds both the time
    /// and the most deliveries, the wait always lasts the whole time.
    ///
    /// Cancel safe: if the future is dropped, the expectations stay.
    ///
    /// # Panics
    /// With a report, if an expectation is not met. [`MockServer::try_verify`] returns an error instead.
    #[track_caller]
    pub fn verify(&self) -> impl Future<Output = ()> + Send + '_ {
        let at = Location::caller();
        async move {
            if let Err(unmet) = self.try_verify().await {
                panic!("at {at}: {unmet}");
            }
        }
    }

    /// Ends a test that has a result: an `Ok` is returned after [`MockServer::verify`], an `Err` at once. In that case
    /// the expectations are not judged, because they are most likely not met for the same reason, and the calls of the
    /// API that were refused are printed.
    ///
    /// Without this, a test that returns an `Err` by `?` before its expectations are judged shows the panic of the drop
    /// instead of the error.
    ///
    /// ```
    /// use qstash_mock_server::MockServer;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// async fn publishes_twice(server: &MockServer) -> Result<(), std::num::ParseIntError> {
    ///     server.expect().times(2);
    ///     let _orders: u32 = "two".parse()?;
    ///     Ok(())
    /// }
    ///
    /// let server = MockServer::start().await;
    /// let result = publishes_twice(&server).await;
    /// assert!(server.finish(result).await.is_err());
    /// # }
    /// ```
    ///
    /// # Errors
    /// That of `result`.
    ///
    /// # Panics
    /// As [`MockServer::verify`], if `result` is `Ok`.
    #[track_caller]
    pub fn finish<T, E>(self, result: Result<T, E>) -> impl Future<Output = Result<T, E>> {
        let at = Location::caller();
        async move {
            if result.is_err() {
                if self.expectations().forget() {
                    eprintln!("qstash-mock-server: the expectations were not judged");
                }
                self.print_circumstances();
            } else if let Err(unmet) = self.try_verify().await {
                panic!("at {at}: {unmet}");
            }
            result
        }
    }

    /// Prints what helps to understand a test that has failed.
    pub(super) fn print_circumstances(&self) {
        let refused = RefusedCalls::of(&self.running.driver).to_string();
        for line in refused.lines() {
            eprintln!("qstash-mock-server: {line}");
        }
        eprintln!("qstash-mock-server: {}", Seed(self.seed));
    }

    /// Like [`MockServer::verify`], with an error instead of the panic.
    ///
    /// # Errors
    /// An expectation is not met. The error is a report of all that are not.
    pub async fn try_verify(&self) -> Result<(), Unmet> {
        let (watch, driver) = (self.watch(), &self.running.driver);
        let longest = self.expectations().longest();
        let judged = if driver.is_manual() {
            // If somebody else moves the clock, what was captured so far is judged.
            let _ = match longest.filter(|_| watch.is_auto()) {
                Some(longest) => {
                    let met = self.expectations().met_for_good(driver);
                    driver.advance_until(self.now() + longest, met).await
                }
                None => watch.settle().await,
            };
            Judged::Now
        } else {
            let met = self.expectations().met_for_good(driver);
            let expected = longest.is_some();
            match watch.until(longest, met).await {
                Ended::TimeOver(limit) => Judged::After { limit, expected },
                Ended::Done | Ended::StandsStill => Judged::Now,
            }
        };
        self.expectations().judge(&watch, judged)
    }

    /// Puts a fault in force. It stays in force until it is removed ([`FaultHandle::remove`],
    /// [`MockServer::clear_faults`]) or the server is [reset](MockServer::reset).
    ///
    /// # Panics
    /// If the fault has an invalid setting, or 1,000 faults are in force already. [`MockServer::try_inject`] returns
    /// an error instead.
    #[track_caller]
    pub fn inject(&self, fault: Fault) -> FaultHandle {
        match self.try_inject(fault) {
            Ok(handle) => handle,
            Err(error) => panic!("{error}"),
        }
    }

    /// Like [`MockServer::inject`], with an error instead of the panic.
    ///
    /// # Errors
    /// The fault has an invalid setting, or 1,000 faults are in force already.
    pub fn try_inject(&self, fault: Fault) -> Result<FaultHandle, InvalidFault> {
        FaultHandle::inject(self.running.driver.instruments(), fault)
    }

    /// Removes all faults. Attempts that a fault has struck already are not changed.
    pub fn clear_faults(&self) {
        self.running.driver.instruments().faults.clear();
    }

    /// Empties the server: it forgets queues, messages, captured deliveries, expectations and faults, also what its
    /// store held at the start. It has the signing secrets and keys again that it started with, and a manual clock
    /// shows its first time. Consumers keep listening, and their records are emptied. The server gives up deliveries
    /// under way and answers waiting calls with 503.
    ///
    /// The server makes no id a second time, so a consumer that remembers ids does not take a new message for an
    /// old one.
    ///
    /// # Errors
    /// Another call is moving the clock, or the server is stopped. Nothing has changed.
    pub fn reset(&self) -> Result<(), ReplaceError> {
        self.running.driver.reset()?;
        self.running.driver.instruments().clear();
        Ok(())
    }

    /// A snapshot of everything that the server stores (queues, messages, secrets, deduplication keys and so on) and
    /// of its time. Captured deliveries, expectations and faults are not part of it.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.running.driver)
    }

    /// Puts the server back to a snapshot, also one of another server. A manual clock goes back to the snapshot's time.
    ///
    /// As after a restart, the server repeats attempts that were under way, and counters in metrics start at zero.
    /// Captured deliveries stay, and so do the records of consumers.
    ///
    /// # Errors
    /// Another call is moving the clock, or the server is stopped. Nothing has changed.
    pub fn restore(&self, snapshot: &Snapshot) -> Result<(), ReplaceError> {
        snapshot.restore(&self.running.driver)
    }

    /// Creates the queues, URL groups and schedules of a fixture, and publishes its messages.
    ///
    /// Not cancel safe: if the future is dropped, a part of the fixture is loaded.
    ///
    /// # Errors
    /// The server refuses an item. The items before it are loaded.
    pub async fn load(&self, fixture: &Fixture) -> Result<(), FixtureError> {
        fixture.load(&self.running.driver).await
    }

    /// The server's clock, for `qstash-verify`: a consumer that verifies v2 signatures with it reads the time that
    /// the server signs with.
    #[must_use]
    pub fn clock(&self) -> ServerClock {
        ServerClock::new(self.running.driver.instruments())
    }

    pub(super) fn expectations(&self) -> &Ledger {
        &self.expectations
    }

    /// The seed from which the server's ids, leases, jitter and faults derive. A server that is built with it
    /// ([`MockServerBuilder::seed`](crate::MockServerBuilder::seed)) makes the same ones. `None` if ids are
    /// [unguessable](crate::MockServerBuilder::unguessable_ids).
    #[must_use]
    pub fn seed(&self) -> Option<u64> {
        self.seed
    }
}
