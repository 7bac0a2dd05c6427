//! An expectation, as a test writes it.

use std::panic::Location;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::criteria::{Criteria, Ending, json_check};
use super::ledger::{Entry, Handle, Ledger, Times};
use crate::engine::Timestamp;

/// What a test expects to be delivered. [`MockServer::expect`](crate::MockServer::expect) makes it.
///
/// The expectation counts the captured attempts that match, whenever they started. It is in force as soon as it is
/// made, and each method makes it more exact; by default it expects at least one attempt of any kind.
/// [`MockServer::verify`](crate::MockServer::verify) judges it. Dropping this value does not remove the expectation.
pub struct Expectation {
    entry: Handle,
    made_at: Timestamp,
}

impl std::fmt::Debug for Expectation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Expectation(..)")
    }
}

impl Expectation {
    pub(crate) fn new(ledger: &Ledger, now: Timestamp, at: &'static Location<'static>) -> Self {
        let entry = ledger.add(Entry {
            criteria: Criteria::default(),
            times: Times::AT_LEAST_ONCE,
            within: None,
            at,
        });
        Self {
            entry,
            made_at: now,
        }
    }

    fn change(self, change: impl FnOnce(&mut Entry)) -> Self {
        self.entry.change(change);
        self
    }

    /// Expects a message that is in this queue and follows its rules.
    pub fn message_to(self, queue: impl Into<String>) -> Self {
        self.change(|entry| entry.criteria.filter.queue = Some(queue.into()))
    }

    /// Expects a delivery to this URL. `*` stands for any text.
    pub fn to_url(self, url: impl Into<String>) -> Self {
        self.change(|entry| entry.criteria.filter.url = Some(url.into()))
    }

    /// Expects a message of this account.
    pub fn account(self, account: impl Into<String>) -> Self {
        self.change(|entry| entry.criteria.filter.account = Some(account.into()))
    }

    /// Expects a request with this header.
    pub fn with_header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let header = (name.into(), value.into());
        self.change(|entry| entry.criteria.filter.headers.push(header))
    }

    /// Expects a body that is the JSON of a `T` for which `matches` returns true.
    pub fn matching<T: DeserializeOwned>(
        self,
        matches: impl Fn(&T) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.change(|entry| entry.criteria.body.push(json_check(matches)))
    }

    /// Expects an attempt that the consumer processes.
    pub fn delivered(self) -> Self {
        self.change(|entry| entry.criteria.ending = Ending::Delivered)
    }

    /// Expects an attempt that fails.
    pub fn failed(self) -> Self {
        self.change(|entry| entry.criteria.ending = Ending::Failed)
    }

    /// Expects this many attempts that match: a number, or a range such as `2..`.
    pub fn times(self, times: impl Into<Times>) -> Self {
        self.change(|entry| entry.times = times.into())
    }

    /// Expects no attempt that matches.
    pub fn never(self) -> Self {
        self.times(0)
    }

    /// Counts only attempts that start at most `duration` (server's time) after the expectation was made.
    pub fn within(self, duration: Duration) -> Self {
        let latest = self.made_at + duration;
        self.change(|entry| {
            entry.criteria.latest = Some(latest);
            entry.within = Some(duration);
        })
    }
}
