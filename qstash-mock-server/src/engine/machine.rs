//! The engine's face: one input, then its effects, its changes and the next time to call.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::bulk::BulkJob;
use super::command::{Action, Caller, Command, Permission, Reply};
use super::config::Config;
use super::effect::{Effect, Outcome};
use super::entity::{Account, Change, Entity, Meta, Queue};
use super::error::Error;
use super::id::{AccountName, AttemptId, MessageId, QueueId, QueueName, Randomness, WaiterId};
use super::message::Message;
use super::metrics::Metrics;
use super::receive::Waiter;
use super::state::EngineState;
use super::time::Timestamp;
use super::timers::Timer;

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
    next_attempt: u64,
    next_waiter: u64,
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
            random: Randomness::new(config.seed, meta.epoch),
            state: EngineState::new(meta, config.retention),
            config,
            effects: VecDeque::new(),
            waiters: BTreeMap::new(),
            jobs: VecDeque::new(),
            started_at: now,
            next_attempt: 0,
            next_waiter: 0,
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
        match action {
            Action::Publish(publish) => self.publish(now, caller, publish).map(Reply::Published),
            Action::PublishBatch(batch) => Ok(self.publish_batch(now, caller, batch)),
            Action::PutQueue(name, patch) => self.put_queue(caller, &name, patch),
            Action::GetQueue(name) => self.get_queue(caller, &name),
            Action::ListQueues {
                prefix,
                after,
                limit,
            } => self.list_queues(caller, &prefix, after.as_deref(), limit),
            Action::DeleteQueue(name) => self.delete_queue(now, caller, &name),
            Action::SetPaused(name, paused) => self.set_paused(caller, &name, paused),
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
            }
            if self.state.timers.next() != Some(at) {
                self.serve_stirred(now);
            }
        }
    }

    /// Hands out what the input made ready, and forgets finished messages over the bound.
    fn serve_stirred(&mut self, now: Timestamp) {
        loop {
            while let Some(queue) = self.state.pop_stirred() {
                self.serve(now, queue);
            }
            let bound = self.config.limits.finished_messages;
            let Some(oldest) = self.state.finished_over(bound) else {
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
            && caller.sees(&message.queue_name)
            && self.state.queue(message.queue).is_some();
        if !visible {
            return Err(Error::MessageNotFound);
        }
        caller.check(&message.queue_name, permission)?;
        Ok(message)
    }

    /// The queue of that name, made with the defaults if absent.
    pub(crate) fn ensure_queue(
        &mut self,
        account: &AccountName,
        name: &QueueName,
    ) -> Result<QueueId, Error> {
        if let Some(id) = self.state.queue_id(account, name) {
            return Ok(id);
        }
        let count = self.state.queue_names(account).map_or(0, BTreeMap::len);
        if count >= self.config.limits.queues {
            return Err(Error::Overloaded("too many queues"));
        }
        let id = QueueId(self.state.next_sequence());
        let settings = super::command::QueueSettings::default();
        self.ensure_account(account);
        self.state.put_queue(Queue {
            id,
            account: account.clone(),
            name: name.clone(),
            settings,
        });
        Ok(id)
    }

    pub(crate) fn ensure_account(&mut self, name: &AccountName) -> &Account {
        if self.state.account(name).is_none() {
            let configured = self.config.signing_secret.as_ref();
            let own = configured.filter(|_| name.as_str() == AccountName::DEFAULT);
            let secret = own.map_or_else(
                || self.random.secret(name.as_str(), 0).into(),
                |own| Arc::clone(&own.0),
            );
            self.state.put_account(Account {
                name: name.clone(),
                secret,
                previous_secret: None,
                rotations: 0,
            });
        }
        self.state.account(name).expect("it was just put there")
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

impl Caller {
    /// A caller that may do everything with an account.
    #[must_use]
    pub fn owner(account: &str) -> Self {
        let account = AccountName::new(account);
        Self {
            account,
            queues: None,
            permissions: super::command::Permissions::ALL,
        }
    }

    /// Whether the queue is among those the caller is limited to.
    #[must_use]
    pub fn sees(&self, queue: &QueueName) -> bool {
        let globs = self.queues.as_ref();
        globs.is_none_or(|globs| globs.iter().any(|glob| glob_matches(glob, queue.as_str())))
    }

    pub(crate) fn check(&self, queue: &QueueName, permission: Permission) -> Result<(), Error> {
        let allowed = self.sees(queue) && self.permissions.has(permission);
        allowed.then_some(()).ok_or_else(|| Error::Forbidden {
            queue: queue.clone(),
            permission,
        })
    }

    /// For what belongs to the account as a whole.
    pub(crate) fn check_account(&self, permission: Permission) -> Result<(), Error> {
        let allowed = self.queues.is_none() && self.permissions.has(permission);
        allowed
            .then_some(())
            .ok_or(Error::ForbiddenAccount { permission })
    }
}

/// Whether `text` is `glob`, in which `*` stands for any run of characters. Linear in memory and at
/// most quadratic in time, whatever the glob.
fn glob_matches(glob: &str, text: &str) -> bool {
    let (glob, text) = (glob.as_bytes(), text.as_bytes());
    let (mut g, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        if g < glob.len() && glob[g] == b'*' {
            retry = Some((g, t));
            g += 1;
        } else if g < glob.len() && glob[g] == text[t] {
            g += 1;
            t += 1;
        } else if let Some((star, matched)) = retry {
            retry = Some((star, matched + 1));
            g = star + 1;
            t = matched + 1;
        } else {
            return false;
        }
    }
    glob[g..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::glob_matches;

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        for (glob, text, expected) in [
            ("order-*", "order-events", true),
            ("order-*", "order-", true),
            ("order-*", "border-events", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("*-dlq", "order-dlq-dlq", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b-", false),
            ("order", "orders", false),
        ] {
            assert_eq!(glob_matches(glob, text), expected, "{glob} against {text}");
        }
    }
}
