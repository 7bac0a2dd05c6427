//! The captured deliveries of a server, and filters on them.

use std::fmt;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::delivery::Delivery;
use super::filter::Filter;
use super::journal;
use super::scene::Scene;
use super::tally::Tally;
use super::too_few::TooFew;
use super::watch::Watch;
use crate::instruments::Captured;

/// The captured deliveries of a server, in the order in which the attempts started. Each request that left is one: if a
/// [fault](super::Fault::duplicate) sends a request twice, the second one follows the first.
/// [`MockServer::deliveries`](crate::MockServer::deliveries) makes it.
///
/// It is a query, not a copy: [`all`](Self::all), [`count`](Self::count) and the like look at what is captured when
/// they are called. The filters add up: a delivery must match all of them.
#[derive(Clone)]
#[must_use = "it only selects deliveries: call `all`, `json` or `wait_for`"]
pub struct Deliveries {
    watch: Watch,
    pub(crate) filter: Filter,
    within: Option<Duration>,
}

impl fmt::Debug for Deliveries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deliveries")
            .field("filter", &self.filter)
            .finish_non_exhaustive()
    }
}

impl Deliveries {
    pub(crate) fn new(watch: Watch) -> Self {
        Self {
            watch,
            filter: Filter::default(),
            within: None,
        }
    }

    /// Selects deliveries to this URL. `*` stands for any text.
    pub fn to(mut self, url: impl Into<String>) -> Self {
        self.filter.url = Some(url.into());
        self
    }

    /// Selects deliveries of messages in this queue, whose rules they follow.
    pub fn of(mut self, queue: impl Into<String>) -> Self {
        self.filter.queue = Some(queue.into());
        self
    }

    /// Selects deliveries of this account. Default: all accounts.
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.filter.account = Some(account.into());
        self
    }

    /// Selects deliveries of the message with this id, written as a UUID or as `msg_…`.
    pub fn message(mut self, id: impl fmt::Display) -> Self {
        self.filter.message = Some(id.to_string());
        self
    }

    /// Selects deliveries that were sent with this header. Upper and lower case of the name do not matter.
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.filter.headers.push((name.into(), value.into()));
        self
    }

    /// Sets how long [`Deliveries::wait_for`] waits, in real time. Default: the server's
    /// [real-time limit](crate::MockServerBuilder::real_time_limit), 5 s.
    pub fn within(mut self, real_time: Duration) -> Self {
        self.within = Some(real_time);
        self
    }

    /// The deliveries that are captured now, including those under way.
    #[must_use]
    pub fn all(&self) -> Vec<Delivery> {
        self.matching().collect()
    }

    fn captured(&self) -> &Captured {
        &self.watch.driver().instruments().captured
    }

    fn matching(&self) -> impl DoubleEndedIterator<Item = Delivery> + '_ {
        let deliveries = self.captured().all().into_iter().map(Delivery::of);
        deliveries.filter(|it| self.filter.matches(it))
    }

    /// The first `limit` deliveries from the captured number `from` on, and whether there are more. They are in the order
    /// of capture.
    pub(crate) fn page(&self, mut from: u64, limit: usize) -> (Vec<Delivery>, bool) {
        /// How many requests are looked at under one lock.
        const SLICE: usize = 1_000;
        let mut page = Vec::new();
        loop {
            let slice = self.captured().since_number(from, SLICE);
            let Some(last) = slice.last() else {
                return (page, false);
            };
            from = last.number + 1;
            let mut found = slice.into_iter().map(Delivery::of);
            while let Some(delivery) = found.find(|it| self.filter.matches(it)) {
                if page.len() == limit {
                    return (page, true);
                }
                page.push(delivery);
            }
        }
    }

    fn over(&self) -> Vec<Delivery> {
        self.matching().filter(Delivery::is_over).collect()
    }

    /// How many deliveries are captured now, including those under way.
    #[must_use]
    pub fn count(&self) -> usize {
        self.matching().count()
    }

    /// The delivery that started last.
    #[must_use]
    pub fn last(&self) -> Option<Delivery> {
        self.matching().next_back()
    }

    /// The bodies of the deliveries, parsed as JSON.
    ///
    /// # Errors
    /// A body is not the JSON of a `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<Vec<T>, serde_json::Error> {
        self.all().iter().map(Delivery::json).collect()
    }

    /// Waits until at least `count` deliveries are over, and returns those that are. It waits for
    /// [`Deliveries::within`] at most, in real time.
    ///
    /// On an automatic clock the server skips idle time meanwhile. On a manual clock time stands still, so only
    /// messages that are due now can be delivered; once nothing is due or in flight, the wait is over at once. If
    /// somebody else will publish meanwhile, for example a task of the program under test, set [`Deliveries::within`]:
    /// then the wait lasts as long as that.
    ///
    /// Cancel safe: dropping the future loses nothing, though an automatic clock stays where it has got to.
    ///
    /// # Errors
    /// Fewer deliveries are over when the wait ends. The error shows those that matched.
    pub async fn wait_for(&self, count: usize) -> Result<Vec<Delivery>, TooFew> {
        let captured = self.captured();
        let counted = |delivery: &Delivery| delivery.is_over() && self.filter.matches(delivery);
        let mut tally = Tally::new([counted]);
        // How many were counted and then forgotten, because a bound was reached.
        let mut forgotten = 0;
        let mut found = None;
        let enough = || {
            let seen: usize = tally.counts(captured).sum();
            if seen.saturating_sub(forgotten) >= count {
                let over = self.over();
                forgotten = seen.saturating_sub(over.len());
                found = Some(over).filter(|over| over.len() >= count);
            }
            found.is_some()
        };
        let ended = self.watch.until(self.within, enough).await;
        if let Some(found) = found {
            return Ok(found);
        }
        Err(TooFew {
            wanted: count,
            filter: self.filter.clone(),
            matching: self.all(),
            ended,
            own_limit: self.within.is_some(),
            scene: Box::new(Scene::of(&self.watch)),
        })
    }

    /// A text of the deliveries that is the same in every run with the same seed, a manual clock and the same calls.
    /// It has one line for each attempt, with times of the server and without ports, real times and signatures.
    ///
    /// The lines are ordered by time, message and attempt. `names` are pairs of a URL and the name that the text
    /// shows instead of it.
    #[must_use]
    pub fn journal<'a>(&self, names: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
        journal::write(&self.all(), &names.into_iter().collect::<Vec<_>>())
    }
}

impl IntoIterator for Deliveries {
    type Item = Delivery;
    type IntoIter = std::vec::IntoIter<Delivery>;

    fn into_iter(self) -> Self::IntoIter {
        self.all().into_iter()
    }
}
