//! The metrics of the whole server, for a scraper.

use super::handle::Driver;
use crate::engine::{AccountName, Metrics, QueueName};

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
