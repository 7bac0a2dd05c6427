//! What was delivered: the newest attempts, each with its request, its answer and its times.
//!
//! Memory is bounded: [`Bounds`] says how many attempts, and how many bytes of what was published, are
//! kept; the oldest are forgotten first. Nothing is copied to be kept: a record shares the attempt with
//! the task that delivers it, and the request's headers are written again when somebody asks.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::engine::{Attempt, Outcome, Timestamp};

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Attempts; with none, nothing is captured at all.
    pub(crate) attempts: usize,
    /// Bytes of published bodies and headers.
    pub(crate) bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            attempts: 10_000,
            bytes: 64 << 20,
        }
    }
}

/// Bytes of an answer's headers that are kept.
const MAX_ANSWER_HEADERS: usize = 16 << 10;

/// One captured attempt. It is made when the attempt starts and closed when the engine has its outcome.
pub(crate) struct Record {
    pub(crate) attempt: Arc<Attempt>,
    /// The faults that the attempt is to meet.
    pub(crate) faults: Vec<&'static str>,
    began: Instant,
    /// The signature that was sent.
    pub(crate) signature: OnceLock<String>,
    /// The headers of the answer.
    pub(crate) answer_headers: OnceLock<HeaderMap>,
    pub(crate) end: OnceLock<End>,
}

/// How an attempt ended, and when.
#[derive(Clone, Debug)]
pub(crate) struct End {
    /// `None`: given up, because its time was over or the server stopped.
    pub(crate) outcome: Option<Outcome>,
    /// In the server's time.
    pub(crate) at: Timestamp,
    /// In real time.
    pub(crate) took: Duration,
}

impl Record {
    fn cost(&self) -> usize {
        let headers = self.attempt.headers.iter();
        let headers: usize = headers.map(|(name, value)| name.len() + value.len()).sum();
        self.attempt.body.len() + headers
    }

    /// Keeps the beginning of an answer's headers.
    pub(crate) fn answered(&self, mut headers: HeaderMap) {
        let mut bytes = 0;
        let fits = headers.iter().all(|(name, value)| {
            bytes += name.as_str().len() + value.len();
            bytes <= MAX_ANSWER_HEADERS
        });
        if !fits {
            headers.clear();
        }
        // A duplicate's answer comes second, and the first one counts.
        let _ = self.answer_headers.set(headers);
    }
}

/// The newest attempts, in the order in which they were started.
pub(crate) struct Captured {
    bounds: Bounds,
    ring: Mutex<Ring>,
    forgotten: AtomicU64,
    /// Something was started or has ended.
    changed: Notify,
}

#[derive(Default)]
struct Ring {
    records: VecDeque<Arc<Record>>,
    bytes: usize,
}

impl Captured {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            ring: Mutex::default(),
            forgotten: AtomicU64::new(0),
            changed: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An attempt starts; `None` if nothing is captured.
    pub(crate) fn begin(
        &self,
        attempt: &Arc<Attempt>,
        faults: Vec<&'static str>,
    ) -> Option<Arc<Record>> {
        if self.bounds.attempts == 0 {
            return None;
        }
        let record = Arc::new(Record {
            attempt: Arc::clone(attempt),
            faults,
            began: Instant::now(),
            signature: OnceLock::new(),
            answer_headers: OnceLock::new(),
            end: OnceLock::new(),
        });
        let mut ring = self.lock();
        ring.bytes += record.cost();
        ring.records.push_back(Arc::clone(&record));
        while ring.records.len() > self.bounds.attempts || ring.bytes > self.bounds.bytes {
            let Some(oldest) = ring.records.pop_front() else {
                break;
            };
            ring.bytes -= oldest.cost();
            self.forgotten.fetch_add(1, Ordering::Relaxed);
        }
        drop(ring);
        self.changed.notify_waiters();
        Some(record)
    }

    /// The engine knows how the attempt ended; `None`: it gave it up.
    pub(crate) fn end(&self, record: &Record, outcome: Option<Outcome>, at: Timestamp) {
        let took = record.began.elapsed();
        // Set before only if the attempt was given up, and then it stays so.
        let _ = record.end.set(End { outcome, at, took });
        self.changed.notify_waiters();
    }

    /// Everything that is kept.
    pub(crate) fn all(&self) -> Vec<Arc<Record>> {
        self.lock().records.iter().cloned().collect()
    }

    /// How many were forgotten for the sake of the bounds.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten.load(Ordering::Relaxed)
    }

    pub(crate) fn clear(&self) {
        *self.lock() = Ring::default();
        self.forgotten.store(0, Ordering::Relaxed);
        self.changed.notify_waiters();
    }

    /// Completes at the next change after it was made.
    pub(crate) fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.changed.notified()
    }
}
