//! The instruments of one server.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::captured::{Bounds, Captured, Record};
use super::clock::{Clock, SignatureClock, wall_time};
use super::faults::{Faults, Overtaking, Plan};
use super::parking::Parking;
use crate::engine::{Attempt, AttemptId, Timestamp};

/// What one server's driver, delivery and API share with the test that holds the server.
pub(crate) struct Instruments {
    pub(crate) clock: Arc<Clock>,
    pub(crate) captured: Captured,
    pub(crate) parking: Parking,
    pub(crate) faults: Faults,
    pub(crate) overtaking: Overtaking,
    signature_clock: SignatureClock,
    recorders: Mutex<Vec<Weak<dyn Recorder>>>,
}

/// Keeps something of its own about a server, such as what a consumer received, and forgets it when the server is
/// reset.
pub(crate) trait Recorder: Send + Sync {
    /// Forgets everything.
    fn clear(&self);
}

/// An attempt on its way, with what the instruments have to say about it.
#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) attempt: Arc<Attempt>,
    /// Where the attempt is captured, if it is.
    pub(crate) record: Option<Arc<Record>>,
    /// The faults that the attempt is to meet, if any.
    pub(crate) plan: Option<Arc<Plan>>,
}

impl Instruments {
    pub(crate) fn new(
        clock: Clock,
        faults: Faults,
        bounds: Bounds,
        signature_clock: SignatureClock,
    ) -> Self {
        Self {
            clock: Arc::new(clock),
            captured: Captured::new(bounds),
            parking: Parking::default(),
            faults,
            overtaking: Overtaking::default(),
            signature_clock,
            recorders: Mutex::default(),
        }
    }

    /// From now on `recorder` is cleared together with the instruments, until it is dropped.
    pub(crate) fn add_recorder(&self, recorder: Weak<dyn Recorder>) {
        let mut recorders = self.recorders();
        recorders.retain(|it| it.strong_count() > 0);
        recorders.push(recorder);
    }

    fn recorders(&self) -> std::sync::MutexGuard<'_, Vec<Weak<dyn Recorder>>> {
        self.recorders
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The time that a signature tells when it is `now` in the server's time.
    pub(crate) fn signature_time(&self, now: Timestamp) -> Timestamp {
        match self.signature_clock {
            SignatureClock::Virtual => now,
            SignatureClock::Real => wall_time(),
        }
    }

    /// Forgets what was captured and recorded, and takes all faults away.
    pub(crate) fn clear(&self) {
        self.captured.clear();
        self.faults.clear();
        for recorder in self.recorders().iter().filter_map(Weak::upgrade) {
            recorder.clear();
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
