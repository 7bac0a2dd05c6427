//! Parked attempts: those that wait for the clock, so that a call that moves the clock does not wait for them.
//!
//! A consumer of the test that hangs or answers later parks its attempt, and so does a fault that delays one. When
//! the time of a parked attempt has come, it is unparked, and calls that move the clock wait for it again.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::HeaderMap;
use tokio::sync::{Notify, oneshot};

use crate::engine::{AccountName, AttemptId, Timestamp};

/// The message id and the attempt number by which a request of either dialect names its attempt.
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
    /// When the attempt is woken; `None` means not before it is given up.
    until: Option<Timestamp>,
    wake: oneshot::Sender<()>,
}

/// The attempts that wait for the clock.
#[derive(Default)]
pub(crate) struct Parking {
    /// How many consumers the test has started. Labels are kept only if there is one.
    consumers: AtomicUsize,
    labels: Mutex<HashMap<Label, UnderWay>>,
    parked: Mutex<BTreeMap<AttemptId, Parked>>,
    /// Notified when an attempt is parked, so that those who wait for attempts look again. They begin to listen before
    /// they look.
    pub(crate) changed: Notify,
    /// Attempts that must not be parked, and how to report that they would be.
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

    /// Notes the label of a request that is about to be sent, until the guard is dropped.
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

    /// The attempt of a request that is under way.
    pub(crate) fn find(&self, headers: &HeaderMap) -> Option<UnderWay> {
        let label = Label::of(headers)?;
        self.labels().get(&label).cloned()
    }

    /// Parks an attempt until a manual clock shows `until`; with `None`, for ever. Cancel safe.
    pub(crate) async fn park(&self, attempt: AttemptId, until: Option<Timestamp>) {
        let refused = self.refused().get(&attempt).cloned();
        if let Some(called) = refused {
            called.notify_one();
            // The holder of `Unparked` gives the request up.
            return std::future::pending().await;
        }
        let _leave = Leave {
            parking: self,
            attempt,
        };
        let (wake, woken) = oneshot::channel();
        self.parked().insert(attempt, Parked { until, wake });
        self.changed.notify_waiters();
        if woken.await.is_err() {
            // The attempt is over, or was parked again.
            std::future::pending::<()>().await;
        }
    }

    /// Keeps `attempt` from being parked until the guard is dropped; see [`Unparked::called`].
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

    /// When the next parked attempt is to be woken.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.parked().values().filter_map(|it| it.until).min()
    }

    /// Wakes the attempts whose time has come at `now`.
    pub(crate) fn wake(&self, now: Timestamp) {
        let mut parked = self.parked();
        let due: Vec<_> = parked
            .iter()
            .filter(|(_, it)| it.until.is_some_and(|until| until <= now))
            .map(|(attempt, _)| *attempt)
            .collect();
        for attempt in due {
            if let Some(parked) = parked.remove(&attempt) {
                // Fails if the attempt was given up meanwhile.
                let _ = parked.wake.send(());
            }
        }
    }

    /// Forgets an attempt that is over.
    pub(crate) fn forget(&self, attempt: AttemptId) {
        self.parked().remove(&attempt);
    }
}

/// A guard that keeps an attempt from being parked.
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
        // The attempt may have been parked again.
        if parked
            .get(&self.attempt)
            .is_some_and(|parked| parked.wake.is_closed())
        {
            parked.remove(&self.attempt);
        }
    }
}
