//! Creating, changing and reading queues (v1.md sections 3 and 6, v2.md section 2.7).

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::ops::Bound;

use crate::engine::access::check_quota;
use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::cost::Overhead;
use crate::engine::model::id::{AccountName, QueueId, QueueName};
use crate::engine::model::queue::{Queue, QueueAction, QueuePatch, QueueSettings, QueueView};
use crate::engine::model::time::Timestamp;
use crate::engine::quota::QuotaKind;
use crate::engine::reply::Reply;
use crate::engine::state::QueueIndex;

impl Engine {
    pub(crate) fn queues(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        action: QueueAction,
    ) -> Result<Reply, Error> {
        match action {
            QueueAction::Put(name, patch) => self.put_queue(now, caller, &name, *patch),
            QueueAction::Upsert {
                name,
                parallelism,
                paused,
            } => self.upsert_queue(now, caller, &name, parallelism, paused),
            QueueAction::Get(name) => {
                let queue = self.queue_for(caller, &name, Permission::Manage)?;
                Ok(Reply::Queue(self.queue_view(queue)))
            }
            QueueAction::List {
                prefix,
                after,
                limit,
            } => self.list_queues(caller, &prefix, after.as_deref(), limit),
            QueueAction::Delete(name) => self.delete_queue(now, caller, &name),
            QueueAction::SetPaused(name, paused) => self.set_paused(now, caller, &name, paused),
            QueueAction::Purge { queue, forget_keys } => {
                self.purge(now, caller, &queue, forget_keys)
            }
            QueueAction::Redrive {
                queue,
                to,
                max_messages,
            } => self.redrive(now, caller, &queue, to, max_messages),
        }
    }

    fn put_queue(
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
        let id = self.ensure_queue(now, &caller.account, name, false)?;
        if let Some(target) = &target {
            self.ensure_queue(now, &caller.account, target, false)?;
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

    /// The queue of this name, created with the defaults if it does not exist. A new queue that counts towards the
    /// account's quota has parallelism 1.
    pub(crate) fn ensure_queue(
        &mut self,
        now: Timestamp,
        account: &AccountName,
        name: &QueueName,
        counts_for_quota: bool,
    ) -> Result<QueueId, Error> {
        if let Some(id) = self.state.queue_id(account, name) {
            return Ok(id);
        }
        self.check_room_for_queue(account, name, counts_for_quota)?;
        let mut settings = QueueSettings::default();
        if counts_for_quota {
            settings.parallelism = 1;
        }
        let id = QueueId(NonZeroU64::MIN.saturating_add(self.state.next_sequence().0));
        self.ensure_account(account);
        self.state.put_queue(Queue {
            id,
            account: account.clone(),
            name: name.clone(),
            settings,
            counts_for_quota,
            created_at: now,
            updated_at: now,
        });
        Ok(id)
    }

    /// Refuses a queue that does not exist, if a bound or a quota does not allow another one.
    pub(crate) fn check_room_for_queue(
        &self,
        account: &AccountName,
        name: &QueueName,
        counts_for_quota: bool,
    ) -> Result<(), Error> {
        if self.state.queue_id(account, name).is_some() {
            return Ok(());
        }
        if let (Some(limit), true) = (self.config.quotas.queues, counts_for_quota) {
            let count = self.state.counted_queues(account) + 1;
            check_quota(QuotaKind::Queues, count, Some(limit))?;
        }
        self.check_room_for_queues(account, name, None)
    }

    /// Creates or changes a queue within the quotas (v2.md section 2.7).
    fn upsert_queue(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        name: &QueueName,
        parallelism: u32,
        paused: bool,
    ) -> Result<Reply, Error> {
        caller.check(name, Permission::Manage)?;
        let limit = self.config.quotas.queue_parallelism;
        check_quota(QuotaKind::QueueParallelism, parallelism.into(), limit)?;
        let id = self.ensure_queue(now, &caller.account, name, true)?;
        if let Some(mut queue) = self.state.queue(id).cloned() {
            queue.settings.parallelism = parallelism;
            queue.settings.paused = paused;
            queue.updated_at = now;
            self.state.put_queue(queue);
        }
        Ok(Reply::Done)
    }

    /// Checks everything before anything is created, so that a refusal changes nothing.
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
        self.check_account(account)?;
        self.check_held(new * Overhead::QUEUE)
    }

    /// Refuses dead-letter queues that lead from `target` back to `name`.
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

    fn list_queues(
        &self,
        caller: &Caller,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Reply, Error> {
        caller.check_permission(Permission::Manage)?;
        let empty = BTreeMap::new();
        let names = self.state.queue_names(&caller.account).unwrap_or(&empty);
        let begins = |name: &QueueName| name.as_str().starts_with(prefix);
        // Names that begin alike are neighbours.
        let first = QueueName::parse(prefix).map_or(Bound::Unbounded, Bound::Included);
        let start = after.and_then(QueueName::parse);
        let start = start.filter(|after| after.as_str() >= prefix);
        let start = start.map_or(first, Bound::Excluded);
        let mut found = names
            .range((start, Bound::Unbounded))
            .skip_while(|(name, _)| name.as_str() < prefix)
            .take_while(|(name, _)| begins(name))
            .filter(|(name, _)| caller.sees(name))
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

    fn set_paused(
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
}
