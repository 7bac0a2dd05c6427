//! Making, changing and looking at queues (v1.md sections 3 and 6, v2.md section 2.7).

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::engine::command::{QueuePatch, QueueSettings, QueueView, Reply};
use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::entity::Queue;
use crate::engine::model::id::{AccountName, QueueId, QueueName};
use crate::engine::model::metrics::Metrics;
use crate::engine::model::time::Timestamp;
use crate::engine::quota;
use crate::engine::state::queue_index::QueueIndex;

impl Engine {
    pub(crate) fn put_queue(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        name: &QueueName,
        patch: QueuePatch,
    ) -> Result<Reply, Error> {
        caller.check(name, Permission::Manage)?;
        let target = patch.dead_letter_queue.clone().flatten();
        if let Some(target) = &target {
            caller.check(target, Permission::Manage)?;
            self.check_cycle(&caller.account, name, target)?;
        }
        let created = self.state.queue_id(&caller.account, name).is_none();
        self.check_room_for_queues(&caller.account, name, target.as_ref())?;
        let id = self.ensure_queue(now, &caller.account, name)?;
        if let Some(target) = &target {
            self.ensure_queue(now, &caller.account, target)?;
        }
        let mut queue = self
            .state
            .queue(id)
            .ok_or_else(|| Error::QueueNotFound(name.clone()))?
            .clone();
        patch.apply(&mut queue.settings);
        queue.updated_at = now;
        let view = self.queue_view(&queue);
        self.state.put_queue(queue);
        Ok(Reply::QueuePut {
            created,
            queue: view,
        })
    }

    fn queue_view(&self, queue: &Queue) -> QueueView {
        queue.view(
            self.state
                .queue_index(queue.id)
                .map_or(0, QueueIndex::pending),
        )
    }

    /// The queue of that name, made with the defaults if absent.
    pub(crate) fn ensure_queue(
        &mut self,
        now: Timestamp,
        account: &AccountName,
        name: &QueueName,
    ) -> Result<QueueId, Error> {
        self.find_or_make_queue(now, account, name, false)
    }

    /// As [`Engine::ensure_queue`]; one that is made works on one message at a time and counts for the
    /// quotas (architecture: *Whose policy*).
    pub(crate) fn ensure_counted_queue(
        &mut self,
        now: Timestamp,
        account: &AccountName,
        name: &QueueName,
    ) -> Result<QueueId, Error> {
        self.check_room_for_counted_queue(account, name)?;
        self.find_or_make_queue(now, account, name, true)
    }

    fn find_or_make_queue(
        &mut self,
        now: Timestamp,
        account: &AccountName,
        name: &QueueName,
        hosted: bool,
    ) -> Result<QueueId, Error> {
        if let Some(id) = self.state.queue_id(account, name) {
            return Ok(id);
        }
        self.check_room_for_queues(account, name, None)?;
        let mut settings = QueueSettings::default();
        if hosted {
            settings.parallelism = 1;
        }
        let id = QueueId(self.state.next_sequence());
        self.ensure_account(account);
        self.state.put_queue(Queue {
            id,
            account: account.clone(),
            name: name.clone(),
            settings,
            hosted,
            created_at: now,
            updated_at: now,
        });
        Ok(id)
    }

    /// Whether the hosted protocol may make a queue of that name, or it is there.
    pub(crate) fn check_room_for_counted_queue(
        &self,
        account: &AccountName,
        name: &QueueName,
    ) -> Result<(), Error> {
        if self.state.queue_id(account, name).is_some() {
            return Ok(());
        }
        if let Some(limit) = self.config.quotas.queues {
            let ids = self.state.queue_names(account).into_iter().flatten();
            let queues = ids.filter_map(|(_, id)| self.state.queue(*id));
            let count = queues.filter(|queue| queue.hosted).count() as u64 + 1;
            quota::check("maxQueues", count, Some(limit))?;
        }
        self.check_room_for_queues(account, name, None)
    }

    /// Makes a queue or changes it, within the quotas (v2.md section 2.7).
    pub(crate) fn upsert_queue(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        name: &QueueName,
        parallelism: u32,
        paused: bool,
    ) -> Result<Reply, Error> {
        caller.check(name, Permission::Manage)?;
        let limit = self.config.quotas.queue_parallelism;
        quota::check("maxParallelism", parallelism.into(), limit)?;
        let id = self.ensure_counted_queue(now, &caller.account, name)?;
        if let Some(mut queue) = self.state.queue(id).cloned() {
            queue.settings.parallelism = parallelism;
            queue.settings.paused = paused;
            queue.updated_at = now;
            self.state.put_queue(queue);
        }
        Ok(Reply::Done)
    }

    /// Refuses before anything is made, so that a refusal changes nothing.
    fn check_room_for_queues(
        &self,
        account: &AccountName,
        name: &QueueName,
        target: Option<&QueueName>,
    ) -> Result<(), Error> {
        let names = self.state.queue_names(account);
        let is_new = |name: &&QueueName| !names.is_some_and(|names| names.contains_key(*name));
        let new = [Some(name), target]
            .into_iter()
            .flatten()
            .filter(is_new)
            .count();
        if names.map_or(0, BTreeMap::len) + new > self.config.limits.queues {
            return Err(Error::Overloaded("too many queues"));
        }
        Ok(())
    }

    /// Follows the dead letters of `target`; they must not come back to `name`.
    fn check_cycle(
        &self,
        account: &AccountName,
        name: &QueueName,
        target: &QueueName,
    ) -> Result<(), Error> {
        let mut next = Some(target.clone());
        while let Some(current) = next {
            if current == *name {
                return Err(Error::DeadLetterCycle(target.clone()));
            }
            let id = self.state.queue_id(account, &current);
            next = id.and_then(|id| self.state.queue(id)?.settings.dead_letter_queue.clone());
        }
        Ok(())
    }

    pub(crate) fn get_queue(&self, caller: &Caller, name: &QueueName) -> Result<Reply, Error> {
        let queue = self.queue_for(caller, name, Permission::Manage)?;
        Ok(Reply::Queue(self.queue_view(queue)))
    }

    pub(crate) fn list_queues(
        &self,
        caller: &Caller,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Reply, Error> {
        if !caller.permissions.has(Permission::Manage) {
            return Err(Error::ForbiddenAccount {
                permission: Permission::Manage,
            });
        }
        let empty = BTreeMap::new();
        let names = self.state.queue_names(&caller.account).unwrap_or(&empty);
        let start = after
            .and_then(QueueName::parse)
            .map_or(Bound::Unbounded, Bound::Excluded);
        let mut found = names
            .range((start, Bound::Unbounded))
            .filter(|(name, _)| name.as_str().starts_with(prefix) && caller.sees(name))
            .filter_map(|(_, id)| self.state.queue(*id));
        let queues: Vec<_> = found
            .by_ref()
            .take(limit)
            .map(|queue| self.queue_view(queue))
            .collect();
        Ok(Reply::Queues {
            queues,
            more: found.next().is_some(),
        })
    }

    pub(crate) fn set_paused(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        name: &QueueName,
        paused: bool,
    ) -> Result<Reply, Error> {
        let mut queue = self.queue_for(caller, name, Permission::Manage)?.clone();
        queue.settings.paused = paused;
        queue.updated_at = now;
        let view = self.queue_view(&queue);
        self.state.put_queue(queue);
        Ok(Reply::Queue(view))
    }

    pub(crate) fn metrics(&self, now: Timestamp, caller: &Caller) -> Result<Reply, Error> {
        if !caller.permissions.has(Permission::Metrics) {
            return Err(Error::ForbiddenAccount {
                permission: Permission::Metrics,
            });
        }
        let metrics = self.account_metrics(now, &caller.account, |name| caller.sees(name));
        Ok(Reply::Metrics(Box::new(metrics)))
    }

    pub(crate) fn account_metrics(
        &self,
        now: Timestamp,
        account: &AccountName,
        sees: impl Fn(&QueueName) -> bool,
    ) -> Metrics {
        let names = self.state.queue_names(account).into_iter().flatten();
        let queues = names
            .filter(|(name, _)| sees(name))
            .filter_map(|(name, id)| {
                Some((name.clone(), self.state.queue_index(*id)?.metrics(now)))
            })
            .collect();
        Metrics {
            queues,
            uptime: now.since(self.started_at),
        }
    }
}

impl QueuePatch {
    fn apply(self, settings: &mut QueueSettings) {
        fn set<T>(order: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *order = value;
            }
        }
        set(&mut settings.dead_letter_queue, self.dead_letter_queue);
        set(
            &mut settings.webhook_url,
            self.webhook_url.map(|url| url.map(Into::into)),
        );
        set(&mut settings.max_retries, self.max_retries);
        set(&mut settings.retry_backoff, self.retry_backoff);
        set(&mut settings.visibility_timeout, self.visibility_timeout);
        set(&mut settings.delivery_timeout, self.delivery_timeout);
        set(&mut settings.parallelism, self.parallelism);
        set(&mut settings.on_accepted, self.on_accepted);
        set(&mut settings.paused, self.paused);
    }
}
