//! Flow-control keys: limits that messages share (v2.md sections 2.10 and 3.7).
//!
//! A window opens, to the millisecond, at the first start after the previous one ended and lasts
//! exactly one period. Every attempt, retries included, takes a slot and a unit of the rate.

use std::sync::Arc;
use std::time::Duration;

use super::carried_rules::FlowControl;
use super::id::FlowKeyId;
use super::time::Timestamp;

/// A flow-control key and its limits.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowKey {
    /// Its name.
    pub id: FlowKeyId,
    /// Unanswered deliveries at once.
    pub parallelism: Option<u32>,
    /// Deliveries started in a window.
    pub rate: Option<u32>,
    /// The length of a window.
    pub period: Duration,
    /// Nothing is started.
    pub paused: bool,
    /// The parallelism is fixed, whatever messages say.
    pub pinned_parallelism: bool,
    /// Rate and period are fixed, whatever messages say.
    pub pinned_rate: bool,
    /// When the newest window opened.
    pub window_start: Option<Timestamp>,
    /// Deliveries started in it.
    pub rate_count: u32,
    /// When a message last named it or was started under it, or somebody managed it.
    pub used_at: Timestamp,
}

/// A flow-control key as callers see it.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowKeyView {
    /// Its limits and its window.
    pub key: FlowKey,
    /// Messages that wait for it.
    pub waiting: usize,
    /// Unanswered deliveries.
    pub calls: u32,
}

/// What can be done with flow-control keys.
#[derive(Clone, Debug)]
pub enum FlowAction {
    /// A page of those whose name holds the text. Answers `Reply::FlowKeys`.
    List {
        /// What the name must hold.
        search: Option<String>,
        /// Only names after this one.
        after: Option<Arc<str>>,
        /// At most so many.
        limit: usize,
    },
    /// Answers `Reply::FlowKeys`] with one.
    Get(Arc<str>),
    /// Hold or release deliveries. Answers `Reply::Done`.
    SetPaused(Arc<str>, bool),
    /// Fix values, ignore those of messages, begin a new window. Answers `Reply::Done`.
    Pin {
        /// Which key; made if absent.
        key: Arc<str>,
        /// Fix the parallelism.
        parallelism: Option<u32>,
        /// Fix the rate.
        rate: Option<u32>,
        /// Fix the period.
        period: Option<Duration>,
    },
    /// Let messages bring values again. Answers `Reply::Done`.
    Unpin {
        /// Which key.
        key: Arc<str>,
        /// Their parallelism.
        parallelism: bool,
        /// Their rate and period.
        rate: bool,
    },
    /// Begin a new window with nothing started in it. Answers `Reply::Done`.
    ResetRate(Arc<str>),
}

impl FlowAction {
    /// Whether it only looks.
    pub(crate) const fn is_read(&self) -> bool {
        match self {
            Self::List { .. } | Self::Get(_) => true,
            Self::SetPaused(..) | Self::Pin { .. } | Self::Unpin { .. } | Self::ResetRate(_) => {
                false
            }
        }
    }
}

/// Why a key lets nothing through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// Until somebody resumes it or a call ends.
    ForNow,
    /// Until the window turns.
    Until(Timestamp),
}

/// A key without traffic stays visible so long.
pub(crate) const KEPT_UNUSED: Duration = Duration::from_secs(600);

impl FlowKey {
    pub(crate) fn new(id: FlowKeyId, now: Timestamp) -> Self {
        Self {
            id,
            parallelism: None,
            rate: None,
            period: FlowControl::DEFAULT_PERIOD,
            paused: false,
            pinned_parallelism: false,
            pinned_rate: false,
            window_start: None,
            rate_count: 0,
            used_at: now,
        }
    }

    /// Takes over what a message says, where nothing is pinned.
    pub(crate) fn adopt(&mut self, now: Timestamp, wanted: &FlowControl) {
        self.used_at = now;
        if !self.pinned_parallelism {
            self.parallelism = wanted.parallelism;
        }
        if !self.pinned_rate {
            self.rate = wanted.rate;
            self.period = wanted.period;
        }
    }

    /// When the newest window ends, if it has not.
    #[must_use]
    pub fn window_end(&self, now: Timestamp) -> Option<Timestamp> {
        let end = self.window_start? + self.period;
        (end > now).then_some(end)
    }

    pub(crate) fn closed(&self, now: Timestamp, calls: u32) -> Option<Closed> {
        if self.paused || self.parallelism.is_some_and(|most| calls >= most) {
            return Some(Closed::ForNow);
        }
        let end = self.window_end(now)?;
        let used_up = self.rate.is_some_and(|rate| self.rate_count >= rate);
        used_up.then_some(Closed::Until(end))
    }

    /// Counts a start.
    pub(crate) fn start(&mut self, now: Timestamp) {
        if self.window_end(now).is_none() {
            self.window_start = Some(now);
            self.rate_count = 0;
        }
        self.rate_count = self.rate_count.saturating_add(1);
        self.used_at = now;
    }

    pub(crate) fn begin_window(&mut self, now: Timestamp) {
        self.window_start = Some(now);
        self.rate_count = 0;
    }

    pub(crate) const fn is_kept(&self) -> bool {
        self.paused || self.pinned_parallelism || self.pinned_rate
    }
}
