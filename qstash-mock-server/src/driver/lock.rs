//! What the lock protects: one input, then its commit, then its effects, in order.
//!
//! The store may tell how far it has come while somebody holds the lock. Whoever lets the lock go looks whether it
//! did; see `inbox.rs`.

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

/// The lock, held. Once it is let go, what the store has told meanwhile is looked at.
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
    /// What waits for its commit, oldest first.
    outbox: VecDeque<(u64, Parcel)>,
    /// Callers that wait for the engine.
    waiting: HashMap<WaiterId, oneshot::Sender<Outgoing>>,
    /// Keeps readable what the newest input deleted.
    hold: Option<Arc<Hold>>,
    /// Deliveries under way.
    pub(super) deliveries: HashMap<AttemptId, Flight>,
    /// What came while the clock is being moved.
    pub(super) moved: Option<Moved>,
    /// When the timer task will wake up by itself.
    pub(super) armed: Option<Timestamp>,
    /// Set when a commit was lost or the server was stopped: nothing is accepted any more.
    pub(super) stopped: bool,
}

/// A delivery under way.
pub(super) struct Flight {
    pub(super) attempt: Arc<Attempt>,
    pub(super) task: AbortHandle,
    pub(super) record: Option<Arc<Record>>,
    /// Whoever moves the clock goes on without it.
    pub(super) left_behind: bool,
}

/// What happens while the clock is being moved.
#[derive(Default)]
pub(super) struct Moved {
    /// To be applied in attempt order.
    pub(super) outcomes: BTreeMap<AttemptId, (Outcome, Option<Arc<Record>>)>,
    pub(super) report: Advanced,
    /// Calls that published since the clock was moved the last time.
    pub(super) published: usize,
}

impl Moved {
    /// Deliveries that are over and not applied yet.
    pub(super) fn over(&self) -> usize {
        self.outcomes.len()
    }
}

/// Something that may leave once its commit is durable.
enum Parcel {
    Effect(Effect, Option<Arc<Hold>>),
    Reply(oneshot::Sender<Outgoing>, Box<Outgoing>),
}

/// A reply that leaves, with a hold on the bodies that it names.
pub(super) struct Outgoing {
    pub(super) reply: Result<Reply, CallError>,
    /// Lives as long as the reply is on its way.
    pub(super) hold: Option<Arc<Hold>>,
}

/// A reply, now or later.
pub(super) enum Answer {
    Now(Outgoing),
    Later(oneshot::Receiver<Outgoing>),
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
            hold: None,
            deliveries: HashMap::new(),
            moved: None,
            armed: None,
            stopped: false,
        }
    }

    /// Feeds the engine once, and commits.
    pub(super) fn input<T>(&mut self, driver: &Driver, feed: impl FnOnce(&mut Engine) -> T) -> T {
        let fed = feed(&mut self.engine);
        self.committed += 1;
        let bodies = self.engine.take_body_changes();
        self.hold = driver.bodies().apply(&bodies);
        while let Some(effect) = self.engine.poll_effect() {
            let hold = effect.names_bodies().then(|| self.hold_bodies(driver));
            let parcel = Parcel::Effect(effect, hold);
            self.outbox.push_back((self.committed, parcel));
        }
        let commit = Commit {
            number: self.committed,
            engine: &mut self.engine,
            bodies,
        };
        match self.store.commit(commit) {
            // It takes change sets in order: those before it are durable, too.
            Ok(Durability::Now) => self.durable = self.committed,
            // It may have told already.
            Ok(Durability::Later) => {}
            Err(error) => self.fail(driver, &error),
        }
        self.hear(driver, driver.shared().inbox.take().unwrap_or_default());
        fed
    }

    /// Keeps the bodies readable that are there or that the newest input deleted.
    fn hold_bodies(&self, driver: &Driver) -> Arc<Hold> {
        let newest = self.hold.clone();
        newest.unwrap_or_else(|| driver.bodies().hold())
    }

    /// The reply to the input just fed, to leave with its commit.
    pub(super) fn answer(&mut self, driver: &Driver, reply: Result<Reply, CallError>) -> Answer {
        if self.stopped {
            return Answer::Now(Outgoing::refusal(CallError::Stopped));
        }
        let names = reply.as_ref().is_ok_and(Reply::names_bodies);
        let hold = names.then(|| self.hold_bodies(driver));
        let outgoing = Outgoing { reply, hold };
        if self.durable >= self.committed {
            return Answer::Now(outgoing);
        }
        let (sender, receiver) = oneshot::channel();
        let parcel = Parcel::Reply(sender, Box::new(outgoing));
        self.outbox.push_back((self.committed, parcel));
        Answer::Later(receiver)
    }

    /// A place for the answer that comes as an effect; one that never comes if the server has stopped.
    pub(super) fn wait_for(&mut self, waiter: WaiterId) -> oneshot::Receiver<Outgoing> {
        let (sender, receiver) = oneshot::channel();
        if !self.stopped {
            self.waiting.insert(waiter, sender);
        }
        receiver
    }

    pub(super) fn stop_waiting(&mut self, waiter: WaiterId) {
        self.waiting.remove(&waiter);
    }

    /// The store tells how far it has come: what waited for that leaves.
    pub(super) fn hear(&mut self, driver: &Driver, told: Told) {
        self.durable = self.durable.max(told.durable.min(self.committed));
        if let Some(error) = told.failed {
            self.fail(driver, &error);
        }
        self.send_durable(driver);
    }

    /// Change sets that are handed to the store and not durable yet.
    pub(super) fn uncommitted(&self) -> u64 {
        self.committed - self.durable
    }

    pub(super) fn fail(&mut self, driver: &Driver, error: &StoreError) {
        tracing::error!(%error, "the storage has failed; the server stops");
        self.stop();
        // Whoever waits for deliveries need not wait any longer.
        driver.shared().delivered.notify_one();
    }

    /// Refuses everything from now on, and tells whoever waits.
    pub(super) fn stop(&mut self) {
        self.stopped = true;
        self.outbox.clear();
        self.waiting.clear();
        for (_, flight) in self.deliveries.drain() {
            flight.task.abort();
        }
    }

    /// What was decided and has not left yet is not done any more, but for replies to what is done. Whoever
    /// waits for the engine waits in vain.
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

    /// Whether everything that was decided has left.
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
                // Whoever asked may be gone: what it asked for is done all the same.
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
