//! Flow-control keys: limits that messages share (v2.md sections 2.10 and 3.7).
//!
//! A window opens, to the millisecond, when the first delivery starts after the previous window has ended. It lasts
//! exactly one period. Every attempt, including retries, counts against the parallelism and the rate.

use std::sync::Arc;
use std::time::Duration;

use super::carried_rules::FlowControl;
use super::id::FlowKeyId;
use super::time::Timestamp;

/// A flow-control key with its limits and its window.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowKey {
    /// The key's account and text.
    pub id: FlowKeyId,
    /// The most deliveries that may be unanswered at the same time; `None` means no limit.
    pub parallelism: Option<u32>,
    /// The most deliveries that may start within one window; `None` means no limit.
    pub rate: Option<u32>,
    /// The length of a window.
    pub period: Duration,
    /// Whether no delivery starts, because a caller paused the key.
    pub paused: bool,
    /// Whether the parallelism is pinned: values in publishes do not change it.
    pub pinned_parallelism: bool,
    /// Whether rate and period are pinned: values in publishes do not change them.
    pub pinned_rate: bool,
    /// When the newest window opened.
    pub window_start: Option<Timestamp>,
    /// How many deliveries have started in the newest window.
    pub rate_count: u32,
    /// When a publish last named the key, a delivery started under it, or a caller managed it.
    pub used_at: Timestamp,
}

/// A flow-control key as callers see it.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowKeyView {
    /// The key with its limits and its window.
    pub key: FlowKey,
    /// How many messages wait for the key.
    pub waiting: usize,
    /// How many deliveries are unanswered.
    pub calls: u32,
}

/// Commands on flow-control keys.
#[derive(Clone, Debug, PartialEq)]
pub enum FlowAction {
    /// Read a page of keys, ordered by name. Answers `Reply::FlowKeys`.
    List {
        /// A text that the key must contain.
        search: Option<String>,
        /// Only keys after this one.
        after: Option<Arc<str>>,
        /// The most keys of the page.
        limit: usize,
    },
    /// Read one key. Answers `Reply::FlowKeys` with one entry.
    Get(Arc<str>),
    /// Pause or resume deliveries. Answers `Reply::Done`.
    SetPaused(Arc<str>, bool),
    /// Pin values, so that publishes do not change them, and begin a new window. Answers `Reply::Done`.
    Pin {
        /// Which key. The engine creates it if it does not exist.
        key: Arc<str>,
        /// The parallelism to pin.
        parallelism: Option<u32>,
        /// The rate to pin.
        rate: Option<u32>,
        /// The period to pin.
        period: Option<Duration>,
    },
    /// Let publishes change values again. Answers `Reply::Done`.
    Unpin {
        /// Which key.
        key: Arc<str>,
        /// Whether to unpin the parallelism.
        parallelism: bool,
        /// Whether to unpin the rate and the period.
        rate: bool,
    },
    /// Begin a new window, in which no delivery has started. Answers `Reply::Done`.
    ResetRate(Arc<str>),
}

impl FlowAction {
    /// Whether the command changes nothing.
    pub(crate) const fn is_read(&self) -> bool {
        match self {
            Self::List { .. } | Self::Get(_) => true,
            Self::SetPaused(..) | Self::Pin { .. } | Self::Unpin { .. } | Self::ResetRate(_) => {
                false
            }
        }
    }
}

/// How long a key lets no delivery start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// Until a caller resumes the key or a delivery ends.
    ForNow,
    /// Until the window ends.
    Until(Timestamp),
}

/// How long a key stays visible that no publish and no delivery uses.
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

    /// Takes over the limits of a publish, except pinned ones.
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

    /// When the newest window ends; `None` if it has ended at `now`.
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
