//! Captured attempts: the newest ones, each with its request, its answer and its times.
//!
//! Memory is bounded: [`Bounds`] says how many attempts, and how many bytes of published bodies and headers, are
//! kept. The oldest are forgotten first. A record shares the attempt with the task that delivers it; the request's
//! headers are not stored, but written again when a test asks for them.
//!
//! Each request that left is a record: if a fault sends one twice, there are two.
//!
//! A test that waits for attempts keeps a [`Cursor`] and gets the changes since its last look. So it looks at each
//! attempt twice, when the attempt starts and when it is over, and not at every change of any attempt.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::engine::{Attempt, Outcome, Timestamp};

/// The bounds on captured attempts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// How many attempts are kept; 0 captures nothing.
    pub(crate) attempts: usize,
    /// How many bytes of published bodies and headers are kept.
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

/// The most bytes of an answer's headers that are kept.
const MAX_ANSWER_HEADERS: usize = 16 << 10;

/// One captured attempt. It is made when the attempt starts and closed when the engine has its outcome.
pub(crate) struct Record {
    /// The record's number, in the order of capture.
    pub(crate) number: u64,
    /// If a fault has sent the request of an attempt again: the number of the record of the first request.
    duplicate_of: Option<u64>,
    /// The record of the request that a fault has sent again.
    duplicate: OnceLock<Arc<Self>>,
    /// When the request left, if that was later than the start of the attempt.
    sent_at: Option<Timestamp>,
    pub(crate) attempt: Arc<Attempt>,
    /// The names of the faults that strike the attempt.
    pub(crate) faults: Vec<&'static str>,
    began: Instant,
    /// The real-time limit that was over before the consumer answered, if a call that moved the clock has waited in vain.
    waited: OnceLock<Duration>,
    /// The signature that was sent.
    pub(crate) signature: OnceLock<String>,
    /// The body that is delivered, once it was read.
    body: OnceLock<Bytes>,
    /// The headers of the answer.
    pub(crate) answer_headers: OnceLock<HeaderMap>,
    pub(crate) end: OnceLock<End>,
}

/// How an attempt ended, and when.
#[derive(Clone, Debug)]
pub(crate) struct End {
    /// The outcome; `None` if the attempt was given up, because its timeout had passed, or the server was reset or
    /// restored from a snapshot.
    pub(crate) outcome: Option<Outcome>,
    /// When the attempt was over, in the server's time.
    pub(crate) at: Timestamp,
    /// How long the attempt took, in real time.
    pub(crate) took: Duration,
}

impl Record {
    /// The body that is delivered; empty until it was read.
    pub(crate) fn body(&self) -> &Bytes {
        static UNREAD: Bytes = Bytes::new();
        self.body.get().unwrap_or(&UNREAD)
    }

    /// Whether a fault has sent the request of the attempt once more.
    pub(crate) const fn is_duplicate(&self) -> bool {
        self.duplicate_of.is_some()
    }

    /// When the request was sent, in the server's time.
    pub(crate) fn started_at(&self) -> Timestamp {
        self.sent_at.unwrap_or(self.attempt.started_at)
    }

    /// Notes that a call which moves the clock has waited so long in vain.
    pub(crate) fn waited_in_vain(&self, limit: Duration) {
        // Fails if it was noted before.
        let _ = self.waited.set(limit);
    }

    /// How long, in real time, a call that moved the clock has waited in vain.
    pub(crate) fn waited(&self) -> Option<Duration> {
        self.waited.get().copied()
    }

    /// The place of the record in the order of the attempts: a duplicate follows its first request.
    fn order(&self) -> (u64, u64) {
        (self.duplicate_of.unwrap_or(self.number), self.number)
    }

    fn cost(&self) -> usize {
        let headers = self.attempt.headers.iter();
        let headers: usize = headers.map(|(name, value)| name.len() + value.len()).sum();
        self.attempt.body_length + headers
    }

    /// Keeps an answer's headers, if they are not too large.
    pub(crate) fn answered(&self, mut headers: HeaderMap) {
        let mut bytes = 0;
        let fits = headers.iter().all(|(name, value)| {
            bytes += name.as_str().len() + value.len();
            bytes <= MAX_ANSWER_HEADERS
        });
        if !fits {
            headers.clear();
        }
        // A request is answered once.
        let _ = self.answer_headers.set(headers);
    }
}

/// The newest attempts, in the order in which they were started.
pub(crate) struct Captured {
    bounds: Bounds,
    ring: Mutex<Ring>,
    forgotten: AtomicU64,
    /// Notified when an attempt starts or is over.
    changed: Notify,
}

#[derive(Default)]
struct Ring {
    records: VecDeque<Arc<Record>>,
    bytes: usize,
    /// The number of the next record.
    next: u64,
    /// The newest changes of records, oldest first.
    changes: VecDeque<Change>,
    /// The number of the first of `changes`.
    first_change: u64,
}

#[derive(Clone, Copy)]
struct Change {
    record: u64,
    last: bool,
}

/// How far a test has looked at the changes.
#[derive(Default)]
pub(crate) struct Cursor(Option<u64>);

/// The changes since a test's last look.
pub(crate) struct News {
    /// True if `changed` has everything that is kept, so that what the test saw before no longer counts.
    pub(crate) again: bool,
    /// The attempts that have changed, each with whether this was its last change. An attempt changes when it starts
    /// and when it is over.
    pub(crate) changed: Vec<(Arc<Record>, bool)>,
}

impl Ring {
    fn change(&mut self, record: u64, last: bool, most: usize) {
        self.changes.push_back(Change { record, last });
        while self.changes.len() > most {
            self.changes.pop_front();
            self.first_change += 1;
        }
    }

    fn next_change(&self) -> u64 {
        self.first_change + self.changes.len() as u64
    }

    /// The record of that number, unless it was forgotten.
    fn record(&self, number: u64) -> Option<&Arc<Record>> {
        let first = self.records.front()?.number;
        let index = usize::try_from(number.checked_sub(first)?).ok()?;
        self.records.get(index)
    }
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

    /// Captures an attempt that starts; `None` if nothing is captured.
    pub(crate) fn begin(
        &self,
        attempt: &Arc<Attempt>,
        faults: Vec<&'static str>,
    ) -> Option<Arc<Record>> {
        let keeps = self.bounds.attempts > 0;
        keeps.then(|| self.add(attempt, faults, None, None))
    }

    /// Captures a request that a fault sends again at `now`. It has the body and the signature of the first one.
    pub(crate) fn begin_duplicate(&self, first: &Record, now: Timestamp) -> Arc<Record> {
        let faults = first.faults.clone();
        let record = self.add(&first.attempt, faults, Some(first.number), Some(now));
        if let Some(signature) = first.signature.get() {
            // The record is new, so it has none.
            let _ = record.signature.set(signature.clone());
        }
        // Never fails: a request is sent twice at most.
        let _ = first.duplicate.set(Arc::clone(&record));
        self.read(&record, first.body().clone());
        record
    }

    fn add(
        &self,
        attempt: &Arc<Attempt>,
        faults: Vec<&'static str>,
        duplicate_of: Option<u64>,
        sent_at: Option<Timestamp>,
    ) -> Arc<Record> {
        let mut ring = self.lock();
        let record = Arc::new(Record {
            number: ring.next,
            duplicate_of,
            duplicate: OnceLock::new(),
            sent_at,
            attempt: Arc::clone(attempt),
            faults,
            began: Instant::now(),
            waited: OnceLock::new(),
            signature: OnceLock::new(),
            body: OnceLock::new(),
            answer_headers: OnceLock::new(),
            end: OnceLock::new(),
        });
        ring.next += 1;
        ring.bytes += record.cost();
        ring.records.push_back(Arc::clone(&record));
        while ring.records.len() > self.bounds.attempts || ring.bytes > self.bounds.bytes {
            let Some(oldest) = ring.records.pop_front() else {
                break;
            };
            ring.bytes -= oldest.cost();
            self.forgotten.fetch_add(1, Ordering::Relaxed);
        }
        record
    }

    /// Keeps the body of an attempt, once it was read, and notifies waiting tests.
    pub(crate) fn read(&self, record: &Record, body: Bytes) {
        let mut ring = self.lock();
        if record.body.set(body).is_ok() {
            ring.change(record.number, false, self.most_changes());
        }
        drop(ring);
        self.changed.notify_waiters();
    }

    /// Closes a record once the engine has the outcome; `None` if the engine gave the attempt up, and with it the request
    /// that a fault has sent again.
    pub(crate) fn end(&self, record: &Record, outcome: Option<Outcome>, at: Timestamp) {
        if let Some(duplicate) = record.duplicate.get().filter(|_| outcome.is_none()) {
            self.end(duplicate, None, at);
        }
        let took = record.began.elapsed();
        let mut ring = self.lock();
        // Fails if the attempt was given up before: then that stays.
        if record.end.set(End { outcome, at, took }).is_ok() {
            ring.change(record.number, true, self.most_changes());
        }
        drop(ring);
        self.changed.notify_waiters();
    }

    /// How many changes are kept: each attempt has two.
    fn most_changes(&self) -> usize {
        self.bounds.attempts.saturating_mul(2)
    }

    /// The changes since the last use of `cursor`; for a new cursor, everything that is kept.
    pub(crate) fn since(&self, cursor: &mut Cursor) -> News {
        let ring = self.lock();
        let looked_at = cursor.0.replace(ring.next_change());
        let next = looked_at.filter(|next| *next >= ring.first_change);
        let Some(next) = next else {
            let changed = |record: &Arc<Record>| (Arc::clone(record), record.end.get().is_some());
            return News {
                again: true,
                changed: ring.records.iter().map(changed).collect(),
            };
        };
        let skipped = usize::try_from(next - ring.first_change).unwrap_or(usize::MAX);
        let changed =
            |change: &Change| Some((Arc::clone(ring.record(change.record)?), change.last));
        News {
            again: false,
            changed: ring
                .changes
                .iter()
                .skip(skipped)
                .filter_map(changed)
                .collect(),
        }
    }

    /// Everything that is kept, in the order of the attempts; a duplicate follows its first request.
    pub(crate) fn all(&self) -> Vec<Arc<Record>> {
        let mut all: Vec<_> = self.lock().records.iter().cloned().collect();
        all.sort_by_key(|it| it.order());
        all
    }

    /// The records of number `from` and later, at most `most` of them, in the order of capture.
    pub(crate) fn since_number(&self, from: u64, most: usize) -> Vec<Arc<Record>> {
        let ring = self.lock();
        let first = ring.records.partition_point(|it| it.number < from);
        ring.records
            .iter()
            .skip(first)
            .take(most)
            .cloned()
            .collect()
    }

    /// How many records were forgotten because a bound was reached.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten.load(Ordering::Relaxed)
    }

    /// Forgets all records, and returns how many there were.
    pub(crate) fn clear(&self) -> usize {
        let mut ring = self.lock();
        let cleared = std::mem::take(&mut ring.records).len();
        ring.bytes = 0;
        // Skips one number, so that no cursor stays valid.
        ring.first_change = ring.next_change() + 1;
        ring.changes.clear();
        drop(ring);
        self.forgotten.store(0, Ordering::Relaxed);
        self.changed.notify_waiters();
        cleared
    }

    /// A future that completes at the next change after it was made.
    pub(crate) fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.changed.notified()
    }
}
