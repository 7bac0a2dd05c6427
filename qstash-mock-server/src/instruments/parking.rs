//! Attempts that are known to wait for the clock, so that moving the clock need not wait for them.
//!
//! A consumer of the test that hangs or answers later parks the attempt it was sent; so does a fault
//! that delays. A parked attempt is left alone until its time has come; then it is unparked, and the clock
//! waits for it again as for any other.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::HeaderMap;
use tokio::sync::{Notify, oneshot};

use crate::engine::{AccountName, AttemptId, Timestamp};

/// How a request names the attempt it is, in either dialect: message id and attempt.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Label(String, String);

impl Label {
    /// The label of a request, if it is a delivery.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let text = |name| Some(headers.get(name)?.to_str().ok()?.to_owned());
        let v1 = || Some(Self(text("qstash-message-id")?, text("qstash-attempt")?));
        let v2 = || Some(Self(text("upstash-message-id")?, text("upstash-retried")?));
        v1().or_else(v2)
    }
}

/// Which attempt a request belongs to.
#[derive(Clone, Debug)]
pub(crate) struct UnderWay {
    pub(crate) attempt: AttemptId,
    pub(crate) account: AccountName,
}

struct Parked {
    /// `None`: until the attempt is given up.
    until: Option<Timestamp>,
    wake: oneshot::Sender<()>,
}

/// The attempts that wait for the clock.
#[derive(Default)]
pub(crate) struct Parking {
    /// Consumers that the test has started; without any, nobody asks for labels.
    consumers: AtomicUsize,
    labels: Mutex<HashMap<Label, UnderWay>>,
    parked: Mutex<BTreeMap<AttemptId, Parked>>,
    /// Something was parked: whoever waits for attempts looks again.
    pub(crate) changed: Notify,
    /// Attempts that are not to be parked, and who wants to know that they would be.
    refused: Mutex<HashMap<AttemptId, Arc<Notify>>>,
}

impl Parking {
    fn parked(&self) -> MutexGuard<'_, BTreeMap<AttemptId, Parked>> {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refused(&self) -> MutexGuard<'_, HashMap<AttemptId, Arc<Notify>>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn labels(&self) -> MutexGuard<'_, HashMap<Label, UnderWay>> {
        self.labels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add_consumer(&self) {
        self.consumers.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn remove_consumer(&self) {
        self.consumers.fetch_sub(1, Ordering::Relaxed);
    }

    /// A request is about to be sent. The label is forgotten when the guard is dropped.
    pub(crate) fn announce(&self, headers: &HeaderMap, sent: UnderWay) -> Option<Announced<'_>> {
        if self.consumers.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let label = Label::of(headers)?;
        self.labels().insert(label.clone(), sent);
        Some(Announced {
            parking: self,
            label,
        })
    }

    /// Which attempt a request is, while it is under way.
    pub(crate) fn find(&self, headers: &HeaderMap) -> Option<UnderWay> {
        let label = Label::of(headers)?;
        self.labels().get(&label).cloned()
    }

    /// Waits until it is `until` on a manual clock; with `None`, for ever. Cancel safe.
    pub(crate) async fn park(&self, attempt: AttemptId, until: Option<Timestamp>) {
        let refused = self.refused().get(&attempt).cloned();
        if let Some(called) = refused {
            called.notify_one();
            // Whoever refused gives the request up.
            return std::future::pending().await;
        }
        let _leave = Leave {
            parking: self,
            attempt,
        };
        let (wake, woken) = oneshot::channel();
        self.parked().insert(attempt, Parked { until, wake });
        self.changed.notify_one();
        if woken.await.is_err() {
            // The attempt is over, or somebody else has parked it again.
            std::future::pending::<()>().await;
        }
    }

    /// From now on, and until the guard is dropped, `attempt` is not parked; see [`Unparked::called`].
    pub(crate) fn refuse(&self, attempt: AttemptId) -> Unparked<'_> {
        let called = Arc::new(Notify::new());
        self.refused().insert(attempt, Arc::clone(&called));
        Unparked {
            parking: self,
            attempt,
            called,
        }
    }

    pub(crate) fn is_parked(&self, attempt: AttemptId) -> bool {
        self.parked().contains_key(&attempt)
    }

    /// When the next one is to be woken.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.parked().values().filter_map(|it| it.until).min()
    }

    /// It is `now`: wakes those whose time has come.
    pub(crate) fn wake(&self, now: Timestamp) {
        let mut parked = self.parked();
        let due: Vec<_> = parked
            .iter()
            .filter(|(_, it)| it.until.is_some_and(|until| until <= now))
            .map(|(attempt, _)| *attempt)
            .collect();
        for attempt in due {
            if let Some(parked) = parked.remove(&attempt) {
                // Fails if it was given up meanwhile.
                let _ = parked.wake.send(());
            }
        }
    }

    /// The attempt is over: nobody waits for it any more.
    pub(crate) fn forget(&self, attempt: AttemptId) {
        self.parked().remove(&attempt);
    }
}

/// An attempt that is not to be parked.
pub(crate) struct Unparked<'a> {
    parking: &'a Parking,
    attempt: AttemptId,
    called: Arc<Notify>,
}

impl Unparked<'_> {
    /// Returns once the attempt would be parked.
    pub(crate) async fn called(&self) {
        self.called.notified().await;
    }
}

impl Drop for Unparked<'_> {
    fn drop(&mut self) {
        self.parking.refused().remove(&self.attempt);
    }
}

/// A label that can be found.
pub(crate) struct Announced<'a> {
    parking: &'a Parking,
    label: Label,
}

impl Drop for Announced<'_> {
    fn drop(&mut self) {
        self.parking.labels().remove(&self.label);
    }
}

struct Leave<'a> {
    parking: &'a Parking,
    attempt: AttemptId,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        let mut parked = self.parking.parked();
        // Somebody else may have parked it again.
        if parked
            .get(&self.attempt)
            .is_some_and(|parked| parked.wake.is_closed())
        {
            parked.remove(&self.attempt);
        }
    }
}
