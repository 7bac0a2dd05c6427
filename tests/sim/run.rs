//! A pushed queue under random treatment.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use qstash_mock_server::engine::{
    Action, LeaseClaim, MessageAction, MessageId, MessageView, Outcome, PullAction, QueueAction,
    QueuePatch, Scope, Stage, Timestamp,
};

use crate::words::queue_of;
use crate::world::{
    World, accepted, but, dead_letters_to, failure, failure_with_retry_after, name, publish, purge,
    pushed, receive, redrive, success,
};

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Publish(u64, Option<u8>),
    Succeed(usize),
    Accept(usize),
    Fail(usize),
    FailUntil(usize, u64),
    Cancel(usize),
    Acknowledge(usize),
    Release(usize, u64),
    Extend(usize, u64),
    Pause(bool),
    Advance(u64),
    Redrive,
    Purge,
    Receive,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    let seconds = || prop::sample::select(vec![0, 1, 2, 5, 10, 30, 60]);
    let which = || 0..32usize;
    let key = prop::option::weighted(0.2, 0..3u8);
    prop_oneof![
        8 => (seconds(), key).prop_map(|(delay, key)| Step::Publish(delay, key)),
        4 => which().prop_map(Step::Succeed),
        3 => which().prop_map(Step::Accept),
        5 => which().prop_map(Step::Fail),
        1 => (which(), seconds()).prop_map(|(call, wait)| Step::FailUntil(call, wait)),
        1 => which().prop_map(Step::Cancel),
        1 => which().prop_map(Step::Acknowledge),
        1 => (which(), seconds()).prop_map(|(id, wait)| Step::Release(id, wait)),
        1 => (which(), seconds()).prop_map(|(id, by)| Step::Extend(id, by)),
        1 => any::<bool>().prop_map(Step::Pause),
        8 => seconds().prop_map(Step::Advance),
        1 => Just(Step::Redrive),
        1 => Just(Step::Receive),
        1 => prop::bool::weighted(0.2).prop_map(|all| if all { Step::Purge } else { Step::Redrive }),
        1 => Just(Step::Crash),
    ]
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..80)
}

/// A pushed queue `hook` with a dead-letter queue `dead`, under random treatment.
pub(crate) struct Run {
    pub(crate) world: World,
    pub(crate) ids: Vec<MessageId>,
    /// When each message first becomes due in `hook`.
    due: BTreeMap<MessageId, (Timestamp, usize)>,
    pub(crate) trace: Vec<String>,
}

impl Run {
    pub(crate) fn new(seed: u64, parallelism: u32) -> Self {
        let mut world = World::new(seed);
        let patch = QueuePatch {
            max_retries: Some(2),
            visibility_timeout: Some(Duration::from_secs(10)),
            ..pushed(parallelism)
        };
        world.queue("hook", patch);
        world.queue("hook", dead_letters_to("dead"));
        Self {
            world,
            ids: vec![],
            due: BTreeMap::new(),
            trace: vec![],
        }
    }

    pub(crate) fn step(&mut self, step: &Step) {
        let world = &mut self.world;
        match *step {
            Step::Publish(delay, key) => self.publish(delay, key),
            Step::Succeed(call) => self.answer(call, success()),
            Step::Accept(call) => self.answer(call, accepted()),
            Step::Fail(call) => self.answer(call, failure()),
            Step::FailUntil(call, wait) => self.answer(call, failure_with_retry_after(wait)),
            Step::Advance(seconds) => world.advance_secs(seconds),
            Step::Crash => world.crash(),
            Step::Cancel(which) => self.treat(which, |id| MessageAction::Cancel(id, Scope::Queues)),
            Step::Acknowledge(which) => {
                self.treat(which, |id| PullAction::Acknowledge(id, LeaseClaim::Unnamed))
            }
            Step::Release(which, wait) => self.treat(which, |id| {
                PullAction::Release(id, LeaseClaim::Unnamed, Duration::from_secs(wait))
            }),
            Step::Extend(which, by) => self.treat(which, |id| {
                PullAction::Extend(id, LeaseClaim::Unnamed, Duration::from_secs(by))
            }),
            Step::Pause(paused) => self.note(QueueAction::SetPaused(name("hook"), paused)),
            Step::Purge => self.note(purge(name("hook"))),
            Step::Receive => self.note(receive("dead", 2, 0)),
            Step::Redrive => {
                // A millisecond of its own, so that nobody starts in it before the redriven join.
                world.advance(Duration::from_millis(1));
                let now = world.now;
                let died = self.members("dead");
                self.note(redrive(None, None));
                let mut back: Vec<_> = self.members("hook");
                back.retain(|id| died.contains(id));
                for id in back {
                    self.due.entry(id).and_modify(|due| due.0 = now);
                }
            }
        }
    }

    fn publish(&mut self, delay: u64, key: Option<u8>) {
        let delay = Duration::from_secs(delay);
        let message = but(publish("hook"), |it| {
            it.delay = delay;
            it.idempotency_key = key.map(|key| key.to_string());
        });
        // The place of a message is known before it may start.
        let (due, place) = (self.world.now + delay, self.ids.len());
        let started = self.world.started.len();
        let published = self.world.publish_one(message);
        if !published.deduplicated {
            self.due.insert(published.id, (due, place));
            self.ids.push(published.id);
        }
        self.trace.push(format!(
            "{published:?} {}",
            self.world.started.len() - started
        ));
    }

    pub(crate) fn answer(&mut self, call: usize, outcome: Outcome) {
        if !self.world.calls.is_empty() {
            let attempt = self.world.calls[call % self.world.calls.len()].id;
            self.world.answer(attempt, outcome);
        }
    }

    fn treat<A: Into<Action>>(&mut self, which: usize, action: impl Fn(MessageId) -> A) {
        if !self.ids.is_empty() {
            self.note(action(self.ids[which % self.ids.len()]));
        }
    }

    fn note(&mut self, action: impl Into<Action>) {
        let reply = self.world.act(action);
        self.trace.push(format!("{reply:?}"));
    }

    pub(crate) fn members(&mut self, queue: &str) -> Vec<MessageId> {
        self.views()
            .into_iter()
            .filter(|view| queue_of(view) == queue && !view.stage.is_finished())
            .map(|view| view.id)
            .collect()
    }

    fn views(&mut self) -> Vec<MessageView> {
        let ids = self.ids.clone();
        ids.into_iter()
            .filter_map(|id| self.world.message(id))
            .collect()
    }

    /// Whoever holds the slot is the first of those that are due and not finished.
    pub(crate) fn check_first_in_first_out(&mut self) {
        let due = self.due.clone();
        let now = self.world.now;
        let started = |view: &MessageView| view.attempts > 0;
        let mut line: Vec<_> = self.views();
        line.retain(|view| queue_of(view) == "hook" && !view.stage.is_finished());
        line.retain(|view| started(view) || due[&view.id].0 <= now);
        line.sort_by_key(|view| due[&view.id]);
        let out_of_line = line.iter().skip(1).find(|view| started(view));
        assert!(
            out_of_line.is_none(),
            "it overtook another one: {out_of_line:?}, first in line: {:?}",
            line[0]
        );
    }

    /// The figures are the messages, counted.
    pub(crate) fn check_figures(&mut self) {
        let metrics = self.world.metrics();
        let views = self.views();
        for queue in ["hook", "dead"] {
            let count = |stages: &[Stage]| {
                let mine = views.iter().filter(|view| queue_of(view) == queue);
                mine.filter(|view| stages.contains(&view.stage)).count() as u64
            };
            let figures = &metrics.queues[&name(queue)];
            let known = (figures.ready, figures.delayed, figures.in_flight);
            let ready = count(&[Stage::Ready]);
            let held = count(&[Stage::InFlight, Stage::Leased]);
            assert_eq!(known, (ready, count(&[Stage::Delayed]), held), "{queue}");
            assert_eq!(figures.pending(), ready + count(&[Stage::Delayed]) + held);
        }
    }
}
