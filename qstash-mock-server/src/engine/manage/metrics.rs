//! Counters and gauges of an account (v1.md section 6).

use std::ops::Bound;

use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::id::{AccountName, QueueName};
use crate::engine::model::metrics::Metrics;
use crate::engine::model::time::Timestamp;
use crate::engine::reply::Reply;

impl Engine {
    pub(crate) fn metrics(
        &self,
        now: Timestamp,
        caller: &Caller,
        after: Option<&QueueName>,
        limit: usize,
    ) -> Result<Reply, Error> {
        caller.check_permission(Permission::Metrics)?;
        let sees = |name: &QueueName| caller.sees(name);
        let (metrics, next) = self.metrics_page(now, &caller.account, sees, after, limit);
        Ok(Reply::Metrics {
            metrics: Box::new(metrics),
            next,
        })
    }

    /// The metrics of a page of queues, ordered by name, and the cursor of the next page.
    pub(crate) fn metrics_page(
        &self,
        now: Timestamp,
        account: &AccountName,
        sees: impl Fn(&QueueName) -> bool,
        after: Option<&QueueName>,
        limit: usize,
    ) -> (Metrics, Option<QueueName>) {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let names = self.state.queue_names(account);
        let range = names.map(|names| names.range::<QueueName, _>((start, Bound::Unbounded)));
        let mut names = range.into_iter().flatten().peekable();
        let mut last = None;
        let mut queues = std::collections::BTreeMap::new();
        for (name, id) in names.by_ref().take(limit) {
            last = Some(name);
            if sees(name)
                && let Some(index) = self.state.queue_index(*id)
            {
                queues.insert(name.clone(), index.metrics(now));
            }
        }
        let next = last.filter(|_| names.peek().is_some()).cloned();
        let metrics = Metrics {
            queues,
            uptime: now.since(self.started_at),
        };
        (metrics, next)
    }
}
