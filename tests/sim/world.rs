//! A world around one engine: virtual time, webhook calls that wait for an answer, and a disk.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::disk::{Commit, Disk};
pub(crate) use crate::words::{
    accepted, all_metrics, but, dead_letters_to, failure, failure_with_retry_after, later, name,
    owner, publish, purge, pushed, put, receive, redrive, saying, success,
};
use qstash_mock_server::engine::{
    Action, Attempt, AttemptId, Caller, Command, Config, Counters, Effect, Engine, Entity, Error,
    LeaseId, MessageAction, MessageId, MessageView, Metrics, Outcome, Publish, Published,
    PublishedMessage, PullAction, QueueMetrics, QueuePatch, Received, Reply, Scope, Seed, Stage,
    Timestamp, WaiterId,
};

/// No honest engine needs more steps than this to come to rest.
const PATIENCE: usize = 20_000;
/// With more than so many bodies or changes, the disk is not compared with the engine after every input.
const FEW: usize = 100;

pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) now: Timestamp,
    pub(crate) config: Config,
    /// Webhook calls that nobody has answered yet, the oldest first.
    pub(crate) calls: Vec<Attempt>,
    /// Every call that was ever started, with the time.
    pub(crate) started: Vec<(Timestamp, Attempt)>,
    pub(crate) aborted: BTreeSet<AttemptId>,
    pub(crate) answers: BTreeMap<WaiterId, Reply>,
    /// Everything that one input changed is one commit.
    pub(crate) commits: Vec<Commit>,
    /// What they come to.
    pub(crate) disk: Disk,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self::with(Config::new(Seed::from(seed)))
    }

    pub(crate) fn with(config: Config) -> Self {
        Self::starting(config, Timestamp::from_millis(1_700_000_000_000))
    }

    pub(crate) fn starting(config: Config, now: Timestamp) -> Self {
        let mut world = Self {
            engine: Engine::new(config.clone(), now),
            now,
            config,
            calls: vec![],
            started: vec![],
            aborted: BTreeSet::new(),
            answers: BTreeMap::new(),
            commits: vec![],
            disk: Disk::default(),
        };
        world.absorb();
        world
    }

    // ----- inputs -----

    /// One command as the account's owner; what is due at this instant is done too.
    pub(crate) fn act(&mut self, action: impl Into<Action>) -> Result<Reply, Error> {
        self.act_as(&owner(), action)
    }

    pub(crate) fn act_as(
        &mut self,
        caller: &Arc<Caller>,
        action: impl Into<Action>,
    ) -> Result<Reply, Error> {
        let mut reply = self.act_only(caller, action);
        while let Ok(reply) = &mut reply
            && let Some(rest) = reply.take_rest()
            && let Ok(more) = self.act_only(caller, rest)
        {
            reply.append(more);
        }
        self.settle();
        match reply {
            Ok(Reply::Waiting(id)) => Ok(self.answers.remove(&id).unwrap_or(Reply::Waiting(id))),
            other => other,
        }
    }

    /// One command and nothing else: bulk work stays half done.
    pub(crate) fn act_only(
        &mut self,
        caller: &Arc<Caller>,
        action: impl Into<Action>,
    ) -> Result<Reply, Error> {
        let (caller, action) = (Arc::clone(caller), action.into());
        let mut reply = self.engine.handle(self.now, Command { caller, action });
        self.absorb_with(reply.as_mut().ok());
        reply
    }

    /// Begins work on many messages that takes more than one input, and does only the first part of it.
    pub(crate) fn begin(&mut self, action: impl Into<Action>) -> WaiterId {
        match self.act_only(&owner(), action) {
            Ok(Reply::Waiting(waiter)) => waiter,
            other => panic!("it does not take more than one input: {other:?}"),
        }
    }

    /// Answers a call that is open.
    pub(crate) fn answer(&mut self, attempt: AttemptId, outcome: Outcome) {
        self.calls.retain(|call| call.id != attempt);
        self.engine.handle_outcome(self.now, attempt, outcome);
        self.absorb();
        self.settle();
    }

    /// Answers one of the open calls and does nothing else: bulk work stays half done.
    pub(crate) fn answer_only(&mut self, call: usize, outcome: Outcome) {
        let call = self.calls.remove(call);
        self.engine.handle_outcome(self.now, call.id, outcome);
        self.absorb();
    }

    /// Answers the oldest open call.
    pub(crate) fn answer_next(&mut self, outcome: Outcome) -> Attempt {
        let call = self.calls.first().expect("a call is open").clone();
        self.answer(call.id, outcome);
        call
    }

    /// Walks from deadline to deadline.
    pub(crate) fn advance(&mut self, by: Duration) {
        let end = self.now + by;
        for _ in 0..PATIENCE {
            match self.engine.poll_timeout().filter(|at| *at <= end) {
                Some(at) => self.now = at.max(self.now),
                None => {
                    self.now = end;
                    return self.tick();
                }
            }
            self.tick();
        }
        panic!("the engine never comes to rest");
    }

    pub(crate) fn advance_secs(&mut self, seconds: u64) {
        self.advance(Duration::from_secs(seconds));
    }

    pub(crate) fn tick(&mut self) {
        self.engine.handle_timeout(self.now);
        self.absorb();
    }

    fn settle(&mut self) {
        for _ in 0..PATIENCE {
            if self.engine.poll_timeout().is_none_or(|at| at > self.now) {
                return;
            }
            self.tick();
        }
        panic!("the engine never comes to rest");
    }

    /// The process dies; another one starts from the disk. Nobody hears of open calls again.
    pub(crate) fn crash(&mut self) {
        self.crash_after(self.commits.len());
    }

    /// The same, and the disk got only the first `commits` commits.
    pub(crate) fn crash_after(&mut self, commits: usize) {
        self.commits.truncate(commits);
        self.disk = self.disk_after(commits);
        self.engine = self.restored(self.disk.stored());
        self.calls.clear();
        self.answers.clear();
        self.tick();
        self.settle();
    }

    /// An engine of this world's settings that starts now, from what is stored.
    pub(crate) fn restored(&self, stored: impl Iterator<Item = Entity>) -> Engine {
        Engine::restore(self.config.clone(), self.now, stored).expect("it restores")
    }

    /// What a disk holds that got only the first `commits` commits.
    pub(crate) fn disk_after(&self, commits: usize) -> Disk {
        Disk::after(&self.commits[..commits])
    }

    fn absorb(&mut self) {
        self.absorb_with(None);
    }

    /// Commits what the input changed; then its effects and its reply leave, with the bodies that they name.
    fn absorb_with(&mut self, reply: Option<&mut Reply>) {
        let effects: Vec<_> = std::iter::from_fn(|| self.engine.poll_effect()).collect();
        let commit = Commit::of(&mut self.engine);
        self.disk.add(&commit);
        self.read_bodies(reply);
        for effect in effects {
            self.carry_out(effect);
        }
        self.disk.drop_bodies(&commit);
        let few = self.disk.bodies.len() < FEW && commit.changes.len() < FEW;
        if few && !commit.is_empty() {
            self.disk.check_against(&self.engine);
        }
        self.commits.push(commit);
        self.engine.check_invariants();
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Attempt(mut attempt) => {
                self.disk.read(&mut attempt.body);
                self.started.push((self.now, (*attempt).clone()));
                self.calls.push(*attempt);
            }
            Effect::Abort(id) => {
                self.calls.retain(|call| call.id != id);
                self.aborted.insert(id);
            }
            Effect::Answer(id, mut reply) => {
                self.read_bodies(Some(&mut reply));
                let first = self.answers.insert(id, *reply).is_none();
                assert!(first, "{id:?} was answered twice");
            }
        }
    }

    fn read_bodies(&self, reply: Option<&mut Reply>) {
        let Some(reply) = reply else { return };
        let read = reply.read_bodies(|source| {
            self.disk.read(source);
            Ok::<_, std::convert::Infallible>(())
        });
        read.expect("it cannot fail");
    }

    // ----- short forms for tests -----

    pub(crate) fn queue(&mut self, queue: &str, patch: QueuePatch) {
        self.act(put(queue, patch)).expect("the queue is accepted");
    }

    pub(crate) fn publish(&mut self, queue: &str) -> MessageId {
        self.publish_with(publish(queue))
    }

    pub(crate) fn publish_with(&mut self, publish: Publish) -> MessageId {
        self.publish_one(publish).id
    }

    pub(crate) fn publish_one(&mut self, publish: Publish) -> PublishedMessage {
        match self.act(publish) {
            Ok(Reply::Published(Published::One(one))) => one,
            other => panic!("not published: {other:?}"),
        }
    }

    pub(crate) fn receive(&mut self, queue: &str, max: usize) -> Vec<Received> {
        match self.act(receive(queue, max, 0)) {
            Ok(Reply::Received(received)) => received,
            other => panic!("not received: {other:?}"),
        }
    }

    pub(crate) fn receive_one(&mut self, queue: &str) -> Received {
        let mut received = self.receive(queue, 1);
        assert_eq!(received.len(), 1, "nothing to receive from {queue}");
        received.remove(0)
    }

    /// A long poll that finds nothing yet.
    pub(crate) fn wait(&mut self, queue: &str, seconds: u64) -> WaiterId {
        match self.act(receive(queue, 1, seconds)) {
            Ok(Reply::Waiting(id)) => id,
            other => panic!("it does not wait: {other:?}"),
        }
    }

    pub(crate) fn answered(&mut self, waiter: WaiterId) -> Option<Vec<Received>> {
        match self.answers.remove(&waiter)? {
            Reply::Received(received) => Some(received),
            other => panic!("a long poll is answered with {other:?}"),
        }
    }

    pub(crate) fn acknowledge(&mut self, held: &Received) -> Result<Reply, Error> {
        self.act(PullAction::Acknowledge(held.id, Some(held.lease).into()))
    }

    pub(crate) fn release(&mut self, held: &Received, delay: u64) -> Result<Reply, Error> {
        let delay = Duration::from_secs(delay);
        self.act(PullAction::Release(held.id, Some(held.lease).into(), delay))
    }

    pub(crate) fn extend(
        &mut self,
        id: MessageId,
        lease: Option<LeaseId>,
        seconds: u64,
    ) -> Result<Reply, Error> {
        self.act(PullAction::Extend(
            id,
            lease.into(),
            Duration::from_secs(seconds),
        ))
    }

    pub(crate) fn message(&mut self, id: MessageId) -> Option<MessageView> {
        match self.act(MessageAction::Get(id, Scope::Queues)) {
            Ok(Reply::Message(view)) => Some(*view),
            Err(Error::MessageNotFound) => None,
            other => panic!("no answer to a look: {other:?}"),
        }
    }

    /// Cancels a message that is in a queue.
    pub(crate) fn cancel_in_queue(&mut self, id: MessageId) {
        let cancelled = self.act(MessageAction::Cancel(id, Scope::Queues));
        assert!(cancelled.is_ok(), "{cancelled:?}");
    }

    /// The state, and the queue the message is in.
    pub(crate) fn stage(&mut self, id: MessageId) -> (Stage, String) {
        let view = self.message(id).expect("the message is there");
        let queue = view.queue.expect("it is in a queue");
        (view.stage, queue.to_string())
    }

    pub(crate) fn metrics(&mut self) -> Metrics {
        match self.act(all_metrics()) {
            Ok(Reply::Metrics { metrics, .. }) => *metrics,
            other => panic!("no figures: {other:?}"),
        }
    }

    pub(crate) fn figures(&mut self, queue: &str) -> QueueMetrics {
        self.metrics().queues.remove(&name(queue)).expect("figures")
    }

    pub(crate) fn counters(&mut self, queue: &str) -> Counters {
        self.figures(queue).counters
    }

    /// When each call was started, in whole seconds after the one before it.
    pub(crate) fn gaps(&self) -> Vec<u64> {
        let gap = |two: &[(Timestamp, _)]| two[1].0.since(two[0].0).as_secs();
        self.started.windows(2).map(gap).collect()
    }
}
