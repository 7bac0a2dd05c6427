//! The handle by which the rest of the server calls the engine.

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};

use super::inbox::Inbox;
use super::limits::Limits;
use super::lock::{Answer, Core, Flight, Locked, Outgoing};
use super::silent::Silent;
use super::stopwatch::LongestHold;
use crate::delivery::{Deliverer, FaultyTransport};
use crate::engine::{
    Action, Attempt, AttemptId, BodySource, Caller, Command, Engine, Entity, Envelope, Error,
    KeyAction, LeaseId, MessageId, Outcome, PullAction, Reply, Timestamp, WaiterId,
};
use crate::instruments::{Clock, Instruments, Record};
use crate::storage::{Acknowledge, Bodies, Hold, Store, StoreError};

/// A handle on the engine of a server. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Driver(Arc<Shared>);

impl std::fmt::Debug for Driver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Driver(..)")
    }
}

pub(super) struct Shared {
    /// A fair mutex, so that the steps of a bulk operation do not keep callers out.
    core: Mutex<Core>,
    pub(super) longest_hold: LongestHold,
    /// What the store has reported and no holder of the lock has handled yet.
    pub(super) inbox: Arc<Inbox>,
    pub(super) clock: Arc<Clock>,
    /// When the server was started.
    pub(super) start: Timestamp,
    /// The accounts that existed then.
    pub(super) first_accounts: Vec<Entity>,
    /// Notified when the engine has a timer that is earlier than the one which the timer task waits for.
    pub(super) earlier: Notify,
    /// Notified when a delivery is over, the store has reported, or the server stops. Several may wait for it, so a
    /// waiter begins to listen before it looks whether it must wait.
    pub(super) delivered: Notify,
    /// Locked while the clock is being moved.
    pub(super) moving: tokio::sync::Mutex<()>,
    pub(super) limits: Limits,
    pub(super) silent: Silent,
    bodies: Bodies,
    transport: FaultyTransport,
    instruments: Arc<Instruments>,
    runtime: Handle,
}

/// Why a call was not answered with a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallError {
    /// The engine refused the command.
    Refused(Error),
    /// The server is stopped, or its storage has failed.
    Stopped,
}

impl Driver {
    /// Must be called on the runtime that is to run the deliveries.
    pub(crate) fn new(
        engine: Engine,
        (mut store, bodies): (Box<dyn Store>, Bodies),
        instruments: Arc<Instruments>,
        limits: Limits,
        deliverer: Deliverer,
    ) -> Self {
        Self(Arc::new_cyclic(|weak: &Weak<Shared>| {
            let weak = weak.clone();
            let inbox = Arc::<Inbox>::default();
            let noted = Arc::clone(&inbox);
            store.start(Acknowledge::new(move |result| {
                noted.note(result);
                if let Some(shared) = weak.upgrade() {
                    Self(shared).look_at_inbox();
                }
            }));
            Shared {
                first_accounts: engine.accounts(),
                core: Mutex::new(Core::new(engine, store)),
                longest_hold: LongestHold::default(),
                inbox,
                clock: Arc::clone(&instruments.clock),
                start: instruments.clock.now(),
                earlier: Notify::new(),
                delivered: Notify::new(),
                moving: tokio::sync::Mutex::new(()),
                limits,
                silent: Silent::default(),
                bodies,
                transport: FaultyTransport::new(Arc::clone(&instruments), deliverer),
                instruments,
                runtime: Handle::current(),
            }
        }))
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.0
    }

    pub(super) fn lock(&self) -> Locked<'_> {
        Locked::new(self, self.0.core.lock())
    }

    /// Handles what the store has reported, if the lock is free; otherwise the holder of the lock does it. Never waits.
    pub(super) fn look_at_inbox(&self) {
        while self.0.inbox.has_some() {
            let Some(mut core) = self.0.core.try_lock() else {
                return;
            };
            let stopwatch = self.0.longest_hold.watch();
            if let Some(told) = self.0.inbox.take() {
                core.hear(self, told);
            }
            drop(stopwatch);
            drop(core);
        }
    }

    /// The longest time that somebody held the lock, since it was last asked for.
    pub(crate) fn take_longest_hold(&self) -> Duration {
        self.0.longest_hold.take()
    }

    pub(crate) fn instruments(&self) -> &Arc<Instruments> {
        &self.0.instruments
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.0.runtime
    }

    pub(crate) fn is_manual(&self) -> bool {
        self.0.clock.is_manual()
    }

    /// How long, in real time, a call that moves the clock waits for consumers.
    pub(crate) fn real_time_limit(&self) -> Duration {
        self.0.limits.real_time
    }

    /// The server's time.
    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Gives the engine one input, and wakes the timer task if necessary.
    pub(super) fn input<T>(
        &self,
        core: &mut Core,
        feed: impl FnOnce(&mut Engine, Timestamp) -> T,
    ) -> T {
        let (fed, _) = self.input_with_hold(core, feed);
        fed
    }

    /// The same, with the hold that the reply to the input may need.
    fn input_with_hold<T>(
        &self,
        core: &mut Core,
        feed: impl FnOnce(&mut Engine, Timestamp) -> T,
    ) -> (T, Option<Arc<Hold>>) {
        let now = self.now();
        let fed = core.input(self, |engine| feed(engine, now));
        let next = core.engine.poll_timeout();
        if next.is_some_and(|next| core.armed.is_none_or(|armed| next < armed)) {
            core.armed = next;
            self.0.earlier.notify_one();
        }
        fed
    }

    /// Carries out a command. A `receive` with a wait may take as long as that.
    ///
    /// Cancel safe: if the future is dropped, the messages that it had leased are due again. Of a batch, and of dead
    /// letters that are retried, some may be published by then.
    pub(crate) async fn call(&self, command: Command) -> Result<Reply, CallError> {
        let caller = Arc::clone(&command.caller);
        let real_wait = self.real_wait(&command.action);
        let (first, mut rest) = self.begin(command, Some(self.0.limits.uncommitted))?;
        // One input after the other, without waiting until each is stored.
        let mut others = vec![];
        while let Some(action) = rest.take() {
            tokio::task::yield_now().await;
            let caller = Arc::clone(&caller);
            let (answer, then) = self.begin(Command { caller, action }, None)?;
            others.push(answer);
            rest = then;
        }
        let mut reply = self.wait_for(first, &caller, real_wait).await?;
        for answer in others {
            match self.wait_for(answer, &caller, real_wait).await {
                Ok(more) => reply.append(more),
                // A refusal would hide what is done already.
                Err(CallError::Refused(_)) => break,
                Err(CallError::Stopped) => return Err(CallError::Stopped),
            }
        }
        Ok(reply)
    }

    /// Gives a command to the engine, unless the server is stopped or has `limit` changes that are not stored yet; what
    /// has begun goes on without that limit. Returns the answer, and the command for what the engine has left to another
    /// input.
    fn begin(
        &self,
        command: Command,
        limit: Option<u64>,
    ) -> Result<(Answer, Option<Action>), CallError> {
        let mut core = self.lock();
        if core.stopped {
            return Err(CallError::Stopped);
        }
        if limit.is_some_and(|limit| core.uncommitted() >= limit) {
            let overloaded = Error::Overloaded("changes that are not stored yet");
            return Err(CallError::Refused(overloaded));
        }
        if let Some(moved) = &mut core.moved {
            moved.published += usize::from(publishes(&command.action));
        }
        let (mut reply, hold) =
            self.input_with_hold(&mut core, |engine, now| engine.handle(now, command));
        let rest = reply.as_mut().ok().and_then(Reply::take_rest);
        let answer = match reply {
            Ok(Reply::Waiting(waiter)) => core.wait_for(waiter),
            reply => core.answer(self, reply.map_err(CallError::Refused), hold),
        };
        Ok((answer, rest))
    }

    /// Waits until an answer may leave.
    async fn wait_for(
        &self,
        answer: Answer,
        caller: &Arc<Caller>,
        real_wait: Option<Duration>,
    ) -> Result<Reply, CallError> {
        let stopped = |_| Outgoing::refusal(CallError::Stopped);
        let outgoing = match answer {
            Answer::Now(outgoing) => outgoing,
            Answer::Later(receiver) => receiver.await.unwrap_or_else(stopped),
            Answer::Waiting(waiter, receiver) => {
                let long_poll = LongPoll {
                    driver: self,
                    caller: Arc::clone(caller),
                    waiter,
                    receiver,
                };
                long_poll.answer(real_wait).await
            }
        };
        self.read(outgoing)
    }

    /// Reads the bodies that a reply names.
    fn read(&self, outgoing: Outgoing) -> Result<Reply, CallError> {
        let Outgoing { reply, hold } = outgoing;
        let mut reply = reply?;
        let read = reply.read_bodies(|source| {
            *source = BodySource::Bytes(self.0.bodies.read(source)?);
            Ok(())
        });
        drop(hold);
        match read {
            Ok(()) => Ok(reply),
            Err(error) => {
                self.storage_failed(&error);
                Err(CallError::Stopped)
            }
        }
    }

    fn storage_failed(&self, error: &StoreError) {
        self.lock().fail(self, error);
    }

    pub(super) fn bodies(&self) -> &Bodies {
        &self.0.bodies
    }

    /// On a manual clock, lets a waiting `receive` end after the same real time, if the server's time stands still.
    fn real_wait(&self, action: &Action) -> Option<Duration> {
        match action {
            Action::Pull(PullAction::Receive(receive)) if self.0.clock.is_manual() => {
                Some(receive.wait)
            }
            _ => None,
        }
    }

    /// Handles a delivery that is over.
    fn outcome(&self, attempt: AttemptId, outcome: Outcome) {
        let mut core = self.lock();
        if core.stopped {
            // Another server may have continued from the store by now.
            return;
        }
        let record = core
            .deliveries
            .remove(&attempt)
            .and_then(|flight| flight.record);
        match &mut core.moved {
            Some(moved) => drop(moved.outcomes.insert(attempt, (outcome, record))),
            None => self.apply(&mut core, attempt, outcome, record.as_deref()),
        }
        drop(core);
        self.0.delivered.notify_waiters();
    }

    /// Gives the outcome to the engine first, and then to the instruments.
    pub(super) fn apply(
        &self,
        core: &mut Core,
        attempt: AttemptId,
        outcome: Outcome,
        record: Option<&Record>,
    ) {
        let kept = record.map(|_| outcome.clone());
        self.input(core, |engine, now| {
            engine.handle_outcome(now, attempt, outcome);
        });
        self.close(attempt, record, kept);
    }

    /// Forgets an attempt that is over; it has no outcome if it was given up.
    pub(super) fn close(
        &self,
        attempt: AttemptId,
        record: Option<&Record>,
        outcome: Option<Outcome>,
    ) {
        self.0.instruments.parking.forget(attempt);
        if let Some(record) = record {
            self.0.instruments.captured.end(record, outcome, self.now());
        }
    }

    pub(super) fn spawn_delivery(&self, attempt: Attempt, hold: Option<Arc<Hold>>) -> Flight {
        let (driver, id) = (self.clone(), attempt.id);
        let job = self.0.instruments.begin(Arc::new(attempt));
        let (attempt, record) = (Arc::clone(&job.attempt), job.record.clone());
        let task = self.0.runtime.spawn(async move {
            if job.plan.as_ref().is_some_and(|plan| plan.rotate_key) {
                driver.rotate_key(&job.attempt).await;
            }
            let body = match driver.0.bodies.read(&job.attempt.body) {
                Ok(body) => body,
                Err(error) => return driver.storage_failed(&error),
            };
            drop(hold);
            if let Some(record) = &job.record {
                driver.0.instruments.captured.read(record, body.clone());
            }
            let outcome = driver.0.transport.deliver(&job, &body).await;
            driver.outcome(id, outcome);
        });
        Flight {
            attempt,
            task: task.abort_handle(),
            record,
            left_behind: false,
        }
    }

    /// Rotates the secret or the keys that an attempt was signed with, for a fault.
    async fn rotate_key(&self, attempt: &Attempt) {
        let command = Command {
            caller: Arc::new(Caller::owner(attempt.account.as_str())),
            action: match attempt.envelope {
                Envelope::QueueRules(_) => KeyAction::RotateSecret.into(),
                Envelope::CarriedRules(_) => KeyAction::RotateKeys.into(),
            },
        };
        if let Err(error) = self.call(command).await {
            tracing::warn!(?error, "a fault could not rotate the signing secret");
        }
    }

    /// Gives messages back that an answer had leased, because the caller was gone when the answer came.
    pub(super) fn give_back_later(&self, waiter: WaiterId, reply: Reply) {
        let driver = self.clone();
        self.0
            .runtime
            .spawn(async move { driver.give_back(&Caller::owner(""), waiter, reply) });
    }

    fn give_back(&self, caller: &Caller, waiter: WaiterId, reply: Reply) {
        let handed: Vec<(MessageId, LeaseId)> = match reply {
            Reply::Received(received) => received.into_iter().map(|it| (it.id, it.lease)).collect(),
            _ => vec![],
        };
        let action = PullAction::Abandon { waiter, handed }.into();
        let command = Command {
            caller: Arc::new(caller.clone()),
            action,
        };
        let mut core = self.lock();
        core.stop_waiting(waiter);
        if !core.stopped {
            // `Abandon` is never refused.
            let _ = self.input(&mut core, |engine, now| engine.handle(now, command));
        }
    }

    /// How many deliveries are under way.
    pub(crate) fn deliveries(&self) -> usize {
        self.lock().deliveries.len()
    }

    /// Starts no further delivery; those under way may end.
    pub(crate) fn halt(&self) {
        self.lock().engine.halt();
    }

    /// Returns once no delivery is under way.
    pub(crate) async fn drained(&self) {
        loop {
            let over = self.0.delivered.notified();
            if self.deliveries() == 0 {
                return;
            }
            over.await;
        }
    }

    /// Whether it refuses all calls, because the server was stopped or its storage has failed.
    pub(crate) fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// Refuses all calls from now on and gives up the deliveries under way.
    pub(crate) fn stop(&self) {
        self.lock().stop(self);
    }
}

/// Whether an action publishes messages.
const fn publishes(action: &Action) -> bool {
    matches!(action, Action::Publish(_) | Action::PublishBatch(_))
}

/// A waiting caller. If it is dropped before it has its answer, the engine forgets it.
struct LongPoll<'a> {
    driver: &'a Driver,
    caller: Arc<Caller>,
    waiter: WaiterId,
    receiver: oneshot::Receiver<Outgoing>,
}

impl LongPoll<'_> {
    async fn answer(mut self, real_wait: Option<Duration>) -> Outgoing {
        let stopped = |_| Outgoing::refusal(CallError::Stopped);
        let Some(wait) = real_wait else {
            return (&mut self.receiver).await.unwrap_or_else(stopped);
        };
        match tokio::time::timeout(wait, &mut self.receiver).await {
            Ok(outgoing) => outgoing.unwrap_or_else(stopped),
            Err(_) => Outgoing {
                reply: Ok(Reply::Received(vec![])),
                hold: None,
            },
        }
    }
}

impl Drop for LongPoll<'_> {
    fn drop(&mut self) {
        // Asked first: closing terminates it too.
        if self.receiver.is_terminated() {
            return;
        }
        self.receiver.close();
        let answered = self.receiver.try_recv().map(|outgoing| outgoing.reply);
        let reply = answered.unwrap_or(Ok(Reply::Abandoned));
        let reply = reply.unwrap_or(Reply::Abandoned);
        self.driver.give_back(&self.caller, self.waiter, reply);
    }
}
