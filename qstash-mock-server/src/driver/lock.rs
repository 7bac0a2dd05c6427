//! The lock, and what it protects: the engine takes one input, the store its commit, and then its effects leave, in
//! order.
//!
//! The store may report its progress while the lock is held. Whoever lets the lock go then handles the report; see
//! `inbox.rs`.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use parking_lot::MutexGuard;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::advance::Advanced;
use super::handle::{CallError, Driver};
use super::inbox::Told;
use super::stopwatch::Stopwatch;
use crate::engine::{Attempt, AttemptId, Effect, Engine, Outcome, Reply, Timestamp, WaiterId};
use crate::instruments::Record;
use crate::storage::{Commit, Durability, Hold, Store, StoreError};

/// The lock, while it is held. When it is let go, reports of the store that have come meanwhile are handled.
pub(super) struct Locked<'a> {
    // Dropped in this order.
    _stopwatch: Stopwatch<'a>,
    core: MutexGuard<'a, Core>,
    _look: LookAtInbox<'a>,
}

struct LookAtInbox<'a>(&'a Driver);

impl Drop for LookAtInbox<'_> {
    fn drop(&mut self) {
        self.0.look_at_inbox();
    }
}

impl<'a> Locked<'a> {
    pub(super) fn new(driver: &'a Driver, core: MutexGuard<'a, Core>) -> Self {
        Self {
            _stopwatch: driver.shared().longest_hold.watch(),
            core,
            _look: LookAtInbox(driver),
        }
    }
}

impl Deref for Locked<'_> {
    type Target = Core;

    fn deref(&self) -> &Core {
        &self.core
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Core {
        &mut self.core
    }
}

/// What the lock protects.
pub(super) struct Core {
    pub(super) engine: Engine,
    store: Box<dyn Store>,
    /// The number of the newest commit.
    committed: u64,
    /// The number of the newest durable commit.
    durable: u64,
    /// Replies and effects that wait for their commit, oldest first.
    outbox: VecDeque<(u64, Parcel)>,
    /// Callers that wait for the engine.
    waiting: HashMap<WaiterId, oneshot::Sender<Outgoing>>,
    /// Deliveries under way.
    pub(super) deliveries: HashMap<AttemptId, Flight>,
    /// The state of the call that moves the clock, if there is one.
    pub(super) moved: Option<Moved>,
    /// When the timer task will wake up.
    pub(super) armed: Option<Timestamp>,
    /// Whether a commit was lost or the server was stopped. All calls are refused then.
    pub(super) stopped: bool,
}

/// A delivery under way.
pub(super) struct Flight {
    pub(super) attempt: Arc<Attempt>,
    pub(super) task: AbortHandle,
    pub(super) record: Option<Arc<Record>>,
    /// Whether the call that moves the clock no longer waits for this delivery.
    pub(super) left_behind: bool,
}

/// The state of a call that moves the clock.
#[derive(Default)]
pub(super) struct Moved {
    /// Outcomes that are held back, in the order of the attempts.
    pub(super) outcomes: BTreeMap<AttemptId, (Outcome, Option<Arc<Record>>)>,
    pub(super) report: Advanced,
    /// How many calls have published since the clock last moved.
    pub(super) published: usize,
}

impl Moved {
    /// How many deliveries are over and not applied yet.
    pub(super) fn over(&self) -> usize {
        self.outcomes.len()
    }
}

/// A reply or an effect that leaves once its commit is durable.
enum Parcel {
    Effect(Effect, Option<Arc<Hold>>),
    Reply(oneshot::Sender<Outgoing>, Box<Outgoing>),
}

/// A reply that leaves, with a hold on the bodies that it names.
pub(super) struct Outgoing {
    pub(super) reply: Result<Reply, CallError>,
    /// Lives until the reply has left.
    pub(super) hold: Option<Arc<Hold>>,
}

/// The answer to a call.
pub(super) enum Answer {
    Now(Outgoing),
    /// It comes once its commit is durable.
    Later(oneshot::Receiver<Outgoing>),
    /// It comes once the engine has something for the waiter, as an effect.
    Waiting(WaiterId, oneshot::Receiver<Outgoing>),
}

impl Outgoing {
    pub(super) const fn refusal(error: CallError) -> Self {
        Self {
            reply: Err(error),
            hold: None,
        }
    }
}

impl Core {
    pub(super) fn new(engine: Engine, store: Box<dyn Store>) -> Self {
        Self {
            engine,
            store,
            committed: 0,
            durable: 0,
            outbox: VecDeque::new(),
            waiting: HashMap::new(),
            deliveries: HashMap::new(),
            moved: None,
            armed: None,
            stopped: false,
        }
    }

    /// Gives the engine one input, and commits its changes. Returns a hold on the bodies that the input deleted, if
    /// there is one, because the reply to the input may name them.
    pub(super) fn input<T>(
        &mut self,
        driver: &Driver,
        feed: impl FnOnce(&mut Engine) -> T,
    ) -> (T, Option<Arc<Hold>>) {
        let fed = feed(&mut self.engine);
        self.committed += 1;
        let bodies = self.engine.take_body_changes();
        // All effects of the input share one hold.
        let mut hold = driver.bodies().apply(&bodies);
        while let Some(effect) = self.engine.poll_effect() {
            let named = effect.names_bodies();
            let hold =
                named.then(|| Arc::clone(hold.get_or_insert_with(|| driver.bodies().hold())));
            let parcel = Parcel::Effect(effect, hold);
            self.outbox.push_back((self.committed, parcel));
        }
        let commit = Commit {
            number: self.committed,
            engine: &mut self.engine,
            bodies,
        };
        match self.store.commit(commit) {
            // The store takes change sets in order, so all earlier ones are durable, too.
            Ok(Durability::Now) => self.durable = self.committed,
            // The store may have reported it already.
            Ok(Durability::Later) => {}
            Err(error) => self.fail(driver, &error),
        }
        self.hear(driver, driver.shared().inbox.take().unwrap_or_default());
        (fed, hold)
    }

    /// Lets the reply to the newest input leave once its commit is durable. `hold` is the one that the input returned.
    pub(super) fn answer(
        &mut self,
        driver: &Driver,
        reply: Result<Reply, CallError>,
        hold: Option<Arc<Hold>>,
    ) -> Answer {
        if self.stopped {
            return Answer::Now(Outgoing::refusal(CallError::Stopped));
        }
        let names = reply.as_ref().is_ok_and(Reply::names_bodies);
        let hold = names.then(|| hold.unwrap_or_else(|| driver.bodies().hold()));
        let outgoing = Outgoing { reply, hold };
        if self.durable >= self.committed {
            return Answer::Now(outgoing);
        }
        let (sender, receiver) = oneshot::channel();
        let parcel = Parcel::Reply(sender, Box::new(outgoing));
        self.outbox.push_back((self.committed, parcel));
        Answer::Later(receiver)
    }

    /// The answer that comes later as an effect. Its receiver is closed if the server has stopped.
    pub(super) fn wait_for(&mut self, waiter: WaiterId) -> Answer {
        let (sender, receiver) = oneshot::channel();
        if !self.stopped {
            self.waiting.insert(waiter, sender);
        }
        Answer::Waiting(waiter, receiver)
    }

    pub(super) fn stop_waiting(&mut self, waiter: WaiterId) {
        self.waiting.remove(&waiter);
    }

    /// Handles a report of the store: replies and effects that waited for it leave.
    pub(super) fn hear(&mut self, driver: &Driver, told: Told) {
        let reported = told.durable > 0;
        self.durable = self.durable.max(told.durable.min(self.committed));
        if let Some(error) = told.failed {
            self.fail(driver, &error);
        }
        self.send_durable(driver);
        if reported {
            driver.shared().delivered.notify_waiters();
        }
    }

    /// How many change sets are committed and not durable yet.
    pub(super) fn uncommitted(&self) -> u64 {
        self.committed - self.durable
    }

    pub(super) fn fail(&mut self, driver: &Driver, error: &StoreError) {
        tracing::error!(%error, "the storage has failed; the server stops");
        self.stop(driver);
    }

    /// Refuses all calls from now on, and wakes those who wait for an answer or for deliveries.
    pub(super) fn stop(&mut self, driver: &Driver) {
        self.stopped = true;
        self.outbox.clear();
        self.waiting.clear();
        for (_, flight) in self.deliveries.drain() {
            flight.task.abort();
        }
        driver.shared().delivered.notify_waiters();
    }

    /// Drops effects that have not left yet; replies to durable commits still leave. Waiting callers get no answer.
    pub(super) fn give_up_everything(&mut self, driver: &Driver) {
        self.outbox
            .retain(|(_, parcel)| matches!(parcel, Parcel::Reply(..)));
        self.waiting.clear();
        if let Some(moved) = &mut self.moved {
            moved.outcomes.clear();
        }
        for (attempt, flight) in self.deliveries.drain() {
            flight.task.abort();
            driver.close(attempt, flight.record.as_deref(), None);
        }
    }

    /// Whether all replies and effects have left.
    pub(super) fn is_committed(&self) -> bool {
        self.outbox.is_empty()
    }

    fn send_durable(&mut self, driver: &Driver) {
        while self
            .outbox
            .front()
            .is_some_and(|(number, _)| *number <= self.durable)
        {
            match self.outbox.pop_front() {
                Some((_, Parcel::Effect(effect, hold))) => self.carry_out(driver, effect, hold),
                // Fails if the caller is gone; its command is carried out all the same.
                Some((_, Parcel::Reply(sender, reply))) => drop(sender.send(*reply)),
                None => return,
            }
        }
    }

    fn carry_out(&mut self, driver: &Driver, effect: Effect, hold: Option<Arc<Hold>>) {
        match effect {
            Effect::Attempt(attempt) => {
                if let Some(moved) = &mut self.moved {
                    moved.report.note(&attempt);
                }
                let id = attempt.id;
                let flight = driver.spawn_delivery(*attempt, hold);
                self.deliveries.insert(id, flight);
            }
            Effect::Abort(attempt) => {
                if let Some(flight) = self.deliveries.remove(&attempt) {
                    flight.task.abort();
                    driver.close(attempt, flight.record.as_deref(), None);
                }
            }
            Effect::Answer(waiter, reply) => {
                // The caller may have gone while the answer waited for its commit.
                let outgoing = Outgoing {
                    reply: Ok(*reply),
                    hold,
                };
                let unheard = match self.waiting.remove(&waiter) {
                    Some(sender) => sender.send(outgoing).err(),
                    None => Some(outgoing),
                };
                if let Some(Ok(reply)) = unheard.map(|it| it.reply) {
                    driver.give_back_later(waiter, reply);
                }
            }
        }
    }
}
