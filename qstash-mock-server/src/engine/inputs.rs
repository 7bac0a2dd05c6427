//! The engine's methods: take one input, then poll effects, changes and the time of the next call.

use std::collections::{BTreeMap, VecDeque};

use crate::engine::command::{Action, Command, MetricsAction};
use crate::engine::config::Config;
use crate::engine::effect::{Effect, Outcome};
use crate::engine::error::Error;
use crate::engine::model::bulk::BulkJob;
use crate::engine::model::caller::Caller;
use crate::engine::model::entity::{Change, Entity, Meta};
use crate::engine::model::id::{AccountName, AttemptId, WaiterId};
use crate::engine::model::pull::Waiter;
use crate::engine::model::randomness::Randomness;
use crate::engine::model::spec::BodyChange;
use crate::engine::model::time::Timestamp;
use crate::engine::reply::Reply;
use crate::engine::state::{EngineState, Timer};

/// A complete queue server without a clock, a socket or a disk. The documentation of [`engine`](crate::engine) says
/// in which order to call its methods.
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
    /// Whether [`Engine::halt`] was called.
    halted: bool,
    /// How many attempts and leases the input may still start.
    starts_left: usize,
    /// The time of the last input, if it left something for the next one to start.
    left_over_since: Option<Timestamp>,
}

impl Engine {
    /// An engine that stores nothing yet.
    #[must_use]
    pub fn new(config: Config, now: Timestamp) -> Self {
        Self::with_meta(config, now, Meta::new())
    }

    pub(crate) fn with_meta(config: Config, now: Timestamp, meta: Meta) -> Self {
        Self {
            random: Randomness::new(&config.seed, &config.secret_seed, meta.epoch),
            state: EngineState::new(meta, &config),
            config,
            effects: VecDeque::new(),
            waiters: BTreeMap::new(),
            jobs: VecDeque::new(),
            started_at: now,
            next_attempt: 0,
            next_waiter: 0,
            halted: false,
            starts_left: 0,
            left_over_since: None,
        }
    }

    /// Carries out a command of a caller. The engine first does what is due at `now`.
    ///
    /// # Errors
    /// The command was refused and has changed nothing; what was due is done all the same.
    pub fn handle(&mut self, now: Timestamp, command: Command) -> Result<Reply, Error> {
        self.begin_input();
        self.fire_timers(now);
        let reply = self.act(now, &command.caller, command.action);
        self.serve_dirty(now);
        reply
    }

    /// Takes the outcome of an attempt. The engine ignores outcomes of attempts that are over.
    pub fn handle_outcome(&mut self, now: Timestamp, attempt: AttemptId, outcome: Outcome) {
        self.begin_input();
        self.finish_attempt(now, attempt, outcome);
        self.fire_timers(now);
        self.serve_dirty(now);
    }

    /// Does what is due at `now`, in one step of bounded size. Call it again while [`Engine::poll_timeout`] is not
    /// after `now`. A call when nothing is due is harmless.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.begin_input();
        self.fire_timers(now);
        self.continue_bulk(now);
        self.serve_dirty(now);
    }

    /// Makes the engine start no further attempts and answer no waiting callers, because the server is about to stop.
    /// Attempts under way can still end, and commands are still carried out.
    pub const fn halt(&mut self) {
        self.halted = true;
    }

    /// The next effect; `None` once all effects of the inputs so far were taken.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When to call [`Engine::handle_timeout`]; `None` if nothing will fall due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let bulk = self.jobs.front().map(|job| job.since);
        let timer = self
            .state
            .next_timer()
            .map(|at| at + self.config.clock_step);
        let left_over = self.left_over_since.filter(|_| !self.halted);
        bulk.into_iter().chain(timer).chain(left_over).min()
    }

    /// The entities that changed since the last call, each at most once.
    pub fn take_changes(&mut self) -> Vec<Change> {
        self.state.take_changes()
    }

    /// Drops what [`Engine::take_changes`] would return, for a server that stores nothing.
    pub fn forget_changes(&mut self) {
        self.state.forget_changes();
    }

    /// The bodies that were stored and deleted since the last call, in order. They belong to the same commit as the
    /// result of [`Engine::take_changes`].
    pub fn take_body_changes(&mut self) -> Vec<BodyChange> {
        self.state.take_body_changes()
    }

    /// All entities that storage would hold now. The bytes of bodies are not included. Takes time in proportion to
    /// what is stored.
    #[must_use]
    pub fn entities(&self) -> Vec<Entity> {
        self.state.entities()
    }

    /// The entities of all accounts, with their secrets and keys.
    #[must_use]
    pub fn accounts(&self) -> Vec<Entity> {
        let accounts = self.state.all_accounts();
        accounts.cloned().map(Entity::Account).collect()
    }

    /// Takes over the counters of `other`, so that ids of attempts and waiters do not repeat.
    pub(crate) fn continue_ids_of(&mut self, other: &Self) {
        self.state.continue_numbers_of(&other.state);
        self.next_attempt = other.next_attempt;
        self.next_waiter = other.next_waiter;
    }

    /// The accounts that have or had a queue.
    pub fn accounts_with_queues(&self) -> Vec<AccountName> {
        self.state.accounts_with_queues().cloned().collect()
    }

    fn act(&mut self, now: Timestamp, caller: &Caller, action: Action) -> Result<Reply, Error> {
        if caller.read_only && !action.is_read() {
            return Err(Error::ReadOnly);
        }
        match action {
            Action::Publish(publish) => self.publish(now, caller, publish).map(Reply::Published),
            Action::PublishBatch(batch) => Ok(self.publish_batch(now, caller, batch)),
            Action::Queues(action) => self.queues(now, caller, action),
            Action::Pull(action) => self.pull(now, caller, action),
            Action::Messages(action) => self.messages(now, caller, action),
            Action::DeadLetters(action) => self.dead_letters(now, caller, *action),
            Action::Log(query) => self.list_log(now, caller, &query),
            Action::UrlGroups(action) => self.url_groups(now, caller, action),
            Action::Schedules(action) => self.schedules(now, caller, action),
            Action::FlowControl(action) => self.flow_control(now, caller, action),
            Action::Keys(action) => self.keys(caller, action),
            Action::Metrics(MetricsAction::Queues { after, limit }) => {
                self.metrics(now, caller, after.as_ref(), limit)
            }
            Action::Metrics(MetricsAction::Parallelism) => self.global_parallelism(caller),
        }
    }

    const fn begin_input(&mut self) {
        self.starts_left = self.config.limits.starts;
        self.left_over_since = None;
    }

    /// Whether this input may start one more attempt or lease; if it may, counts that. If it may not, it serves no
    /// further gate, and the engine asks for another input at once.
    pub(crate) const fn may_start(&mut self, now: Timestamp) -> bool {
        let may = self.starts_left > 0;
        if may {
            self.count_starts(1);
        } else {
            self.left_over_since = Some(now);
        }
        may
    }

    pub(crate) const fn count_starts(&mut self, count: usize) {
        self.starts_left = self.starts_left.saturating_sub(count);
    }

    /// Whether something waits only because the last input had started enough.
    pub(crate) const fn leaves_something(&self) -> bool {
        self.left_over_since.is_some()
    }

    /// Does what is due. Messages that fall due at the same instant start together, so that they start in order. A
    /// long poll that ends at that instant still gets messages.
    fn fire_timers(&mut self, now: Timestamp) {
        // `now` may lie behind the true time by `clock_step`, so nothing is due before that has passed, too.
        let certain = now - self.config.clock_step;
        let mut left = self.config.limits.bulk_step;
        while left > 0
            && let Some((at, timer)) = self.state.pop_due(certain)
        {
            left -= 1;
            match timer {
                Timer::Message(sequence) => self.message_due(now, sequence),
                Timer::Attempt(id) => self.attempt_timed_out(now, id),
                Timer::Waiter(id) => {
                    self.serve_dirty(now);
                    self.dismiss_waiter(id);
                }
                Timer::DedupKey(id) => self.state.remove_key(&id),
                Timer::FlowKey(id) => self.flow_key_due(now, &id),
                Timer::Schedule(account, id) => {
                    let made = self.schedule_due(now, &account, &id);
                    left = left.saturating_sub(made);
                }
                Timer::Listed(account, id) => {
                    self.state.remove_listed(&account, id);
                }
            }
            if self.state.next_timer() != Some(at) {
                self.serve_dirty(now);
            }
        }
    }

    /// Starts attempts and leases that the input made possible, and forgets finished messages that are too old or
    /// too many.
    fn serve_dirty(&mut self, now: Timestamp) {
        while !self.halted && !self.leaves_something() {
            // In the order of the gates: a message that passes one makes the next gate dirty.
            if let Some(queue) = self.state.pop_dirty_queue() {
                self.serve(now, queue);
            } else if let Some(flow) = self.state.pop_dirty_flow() {
                self.serve_flow(now, &flow);
            } else if let Some(account) = self.state.pop_dirty_account() {
                self.serve_account(now, &account);
            } else {
                break;
            }
        }
        for _ in 0..self.config.limits.bulk_step {
            let Some(oldest) = self.state.finished_over(now) else {
                return;
            };
            self.state.forget_message(oldest);
        }
    }

    pub(crate) const fn next_attempt_id(&mut self) -> AttemptId {
        self.next_attempt += 1;
        AttemptId(self.next_attempt)
    }

    pub(crate) const fn next_waiter_id(&mut self) -> WaiterId {
        self.next_waiter += 1;
        WaiterId(self.next_waiter)
    }
}
