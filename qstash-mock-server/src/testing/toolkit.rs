//! What one server's driver, sender and API share with the test that holds it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::captured::{Bounds, Captured, Record};
use super::consumer::Recorded;
use super::expect::Ledger;
use super::faults::{Faults, Overtaking, Plan};
use super::parking::Parking;
use crate::driver::{Clock, wall_time};
use crate::engine::{Attempt, AttemptId, Timestamp};

/// How to see the same again, in words.
pub(crate) struct Seed(pub(crate) u64);

impl std::fmt::Display for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seed = self.0;
        write!(
            f,
            "seed {seed}: `MockServer::builder().seed({seed})` makes the same ids and faults again"
        )
    }
}

/// The test toolkit of one server.
pub(crate) struct Toolkit {
    pub(crate) clock: Arc<Clock>,
    pub(crate) captured: Captured,
    pub(crate) parking: Parking,
    pub(crate) faults: Faults,
    pub(crate) overtaking: Overtaking,
    pub(crate) expectations: Ledger,
    /// Signatures tell the machine's time instead of the server's.
    pub(crate) real_signatures: bool,
    /// What the consumers of this server have recorded.
    consumers: Mutex<Vec<Arc<Recorded>>>,
}

/// An attempt on its way, with what the toolkit has to say about it.
#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) attempt: Arc<Attempt>,
    /// Where it is captured, if it is.
    pub(crate) record: Option<Arc<Record>>,
    /// The faults it is to meet, if any.
    pub(crate) plan: Option<Arc<Plan>>,
}

impl Toolkit {
    pub(crate) fn new(clock: Arc<Clock>, seed: u64, bounds: Bounds) -> Self {
        Self {
            clock,
            captured: Captured::new(bounds),
            parking: Parking::default(),
            faults: Faults::new(seed),
            overtaking: Overtaking::default(),
            expectations: Ledger::default(),
            real_signatures: false,
            consumers: Mutex::default(),
        }
    }

    pub(crate) fn add_consumer(&self, recorded: &Arc<Recorded>) {
        self.parking.add_consumer();
        self.consumers().push(Arc::clone(recorded));
    }

    pub(crate) fn remove_consumer(&self, recorded: &Arc<Recorded>) {
        self.parking.remove_consumer();
        self.consumers().retain(|it| !Arc::ptr_eq(it, recorded));
    }

    fn consumers(&self) -> MutexGuard<'_, Vec<Arc<Recorded>>> {
        self.consumers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The time that a signature tells when it is `now` in the server's time.
    pub(crate) fn signature_time(&self, now: Timestamp) -> Timestamp {
        if self.real_signatures {
            wall_time()
        } else {
            now
        }
    }

    /// Forgets what was delivered and expected, and takes all faults away.
    pub(crate) fn clear(&self) {
        self.expectations.clear();
        self.captured.clear();
        self.faults.clear();
        for recorded in self.consumers().iter() {
            recorded.clear();
        }
    }

    /// An attempt starts. Called in the order of attempts, under the engine's lock.
    pub(crate) fn begin(&self, attempt: Arc<Attempt>) -> Job {
        let plan = self.faults.plan(&attempt).map(Arc::new);
        let names = plan.as_ref().map_or_else(Vec::new, |plan| plan.names());
        let record = self.captured.begin(&attempt, names);
        Job {
            attempt,
            record,
            plan,
        }
    }

    /// Lets `wait` of the server's time pass before `attempt` goes on. On a manual clock the attempt is
    /// parked meanwhile. Cancel safe.
    pub(crate) async fn delay(&self, attempt: AttemptId, wait: Duration) {
        let until = self.clock.now() + wait;
        if self.clock.is_manual() {
            self.parking.park(attempt, Some(until)).await;
        } else {
            self.clock.sleep_until(until).await;
        }
    }
}
