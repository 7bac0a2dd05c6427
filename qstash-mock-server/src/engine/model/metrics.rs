//! Counters and gauges of queues (v1.md section 6).

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::model::id::QueueName;
use crate::engine::model::time::Timestamp;

/// The metrics of an account.
#[derive(Clone, Debug, PartialEq)]
pub struct Metrics {
    /// The metrics of each queue.
    pub queues: BTreeMap<QueueName, QueueMetrics>,
    /// How long ago the engine was created.
    pub uptime: Duration,
}

/// The metrics of one queue.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueueMetrics {
    /// How many messages are due and wait for their turn.
    pub ready: u64,
    /// How many messages are not due yet.
    pub delayed: u64,
    /// How many messages are in flight or leased.
    pub in_flight: u64,
    /// What has happened since the engine was created.
    pub counters: Counters,
    /// How long the first ready message has been due.
    pub oldest_ready_age: Option<Duration>,
    /// The 50th, 90th and 99th percentile of the time from publish to delivery; `None` before the first delivery. The
    /// values are lower bounds, less than an eighth below the exact ones.
    pub delivery_latency: Option<[Duration; 3]>,
}

impl QueueMetrics {
    /// How many messages are not finished.
    #[must_use]
    pub const fn pending(&self) -> u64 {
        self.ready + self.delayed + self.in_flight
    }
}

/// Counts of events since the engine was created. They never decrease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages that publishes stored.
    pub published: u64,
    /// Publishes that stored nothing, because their deduplication key was remembered.
    pub deduplicated: u64,
    /// Messages that were delivered.
    pub delivered: u64,
    /// Attempts after the first of a message.
    pub retried: u64,
    /// Messages that moved to the dead-letter queue.
    pub dead_lettered: u64,
    /// Messages that failed and that no dead-letter queue took.
    pub failed: u64,
    /// Messages that were cancelled or purged.
    pub cancelled: u64,
    /// Leases that ended without an acknowledgement.
    pub expired_leases: u64,
}

impl std::ops::AddAssign for Counters {
    fn add_assign(&mut self, other: Self) {
        self.published += other.published;
        self.deduplicated += other.deduplicated;
        self.delivered += other.delivered;
        self.retried += other.retried;
        self.dead_lettered += other.dead_lettered;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
        self.expired_leases += other.expired_leases;
    }
}

/// Counts of durations in buckets whose width grows with the duration, so that memory is bounded and the relative
/// error is under an eighth.
#[derive(Clone, Debug, Default)]
pub(crate) struct Histogram {
    buckets: BTreeMap<u16, u64>,
    count: u64,
}

impl Histogram {
    const STEPS: u32 = 8;

    pub(crate) fn record(&mut self, published: Timestamp, delivered: Timestamp) {
        let millis = u64::try_from(delivered.since(published).as_millis()).unwrap_or(u64::MAX);
        *self.buckets.entry(Self::bucket(millis)).or_default() += 1;
        self.count += 1;
    }

    /// Percentiles 50, 90 and 99.
    pub(crate) fn percentiles(&self) -> Option<[Duration; 3]> {
        (self.count > 0).then(|| [50, 90, 99].map(|percent| self.percentile(percent)))
    }

    fn percentile(&self, percent: u64) -> Duration {
        let rank = (self.count * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let found = self.buckets.iter().find(|(_, count)| {
            seen += **count;
            seen >= rank
        });
        Duration::from_millis(found.map_or(0, |(bucket, _)| Self::lower_bound(*bucket)))
    }

    /// Exact below 8 ms; then 8 buckets for each doubling.
    fn bucket(millis: u64) -> u16 {
        if millis < u64::from(Self::STEPS) {
            return millis as u16;
        }
        let exponent = millis.ilog2();
        let fraction = (millis >> (exponent - 3)) & 7;
        ((exponent - 2) * Self::STEPS) as u16 + fraction as u16
    }

    fn lower_bound(bucket: u16) -> u64 {
        let (exponent, fraction) = (u32::from(bucket) / Self::STEPS, u64::from(bucket) % 8);
        if exponent == 0 {
            fraction
        } else {
            (8 + fraction) << (exponent - 1)
        }
    }
}
