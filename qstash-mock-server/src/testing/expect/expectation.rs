//! An expectation as a test writes it.

use std::panic::Location;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::criteria::{Criteria, Ending, json_check};
use super::ledger::{Entry, Handle, Ledger, Times};
use crate::engine::Timestamp;

/// What a test expects to be delivered; made by [`MockServer::expect`](crate::MockServer::expect).
///
/// It is in force from the start, and every method makes it more exact. Unless told otherwise it expects
/// at least one attempt. [`MockServer::verify`](crate::MockServer::verify) judges it; dropping it changes
/// nothing.
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

    /// The message belongs to this queue.
    pub fn message_to(self, queue: impl Into<String>) -> Self {
        self.change(|entry| entry.criteria.filter.queue = Some(queue.into()))
    }

    /// The message goes to this URL. `*` stands for any text.
    pub fn to_url(self, url: impl Into<String>) -> Self {
        self.change(|entry| entry.criteria.filter.url = Some(url.into()))
    }

    /// The message belongs to this account.
    pub fn account(self, account: impl Into<String>) -> Self {
        self.change(|entry| entry.criteria.filter.account = Some(account.into()))
    }

    /// The request carries this header.
    pub fn with_header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let header = (name.into(), value.into());
        self.change(|entry| entry.criteria.filter.headers.push(header))
    }

    /// The body is the JSON of a `T` for which `matches` says yes.
    pub fn matching<T: DeserializeOwned>(
        self,
        matches: impl Fn(&T) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.change(|entry| entry.criteria.body.push(json_check(matches)))
    }

    /// The consumer takes it.
    pub fn delivered(self) -> Self {
        self.change(|entry| entry.criteria.ending = Ending::Delivered)
    }

    /// The attempt fails.
    pub fn failed(self) -> Self {
        self.change(|entry| entry.criteria.ending = Ending::Failed)
    }

    /// The test expects as many deliveries as this: a number, or a range such as `2..`.
    pub fn times(self, times: impl Into<Times>) -> Self {
        self.change(|entry| entry.times = times.into())
    }

    /// The test expects no such delivery.
    pub fn never(self) -> Self {
        self.times(0)
    }

    /// Only attempts count that are started within this time, the server's, from when the expectation was
    /// made.
    pub fn within(self, duration: Duration) -> Self {
        let latest = self.made_at + duration;
        self.change(|entry| {
            entry.criteria.latest = Some(latest);
            entry.within = Some(duration);
        })
    }
}
