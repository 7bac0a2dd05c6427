//! The expectations of one server.

use std::fmt;
use std::ops::{Bound, RangeBounds};
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::super::delivery::Delivery;
use super::super::tally::Tally;
use super::super::watch::Watch;
use super::criteria::Criteria;
use super::report::{Judged, Missed, Unmet};
use crate::driver::Driver;
use crate::instruments::Recorder;

/// How many deliveries a test expects: a number or a range. Numbers and ranges of `usize` convert into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    least: usize,
    most: usize,
}

impl Times {
    pub(super) const AT_LEAST_ONCE: Self = Self {
        least: 1,
        most: usize::MAX,
    };

    pub(super) const fn contains(self, count: usize) -> bool {
        self.least <= count && count <= self.most
    }

    /// Whether there is no upper bound, so that further deliveries cannot be too many.
    pub(super) const fn is_open(self) -> bool {
        self.most == usize::MAX
    }

    fn of_range(range: &impl RangeBounds<usize>) -> Self {
        Self {
            least: match range.start_bound() {
                Bound::Included(least) => *least,
                Bound::Excluded(least) => least.saturating_add(1),
                Bound::Unbounded => 0,
            },
            most: match range.end_bound() {
                Bound::Included(most) => *most,
                Bound::Excluded(most) => most.saturating_sub(1),
                Bound::Unbounded => usize::MAX,
            },
        }
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.least, self.most) {
            (0, 0) => f.write_str("never"),
            (least, usize::MAX) => write!(f, "at least {least} times"),
            (least, most) if least == most => write!(f, "{least} times"),
            (least, most) => write!(f, "{least} to {most} times"),
        }
    }
}

impl From<usize> for Times {
    fn from(times: usize) -> Self {
        Self {
            least: times,
            most: times,
        }
    }
}

macro_rules! times_of_range {
    ($($range:ty),*) => {$(
        impl From<$range> for Times {
            fn from(range: $range) -> Self {
                Self::of_range(&range)
            }
        }
    )*};
}

times_of_range!(
    std::ops::Range<usize>,
    std::ops::RangeInclusive<usize>,
    std::ops::RangeFrom<usize>,
    std::ops::RangeTo<usize>,
    std::ops::RangeToInclusive<usize>,
    std::ops::RangeFull
);

/// One expectation.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) criteria: Criteria,
    pub(super) times: Times,
    /// The time of [`Expectation::within`](super::Expectation::within), in the server's time.
    pub(super) within: Option<Duration>,
    pub(super) at: &'static Location<'static>,
}

/// A handle on one expectation of a ledger, for changes.
pub(super) struct Handle {
    entry: Arc<Mutex<Entry>>,
    version: Arc<AtomicU64>,
}

impl Handle {
    pub(super) fn change(&self, change: impl FnOnce(&mut Entry)) {
        change(&mut lock(&self.entry));
        self.version.fetch_add(1, Ordering::SeqCst);
    }
}

/// All expectations of one server.
#[derive(Default)]
pub(crate) struct Ledger {
    entries: Mutex<Vec<Arc<Mutex<Entry>>>>,
    /// A number that grows with each change.
    version: Arc<AtomicU64>,
}

impl Recorder for Ledger {
    fn clear(&self) {
        self.lock().clear();
        self.version.fetch_add(1, Ordering::SeqCst);
    }
}

impl Ledger {
    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Mutex<Entry>>>> {
        lock(&self.entries)
    }

    pub(super) fn add(&self, entry: Entry) -> Handle {
        let entry = Arc::new(Mutex::new(entry));
        self.lock().push(Arc::clone(&entry));
        let version = Arc::clone(&self.version);
        version.fetch_add(1, Ordering::SeqCst);
        Handle { entry, version }
    }

    fn entries(&self) -> Vec<Entry> {
        let entries = self.lock();
        entries.iter().map(|entry| lock(entry).clone()).collect()
    }

    /// The longest time that an expectation gives, in the server's time.
    pub(crate) fn longest(&self) -> Option<Duration> {
        self.entries().iter().filter_map(|entry| entry.within).max()
    }

    /// A check whether all expectations are met for good. An expectation that bounds both the time and the most
    /// deliveries is never met for good before the time is over.
    pub(crate) fn met_for_good<'a>(&'a self, driver: &'a Driver) -> impl FnMut() -> bool + 'a {
        let mut known = None;
        move || {
            let version = self.version.load(Ordering::SeqCst);
            let (entries, tally) = match &mut known {
                Some((of, entries, tally)) if *of == version => (entries, tally),
                // The expectations have changed.
                known => {
                    let entries = self.entries();
                    let checks = entries.iter().map(|entry| {
                        let criteria = entry.criteria.clone();
                        move |delivery: &Delivery| criteria.matches(delivery)
                    });
                    let tally = Tally::new(checks);
                    let (_, entries, tally) = known.insert((version, entries, tally));
                    (entries, tally)
                }
            };
            let counts = tally.counts(&driver.instruments().captured);
            entries.iter().zip(counts).all(|(entry, count)| {
                let stays = entry.times.is_open() || entry.within.is_none();
                stays && entry.times.contains(count)
            })
        }
    }

    /// Forgets all expectations, and returns whether there were any.
    pub(crate) fn forget(&self) -> bool {
        let any = !self.lock().is_empty();
        self.clear();
        any
    }

    /// Judges all expectations by what is captured, and removes them, so that each is judged once.
    pub(crate) fn judge(&self, watch: &Watch, judged: Judged) -> Result<(), Unmet> {
        let entries = self.entries();
        self.clear();
        if entries.is_empty() {
            return Ok(());
        }
        let deliveries = deliveries(watch.driver());
        let missed = |entry: &Entry| {
            let matching = deliveries.iter().filter(|it| entry.criteria.matches(it));
            let count = matching.count();
            let met = entry.times.contains(count);
            (!met).then(|| Missed::of(entry, count, &deliveries))
        };
        let missed: Vec<Missed> = entries.iter().filter_map(missed).collect();
        if missed.is_empty() {
            Ok(())
        } else {
            Err(Unmet::new(missed, judged, watch))
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn deliveries(driver: &Driver) -> Vec<Delivery> {
    let captured = driver.instruments().captured.all();
    captured.into_iter().map(Delivery::of).collect()
}
