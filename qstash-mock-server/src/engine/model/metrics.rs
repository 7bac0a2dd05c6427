//! Counters and gauges, one registry per engine (v1.md section 6).

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::model::id::QueueName;
use crate::engine::model::time::Timestamp;

/// The figures of an account.
#[derive(Clone, Debug, PartialEq)]
pub struct Metrics {
    /// By queue.
    pub queues: BTreeMap<QueueName, QueueMetrics>,
    /// Since the engine was made.
    pub uptime: Duration,
}

/// The figures of one queue.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueueMetrics {
    /// Due, and not handed out.
    pub ready: u64,
    /// Not due yet.
    pub delayed: u64,
    /// Handed out: in flight or leased.
    pub in_flight: u64,
    /// What happened since the engine was made.
    pub counters: Counters,
    /// How long the first in line has been waiting.
    pub oldest_ready_age: Option<Duration>,
    /// From publishing to delivery: the 50th, 90th and 99th percentile.
    pub delivery_latency: Option<[Duration; 3]>,
}

impl QueueMetrics {
    /// Every message that is accepted and not finished.
    #[must_use]
    pub const fn pending(&self) -> u64 {
        self.ready + self.delayed + self.in_flight
    }
}

/// Counts of events; they only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages stored by a publish.
    pub published: u64,
    /// Publishes that stored nothing, because their key was known.
    pub deduplicated: u64,
    /// Messages that were done.
    pub delivered: u64,
    /// Attempts after a message's first.
    pub retried: u64,
    /// Messages that moved to the dead-letter queue.
    pub dead_lettered: u64,
    /// Messages that ran out of retries and had nowhere to go.
    pub failed: u64,
    /// Messages that were cancelled or purged.
    pub cancelled: u64,
    /// Leases that ran out.
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

/// Durations in buckets, each about a twelfth wider than the one before: bounded memory, small error.
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
