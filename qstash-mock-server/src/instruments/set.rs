//! The instruments of one server.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::captured::{Bounds, Captured, Record};
use super::clock::{Clock, SignatureClock, wall_time};
use super::faults::{Faults, Overtaking, Plan};
use super::parking::Parking;
use super::refused::Refusals;
use crate::engine::{Attempt, AttemptId, Timestamp};

/// The instruments of one server, which its driver, delivery and API share with `testing`.
pub(crate) struct Instruments {
    pub(crate) clock: Arc<Clock>,
    pub(crate) captured: Captured,
    pub(crate) parking: Parking,
    pub(crate) faults: Faults,
    pub(crate) overtaking: Overtaking,
    pub(crate) refusals: Refusals,
    signature_clock: SignatureClock,
    recorders: Mutex<Vec<Weak<dyn Recorder>>>,
}

/// Something that keeps records about a server, for example the requests of a consumer, and forgets them when the
/// server is reset.
pub(crate) trait Recorder: Send + Sync {
    /// Forgets everything.
    fn clear(&self);
}

/// An attempt that is under way, with its record and its faults.
#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) attempt: Arc<Attempt>,
    /// The record of the attempt, if it is captured.
    pub(crate) record: Option<Arc<Record>>,
    /// The faults that strike the attempt, if any.
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
            refusals: Refusals::default(),
            signature_clock,
            recorders: Mutex::default(),
        }
    }

    /// Adds a recorder, which is cleared together with the instruments until it is dropped.
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

    /// The time that a signature contains when the server's clock shows `now`.
    pub(crate) fn signature_time(&self, now: Timestamp) -> Timestamp {
        match self.signature_clock {
            SignatureClock::Virtual => now,
            SignatureClock::Real => wall_time(),
        }
    }

    /// Forgets captured attempts and the records of recorders, and removes all faults.
    pub(crate) fn clear(&self) {
        self.captured.clear();
        self.faults.clear();
        self.refusals.clear();
        for recorder in self.recorders().iter().filter_map(Weak::upgrade) {
            recorder.clear();
        }
    }

    /// Captures an attempt that starts, and decides which faults strike it. Called in the order of attempts, under
    /// the engine's lock.
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

    /// Delays `attempt` by `wait` (server's time). On a manual clock the attempt is parked meanwhile. Cancel safe.
    pub(crate) async fn delay(&self, attempt: AttemptId, wait: Duration) {
        let until = self.clock.now() + wait;
        if self.clock.is_manual() {
            self.parking.park(attempt, Some(until)).await;
        } else {
            self.clock.sleep_until(until).await;
        }
    }
}
