//! The engine's face: one input, then its effects, its changes and the next time to call.

use std::collections::{BTreeMap, VecDeque};

use crate::engine::command::{Action, Command, Reply};
use crate::engine::config::Config;
use crate::engine::effect::{Effect, Outcome};
use crate::engine::error::Error;
use crate::engine::manage::bulk::BulkJob;
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::entity::{Change, Entity, Meta, Queue};
use crate::engine::model::id::{AccountName, AttemptId, MessageId, QueueName, WaiterId};
use crate::engine::model::message::Message;
use crate::engine::model::metrics::Metrics;
use crate::engine::model::randomness::Randomness;
use crate::engine::model::time::Timestamp;
use crate::engine::pull::receive::Waiter;
use crate::engine::state::EngineState;
use crate::engine::state::timers::Timer;

/// A complete queue server without a clock, a socket or a disk.
#[derive(Debug)]
pub struct Engine {
    pub(crate) config: Config,
    pub(crate) random: Randomness,
    pub(crate) state: EngineState,
    pub(crate) effects: VecDeque<Effect>,
    pub(crate) waiters: BTreeMap<WaiterId, Waiter>,
    pub(crate) jobs: VecDeque<BulkJob>,
    pub(crate) started_at: Timestamp,
    /// Which day it is, and how many messages an account has sent on it; kept only under a quota.
    days: BTreeMap<AccountName, (u64, u64)>,
    next_attempt: u64,
    next_waiter: u64,
    /// Nothing is handed out any more.
    halted: bool,
}

impl Engine {
    /// An engine that holds nothing yet.
    #[must_use]
    pub fn new(config: Config, now: Timestamp) -> Self {
        Self::with_meta(
            config,
            now,
            Meta {
                epoch: 0,
                next_sequence: 1,
            },
        )
    }

    pub(crate) fn with_meta(config: Config, now: Timestamp, meta: Meta) -> Self {
        Self {
            random: Randomness::new(&config.seed, &config.secret_seed, meta.epoch),
            state: EngineState::new(meta, config.retention, config.carried_retention),
            config,
            effects: VecDeque::new(),
            waiters: BTreeMap::new(),
            jobs: VecDeque::new(),
            started_at: now,
            days: BTreeMap::new(),
            next_attempt: 0,
            next_waiter: 0,
            halted: false,
        }
    }

    /// Takes a command from a dialect. What time has made due is done first.
    ///
    /// # Errors
    /// The command was refused and has changed nothing.
    pub fn handle(&mut self, now: Timestamp, command: Command) -> Result<Reply, Error> {
        self.fire_timers(now);
        let reply = self.act(now, &command.caller, command.action);
        self.serve_stirred(now);
        reply
    }

    /// Takes the outcome of an attempt. One of an attempt that is over is ignored.
    pub fn handle_outcome(&mut self, now: Timestamp, attempt: AttemptId, outcome: Outcome) {
        self.finish_attempt(now, attempt, outcome);
        self.fire_timers(now);
        self.serve_stirred(now);
    }

    /// Does what is due, in bounded steps: call again while [`Engine::poll_timeout`] is not after `now`.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.fire_timers(now);
        self.continue_bulk(now);
        self.serve_stirred(now);
    }

    /// From now on nothing is handed out by itself: whoever carries out attempts is about to stop. Those under
    /// way may still end, and what comes in is kept.
    pub const fn halt(&mut self) {
        self.halted = true;
    }

    /// The next thing to be done outside; `None` until the next input.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When to call [`Engine::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let bulk = self.jobs.front().map(BulkJob::since);
        bulk.into_iter().chain(self.state.timers.next()).min()
    }

    /// The entities that changed since the last call, each once.
    pub fn take_changes(&mut self) -> Vec<Change> {
        self.state.take_changes()
    }

    /// Instead of [`Engine::take_changes`], where nobody wants them.
    pub fn forget_changes(&mut self) {
        self.state.forget_changes();
    }

    /// Everything that storage would remember now.
    #[must_use]
    pub fn entities(&self) -> Vec<Entity> {
        self.state.entities()
    }

    /// The accounts, with their secrets and keys, as storage would remember them.
    #[must_use]
    pub fn accounts(&self) -> Vec<Entity> {
        self.state.accounts()
    }

    /// What was named by `other` is not named again.
    pub(crate) const fn continue_ids_of(&mut self, other: &Self) {
        self.next_attempt = other.next_attempt;
        self.next_waiter = other.next_waiter;
    }

    /// The figures of every account.
    #[must_use]
    pub fn all_metrics(&self, now: Timestamp) -> Vec<(AccountName, Metrics)> {
        let names: Vec<_> = self.state.account_names().cloned().collect();
        names
            .into_iter()
            .map(|name| (name.clone(), self.account_metrics(now, &name, |_| true)))
            .collect()
    }

    fn act(&mut self, now: Timestamp, caller: &Caller, action: Action) -> Result<Reply, Error> {
        if caller.read_only && !action.is_read() {
            return Err(Error::ReadOnly);
        }
        match action {
            Action::Publish(publish) => self.publish(now, caller, publish).map(Reply::Published),
            Action::PublishBatch(batch) => Ok(self.publish_batch(now, caller, batch)),
            Action::PutQueue(name, patch) => self.put_queue(now, caller, &name, patch),
            Action::GetQueue(name) => self.get_queue(caller, &name),
            Action::ListQueues {
                prefix,
                after,
                limit,
            } => self.list_queues(caller, &prefix, after.as_deref(), limit),
            Action::DeleteQueue(name) => self.delete_queue(now, caller, &name),
            Action::SetPaused(name, paused) => self.set_paused(now, caller, &name, paused),
            Action::Purge(name) => self.purge(now, caller, &name),
            Action::Receive(receive) => self.receive(now, caller, receive),
            Action::Extend(id, lease, by) => self.extend(now, caller, id, lease, by),
            Action::Acknowledge(id, lease) => self.acknowledge(now, caller, id, lease),
            Action::Release(id, lease, delay) => self.release(now, caller, id, lease, delay),
            Action::GetMessage(id) => self.get_message(caller, id),
            Action::CancelMessage(id) => self.cancel(now, caller, id),
            Action::ListMessages {
                queue,
                state,
                after,
                limit,
            } => self.list_messages(caller, &queue, state, after, limit),
            Action::Redrive {
                queue,
                to,
                max_messages,
            } => self.redrive(now, caller, &queue, to.as_ref(), max_messages),
            Action::Metrics => self.metrics(now, caller),
            Action::SigningSecret => self.signing_secret(caller),
            Action::RotateSigningSecret => self.rotate_signing_secret(caller),
            Action::Abandon { waiter, handed } => Ok(self.abandon(waiter, &handed)),
            hosted => self.act_hosted(now, caller, hosted),
        }
    }

    /// What only the hosted protocol asks for.
    fn act_hosted(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        action: Action,
    ) -> Result<Reply, Error> {
        match action {
            Action::Send(send) => self.send(now, caller, &send).map(Reply::Sent),
            Action::SendBatch(batch) => Ok(self.send_batch(now, caller, &batch)),
            Action::GetCarried(id) => self.get_carried(caller, id),
            Action::CancelCarried(id) => self.cancel_carried(now, caller, id),
            Action::CancelMany(selection) => self.cancel_many(now, caller, &selection),
            Action::UpsertQueue {
                name,
                parallelism,
                paused,
            } => self.upsert_queue(now, caller, &name, parallelism, paused),
            Action::Dlq(action) => self.dlq(now, caller, action),
            Action::Log(query) => self.list_log(now, caller, &query),
            Action::UrlGroups(action) => self.url_groups(now, caller, action),
            Action::Schedules(action) => self.schedules(now, caller, action),
            Action::FlowControl(action) => self.flow_control(now, caller, action),
            Action::GlobalParallelism => self.global_parallelism(caller),
            Action::SigningKeys => self.signing_keys(caller),
            Action::RotateSigningKeys => self.rotate_signing_keys(caller),
            _ => unreachable!("every other action is taken before"),
        }
    }

    /// Does what is due. What falls due at one instant is handed out together, so that it goes in
    /// the order of its places; a long poll that ends at that instant still gets its share.
    fn fire_timers(&mut self, now: Timestamp) {
        for _ in 0..self.config.limits.bulk_step {
            let Some((at, timer)) = self.state.timers.pop_due(now) else {
                return;
            };
            match timer {
                Timer::Message(id) => self.message_due(now, id),
                Timer::Attempt(id) => self.attempt_timed_out(now, id),
                Timer::Waiter(id) => {
                    self.serve_stirred(now);
                    self.waiter_timed_out(id);
                }
                Timer::DedupKey(id) => self.state.remove_key(&id),
                Timer::FlowKey(id) => self.flow_key_due(now, &id),
                Timer::Schedule(account, id) => self.schedule_due(now, &account, &id),
                Timer::Dlq(account, id) => drop(self.state.remove_dlq_entry(&account, id)),
            }
            if self.state.timers.next() != Some(at) {
                self.serve_stirred(now);
            }
        }
    }

    /// Hands out what the input made ready, and forgets finished messages over the bound.
    fn serve_stirred(&mut self, now: Timestamp) {
        if self.halted {
            return;
        }
        loop {
            // In the order of the gates; what passes one stirs the next.
            if let Some(queue) = self.state.pop_dirty() {
                self.serve(now, queue);
                continue;
            }
            if let Some(flow) = self.state.pop_dirty_flow() {
                self.serve_flow(now, &flow);
                continue;
            }
            if let Some(account) = self.state.pop_dirty_account() {
                self.serve_account(now, &account);
                continue;
            }
            let limits = &self.config.limits;
            let (bound, bytes) = (limits.finished_messages, limits.finished_bytes);
            let Some(oldest) = self.state.finished_over(bound, bytes) else {
                return;
            };
            self.state.remove_message(oldest);
        }
    }

    // ----- what the rules share -----

    /// The caller's queue, if it exists and the caller may do that with it.
    pub(crate) fn queue_for(
        &self,
        caller: &Caller,
        name: &QueueName,
        permission: Permission,
    ) -> Result<&Queue, Error> {
        caller.check(name, permission)?;
        let id = self.state.queue_id(&caller.account, name);
        id.and_then(|id| self.state.queue(id))
            .ok_or_else(|| Error::QueueNotFound(name.clone()))
    }

    /// The caller's message. One in a queue that the caller is not to see does not exist for it.
    pub(crate) fn message_for(
        &self,
        caller: &Caller,
        id: MessageId,
        permission: Permission,
    ) -> Result<&Message, Error> {
        let message = self.state.message(id).ok_or(Error::MessageNotFound)?;
        let visible = message.account == caller.account
            && message.queue_name().is_some_and(|queue| caller.sees(queue))
            && self.is_there(message);
        if !visible {
            return Err(Error::MessageNotFound);
        }
        if let Some(queue) = message.queue_name() {
            caller.check(queue, permission)?;
        }
        Ok(message)
    }

    /// Whether the server may hold so many bytes more.
    pub(crate) fn check_held(&self, more: usize) -> Result<(), Error> {
        if self.state.held_bytes() + more > self.config.limits.held_bytes {
            return Err(Error::Overloaded("the bound on held bytes is reached"));
        }
        Ok(())
    }

    /// False while a message is the remainder of a deleted queue.
    pub(crate) fn is_there(&self, message: &Message) -> bool {
        message
            .queue_id()
            .is_none_or(|queue| self.state.queue(queue).is_some())
    }

    /// Counts messages that an account sends, if its plan has a bound on a day (v2.md section 1.7).
    pub(crate) fn count_messages_of_the_day(
        &mut self,
        now: Timestamp,
        account: &AccountName,
        messages: u64,
    ) -> Result<(), Error> {
        const DAY: u64 = 24 * 60 * 60 * 1000;
        let Some(limit) = self.config.quotas.messages_per_day else {
            return Ok(());
        };
        let today = now.as_millis() / DAY;
        let (day, count) = self.days.entry(account.clone()).or_insert((today, 0));
        if *day != today {
            (*day, *count) = (today, 0);
        }
        if *count + messages > limit {
            let resets_at = Timestamp::from_millis((today + 1).saturating_mul(DAY));
            return Err(Error::DailyLimit { limit, resets_at });
        }
        *count += messages;
        Ok(())
    }

    pub(crate) fn next_attempt_id(&mut self) -> AttemptId {
        self.next_attempt += 1;
        AttemptId(self.next_attempt)
    }

    pub(crate) fn next_waiter_id(&mut self) -> WaiterId {
        self.next_waiter += 1;
        WaiterId(self.next_waiter)
    }
}
