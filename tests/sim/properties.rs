//! What must hold whatever happens: order, bounds, nothing lost, nothing twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config as Settings, RngSeed};
use qstash_mock_server::engine::{
    Action, Caller, Counters, Engine, Entity, MessageId, MessageView, QueuePatch, Reply, Stage,
    Timestamp,
};

use crate::world::{
    World, accepted, dead_letters_to, failure, failure_with_retry_after, name, owner, publish,
    pushed, receive, success,
};

/// 64 cases and a new seed each time, unless the environment says otherwise.
pub(crate) fn settings() -> Settings {
    let read = |variable| std::env::var(variable).ok()?.parse().ok();
    let seed = read("PROPTEST_RNG_SEED").unwrap_or_else(|| {
        let time = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
        u64::from(time.subsec_nanos())
    });
    println!("to repeat this run: PROPTEST_RNG_SEED={seed}");
    Settings {
        cases: read("PROPTEST_CASES").map_or(64, |cases| cases as u32),
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..Settings::default()
    }
}

#[derive(Clone, Debug)]
enum Step {
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

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..80)
}

/// A pushed queue `hook` with a dead-letter queue `dead`, under random treatment.
struct Run {
    world: World,
    ids: Vec<MessageId>,
    /// When each message first becomes due in `hook`.
    due: BTreeMap<MessageId, (Timestamp, usize)>,
    trace: Vec<String>,
}

impl Run {
    fn new(seed: u64, parallelism: u32) -> Self {
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

    fn step(&mut self, step: &Step) {
        let world = &mut self.world;
        match *step {
            Step::Publish(delay, key) => self.publish(delay, key),
            Step::Succeed(call) => self.answer(call, success()),
            Step::Accept(call) => self.answer(call, accepted()),
            Step::Fail(call) => self.answer(call, failure()),
            Step::FailUntil(call, wait) => self.answer(call, failure_with_retry_after(wait)),
            Step::Advance(seconds) => world.advance_secs(seconds),
            Step::Crash => world.crash(),
            Step::Cancel(which) => self.treat(which, Action::CancelMessage),
            Step::Acknowledge(which) => self.treat(which, |id| Action::Acknowledge(id, None)),
            Step::Release(which, wait) => self.treat(which, |id| {
                Action::Release(id, None, Duration::from_secs(wait))
            }),
            Step::Extend(which, by) => self.treat(which, |id| {
                Action::Extend(id, None, Duration::from_secs(by))
            }),
            Step::Pause(paused) => self.note(Action::SetPaused(name("hook"), paused)),
            Step::Purge => self.note(Action::Purge(name("hook"))),
            Step::Receive => self.note(receive("dead", 2, 0)),
            Step::Redrive => {
                // A millisecond of its own, so that nobody starts in it before the redriven join.
                world.advance(Duration::from_millis(1));
                let now = world.now;
                let died = self.members("dead");
                self.note(Action::Redrive {
                    queue: name("dead"),
                    to: None,
                    max_messages: None,
                });
                let mut back: Vec<_> = self.members("hook");
                back.retain(|id| died.contains(id));
                for id in back {
                    self.due.entry(id).and_modify(|due| due.0 = now);
                }
            }
        }
    }

    fn publish(&mut self, delay: u64, key: Option<u8>) {
        let mut message = publish("hook");
        message.delay = Duration::from_secs(delay);
        message.idempotency_key = key.map(|key| key.to_string());
        // The place of a message is known before it may start.
        let (due, place) = (self.world.now + message.delay, self.ids.len());
        let started = self.world.started.len();
        let Ok(Reply::Published(published)) = self.world.act(Action::Publish(message)) else {
            panic!("a publish was refused");
        };
        if !published.deduplicated {
            self.due.insert(published.id, (due, place));
            self.ids.push(published.id);
        }
        self.trace
            .push(format!("{published:?} {}", self.world.started.len() - started));
    }

    fn answer(&mut self, call: usize, outcome: qstash_mock_server::engine::Outcome) {
        if !self.world.calls.is_empty() {
            let attempt = self.world.calls[call % self.world.calls.len()].id;
            self.world.answer(attempt, outcome);
        }
    }

    fn treat(&mut self, which: usize, action: impl Fn(MessageId) -> Action) {
        if !self.ids.is_empty() {
            self.note(action(self.ids[which % self.ids.len()]));
        }
    }

    fn note(&mut self, action: Action) {
        let reply = self.world.act(action);
        self.trace.push(format!("{reply:?}"));
    }

    fn members(&mut self, queue: &str) -> Vec<MessageId> {
        self.views()
            .into_iter()
            .filter(|view| view.queue.as_str() == queue && !view.stage.is_finished())
            .map(|view| view.id)
            .collect()
    }

    fn views(&mut self) -> Vec<MessageView> {
        let ids = self.ids.clone();
        ids.into_iter().filter_map(|id| self.world.message(id)).collect()
    }

    /// Whoever holds the slot is the first of those that are due and not finished.
    fn check_first_in_first_out(&mut self) {
        let due = self.due.clone();
        let now = self.world.now;
        let started = |view: &MessageView| view.attempts > 0;
        let mut line: Vec<_> = self.views();
        line.retain(|view| view.queue.as_str() == "hook" && !view.stage.is_finished());
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
    fn check_figures(&mut self) {
        let metrics = self.world.metrics();
        let views = self.views();
        for queue in ["hook", "dead"] {
            let count = |stages: &[Stage]| {
                let mine = views.iter().filter(|view| view.queue.as_str() == queue);
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

fn numbers(counters: &Counters) -> [u64; 8] {
    [
        counters.published,
        counters.deduplicated,
        counters.delivered,
        counters.retried,
        counters.dead_lettered,
        counters.failed,
        counters.cancelled,
        counters.expired_leases,
    ]
}

/// Crash after each commit: what was promised until then must be there.
fn check_every_prefix(run: &Run, promised: &BTreeMap<MessageId, usize>) {
    for commits in 0..=run.world.commits.len() {
        let disk = run.world.disk_after(commits);
        let stored: BTreeSet<_> = disk
            .values()
            .filter_map(|entity| match entity {
                Entity::Message(message) => Some(message.id),
                _ => None,
            })
            .collect();
        let restored = Engine::restore(run.world.config.clone(), run.world.now, disk.into_values());
        restored.expect("it restores").check_invariants();
        let lost = promised.iter().find(|(id, at)| **at <= commits && !stored.contains(id));
        assert!(lost.is_none(), "{lost:?} is lost after {commits} commits");
    }
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn a_queue_with_parallelism_one_is_first_in_first_out(seed: u64, steps in steps()) {
        let mut run = Run::new(seed, 1);
        for step in &steps {
            run.step(step);
            run.check_first_in_first_out();
        }
    }

    #[test]
    fn calls_never_exceed_the_parallelism(seed: u64, parallelism in 1..4u32, steps in steps()) {
        let mut run = Run::new(seed, parallelism);
        for step in &steps {
            run.step(step);
            let open = run.world.calls.len();
            prop_assert!(open <= parallelism as usize, "{open} calls");
        }
    }

    #[test]
    fn a_message_is_in_exactly_one_state_and_the_figures_count_it(seed: u64, steps in steps()) {
        let mut run = Run::new(seed, 3);
        for step in &steps {
            run.step(step);
            run.check_figures();
        }
    }

    #[test]
    fn counters_only_grow(seed: u64, steps in steps()) {
        let mut run = Run::new(seed, 3);
        let mut before = [0; 8];
        for step in steps.iter().filter(|step| !matches!(step, Step::Crash)) {
            run.step(step);
            let after = numbers(&run.world.counters("hook"));
            prop_assert!(before.iter().zip(after).all(|(old, new)| *old <= new), "{before:?} {after:?}");
            before = after;
        }
    }

    #[test]
    fn nothing_acknowledged_is_lost_wherever_it_crashes(seed: u64, steps in steps()) {
        let mut run = Run::new(seed, 2);
        let mut promised = BTreeMap::new();
        for step in &steps {
            run.step(step);
            for id in &run.ids {
                promised.entry(*id).or_insert(run.world.commits.len());
            }
        }
        // Short enough that no finished message has been forgotten for its age.
        if run.world.now.since(Timestamp::from_millis(1_700_000_000_000)).as_secs() < 600 {
            check_every_prefix(&run, &promised);
        }
    }

    #[test]
    fn every_message_ends_when_consumers_recover(seed: u64, parallelism in 1..4u32, steps in steps()) {
        let mut run = Run::new(seed, parallelism);
        for step in &steps {
            run.step(step);
        }
        run.step(&Step::Pause(false));
        for _ in 0..500 {
            while !run.world.calls.is_empty() {
                run.answer(0, success());
            }
            run.world.advance_secs(1);
        }
        let stuck = run.members("hook");
        prop_assert!(stuck.is_empty(), "{stuck:?} never ended");
    }

    #[test]
    fn the_same_seed_and_inputs_make_the_same_ids_and_decisions(seed: u64, steps in steps()) {
        let runs = [(); 2].map(|()| {
            let mut run = Run::new(seed, 2);
            steps.iter().for_each(|step| run.step(step));
            (run.trace, format!("{:?}", run.world.started), run.world.commits)
        });
        let [first, second] = runs;
        prop_assert_eq!(first, second);
    }

    #[test]
    fn no_message_is_leased_to_two_consumers(seed: u64, waits in prop::collection::vec((1..4usize, 0..20_000u64), 1..60)) {
        let mut world = World::new(seed);
        let mut held: BTreeMap<MessageId, Timestamp> = BTreeMap::new();
        for (max, wait) in waits {
            world.publish("work");
            for message in world.receive("work", max) {
                let until = held.insert(message.id, message.expires_at);
                prop_assert!(until.is_none_or(|until| until <= world.now), "leased until {until:?}");
            }
            world.advance(Duration::from_millis(wait));
        }
    }

    #[test]
    fn a_key_stores_one_message_in_each_window(seed: u64, waits in prop::collection::vec(0..400u64, 1..40)) {
        let mut world = World::new(seed);
        let mut first: Option<(Timestamp, MessageId)> = None;
        for wait in waits {
            let mut message = publish("work");
            message.idempotency_key = Some("same".into());
            let id = world.publish_with(message);
            match first {
                Some((at, known)) if world.now.since(at).as_secs() < 600 => prop_assert_eq!(id, known),
                _ => {
                    prop_assert!(first.is_none_or(|(_, known)| known != id), "an old id");
                    first = Some((world.now, id));
                }
            }
            world.advance_secs(wait);
        }
    }

    #[test]
    fn accounts_share_nothing(seed: u64, steps in steps()) {
        let mut run = Run::new(seed, 2);
        steps.iter().for_each(|step| run.step(step));
        let stranger = Arc::new(Caller::owner("stranger"));
        prop_assert_ne!(&stranger, &owner());
        for id in run.ids.clone() {
            let reply = run.world.act_as(&stranger, Action::CancelMessage(id));
            prop_assert_eq!(reply, Err(qstash_mock_server::engine::Error::MessageNotFound));
        }
        let Ok(Reply::Metrics(metrics)) = run.world.act_as(&stranger, Action::Metrics) else {
            panic!("no figures");
        };
        prop_assert!(metrics.queues.is_empty());
    }
}
