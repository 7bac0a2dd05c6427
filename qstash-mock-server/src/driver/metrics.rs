//! The metrics of the whole server, for a scraper, and what is due next, for reports.

use super::handle::Driver;
use crate::engine::{AccountName, Metrics, QueueName, QueueOutlook, Upcoming};

/// How many queues are looked at while others wait.
const PAGE: usize = 200;

impl Driver {
    /// The metrics of all queues of every account. Other callers come in between the pages, so that the figures of
    /// different queues may be of different moments.
    pub(crate) fn all_metrics(&self) -> Vec<(AccountName, Metrics)> {
        let accounts = self.lock().engine.accounts_with_queues();
        let with_metrics = |account| {
            let metrics = self.metrics_of(&account);
            (account, metrics)
        };
        accounts.into_iter().map(with_metrics).collect()
    }

    /// The messages that are due next, at most `limit`.
    pub(crate) fn upcoming(&self, limit: usize) -> Vec<Upcoming> {
        self.lock().engine.upcoming(limit)
    }

    /// What happens to the messages of a queue, if there is such a queue.
    pub(crate) fn queue_outlook(
        &self,
        account: &AccountName,
        queue: &QueueName,
    ) -> Option<QueueOutlook> {
        self.lock().engine.queue_outlook(account, queue)
    }

    fn metrics_of(&self, account: &AccountName) -> Metrics {
        let page = |after: Option<&QueueName>| {
            let core = self.lock();
            core.engine
                .metrics_page(self.now(), account, |_| true, after, PAGE)
        };
        let (mut metrics, mut next) = page(None);
        while let Some(after) = next {
            let (more, following) = page(Some(&after));
            metrics.queues.extend(more.queues);
            next = following;
        }
        metrics
    }
}
