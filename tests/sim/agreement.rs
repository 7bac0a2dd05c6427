//! Random commands and times: the engine and the model must agree after every step.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use qstash_mock_server::engine::{
    Error, LeaseId, MessageAction, MessageId, PullAction, QueueAction, QueuePatch, Receive,
    Received, Reply, Scope, WaiterId,
};

use crate::model::{DEAD, Model, QUEUES, Refusal};
use crate::properties::settings;
use crate::words::queue_of;
use crate::world::{World, but, dead_letters_to, name, publish, purge};

const NAMES: [&str; QUEUES] = ["work", "dead", "plain"];
const VISIBILITY: u64 = 10_000;

#[derive(Clone, Debug)]
enum Step {
    Publish(usize, u64, Option<u8>, Option<u32>),
    Receive(usize, usize, Option<u64>),
    Wait(usize, u64),
    Extend(usize, Which, u64),
    Acknowledge(usize, Which),
    Release(usize, Which, u64),
    Cancel(usize),
    Redrive(Option<usize>),
    Pause(usize, bool),
    Purge(usize),
    Advance(u64),
    Crash,
}

/// Which of a message's leases a consumer shows.
#[derive(Clone, Copy, Debug)]
enum Which {
    None,
    Newest,
    First,
}

/// Few distinct times, so that many things fall on the same millisecond.
fn millis() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => prop::sample::select(vec![0, 1_000, 5_000, 10_000]),
        1 => 0..20_000u64,
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let which = || prop::sample::select(vec![Which::None, Which::Newest, Which::First]);
    let queue = || 0..QUEUES;
    let letter = || 0..64usize;
    let key = || prop::option::weighted(0.3, 0..3u8);
    let retries = || prop::option::weighted(0.2, 0..3u32);
    let wait = prop::sample::select(vec![1_000, 5_000, 20_000]);
    let visibility = || prop::option::of(prop::sample::select(vec![1_000, 5_000, 30_000]));
    prop_oneof![
        8 => (queue(), millis(), key(), retries()).prop_map(|(q, d, k, r)| Step::Publish(q, d, k, r)),
        8 => (queue(), 1..4usize, visibility()).prop_map(|(q, n, v)| Step::Receive(q, n, v)),
        3 => (queue(), wait).prop_map(|(q, w)| Step::Wait(q, w)),
        3 => (letter(), which(), millis()).prop_map(|(m, l, t)| Step::Extend(m, l, t)),
        4 => (letter(), which()).prop_map(|(m, l)| Step::Acknowledge(m, l)),
        5 => (letter(), which(), millis()).prop_map(|(m, l, t)| Step::Release(m, l, t)),
        2 => letter().prop_map(Step::Cancel),
        2 => prop::option::of(0..3usize).prop_map(Step::Redrive),
        2 => (queue(), any::<bool>()).prop_map(|(q, on)| Step::Pause(q, on)),
        1 => queue().prop_map(Step::Purge),
        8 => millis().prop_map(Step::Advance),
        1 => prop::sample::select(vec![590_000, 600_000, 610_000]).prop_map(Step::Advance),
        1 => Just(Step::Crash),
    ]
}

/// Engine and model side by side, and who is who.
struct Pair {
    world: World,
    model: Model,
    ids: Vec<MessageId>,
    /// Every lease of every message, in order.
    leases: BTreeMap<usize, Vec<LeaseId>>,
    waiters: Vec<Option<WaiterId>>,
}

impl Pair {
    fn new(seed: u64) -> Self {
        let mut world = World::new(seed);
        let patch = QueuePatch {
            max_retries: Some(1),
            visibility_timeout: Some(Duration::from_millis(VISIBILITY)),
            ..QueuePatch::default()
        };
        for queue in NAMES {
            world.queue(queue, patch.clone());
        }
        world.queue("work", dead_letters_to("dead"));
        Self {
            world,
            model: Model::new(1, VISIBILITY),
            ids: vec![],
            leases: BTreeMap::new(),
            waiters: vec![],
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Publish(queue, delay, key, retries) => self.publish(queue, delay, key, retries),
            Step::Receive(queue, max, visibility) => self.receive(queue, max, visibility),
            Step::Wait(queue, wait) => self.wait(queue, wait),
            Step::Redrive(max) => {
                let action = QueueAction::Redrive {
                    queue: name(NAMES[DEAD]),
                    to: None,
                    max_messages: max,
                };
                let expected = self.model.redrive(max);
                assert_eq!(self.world.act(action), Ok(Reply::Redriven(expected)));
            }
            Step::Pause(queue, paused) => {
                self.model.pause(queue, paused);
                let reply = self
                    .world
                    .act(QueueAction::SetPaused(name(NAMES[queue]), paused));
                assert!(reply.is_ok(), "{reply:?}");
            }
            Step::Purge(queue) => {
                let expected = self.model.purge(queue);
                let reply = self.world.act(purge(name(NAMES[queue])));
                assert_eq!(reply, Ok(Reply::Removed(expected)));
            }
            Step::Advance(by) => {
                self.model.advance(by);
                self.world.advance(Duration::from_millis(by));
            }
            Step::Crash => {
                self.model.crash();
                self.world.crash();
                self.waiters.fill(None);
            }
            Step::Extend(..) | Step::Acknowledge(..) | Step::Release(..) | Step::Cancel(_) => {
                self.on_message(step);
            }
        }
        self.compare();
    }

    fn publish(&mut self, queue: usize, delay: u64, key: Option<u8>, retries: Option<u32>) {
        let (index, deduplicated) = self.model.publish(queue, delay, key, retries);
        let message = but(publish(NAMES[queue]), |it| {
            it.delay = Duration::from_millis(delay);
            it.idempotency_key = key.map(|key| format!("key-{key}"));
            it.max_retries = retries;
        });
        let published = self.world.publish_one(message);
        assert_eq!(published.deduplicated, deduplicated);
        if deduplicated {
            assert_eq!(published.id, self.ids[index], "another message's id");
        } else {
            assert!(!self.ids.contains(&published.id), "an id came twice");
            self.ids.push(published.id);
        }
    }

    fn receive(&mut self, queue: usize, max: usize, visibility: Option<u64>) {
        let expected = self
            .model
            .receive(queue, max, visibility.unwrap_or(VISIBILITY));
        let reply = self.world.act(PullAction::Receive(Receive {
            queue: name(NAMES[queue]),
            max_messages: max,
            wait: Duration::ZERO,
            visibility_timeout: visibility.map(Duration::from_millis),
        }));
        let Ok(Reply::Received(received)) = reply else {
            panic!("nothing received: {reply:?}");
        };
        self.handed(&expected, &received);
        for (index, message) in expected.iter().zip(&received) {
            let letter = &self.model.letters[*index];
            let source = message.dead_letter.as_ref().map(|it| it.source.as_str());
            assert_eq!(message.queue.as_str(), NAMES[letter.queue]);
            assert_eq!(source, letter.died_in.map(|queue| NAMES[queue]));
            assert_eq!(message.attempt, letter.attempts);
        }
    }

    /// The same messages in the same order, with the same particulars.
    fn handed(&mut self, expected: &[usize], received: &[Received]) {
        let ids: Vec<_> = received.iter().map(|message| message.id).collect();
        let wanted: Vec<_> = expected.iter().map(|index| self.ids[*index]).collect();
        assert_eq!(
            ids, wanted,
            "other messages, or another order: {expected:?}"
        );
        for (index, message) in expected.iter().zip(received) {
            let leases = self.leases.entry(*index).or_default();
            assert!(!leases.contains(&message.lease), "a lease came twice");
            leases.push(message.lease);
        }
    }

    fn wait(&mut self, queue: usize, wait: u64) {
        let who = self.waiters.len();
        let waits = self.model.wait(who, queue, wait);
        let reply = self.world.act(PullAction::Receive(Receive {
            queue: name(NAMES[queue]),
            max_messages: 1,
            wait: Duration::from_millis(wait),
            visibility_timeout: None,
        }));
        match reply {
            Ok(Reply::Waiting(id)) if waits => self.waiters.push(Some(id)),
            Ok(Reply::Received(received)) if !waits => {
                self.waiters.push(None);
                let (_, index) = self.model.answers.pop().expect("it was served");
                self.handed(&Vec::from_iter(index), &received);
            }
            other => panic!("the model waits: {waits}, the engine: {other:?}"),
        }
    }

    fn on_message(&mut self, step: &Step) {
        let (Step::Extend(index, ..)
        | Step::Acknowledge(index, _)
        | Step::Release(index, ..)
        | Step::Cancel(index)) = *step
        else {
            return;
        };
        if self.ids.is_empty() {
            return;
        }
        let index = index % self.ids.len();
        let (id, start) = (self.ids[index], self.world.now.as_millis() - self.model.now);
        let millis = Duration::from_millis;
        match *step {
            Step::Extend(_, which, by) => {
                let (shown, lease) = self.show(index, which);
                let expected = self.model.extend(index, shown, by);
                let reply = self
                    .world
                    .act(PullAction::Extend(id, lease.into(), millis(by)));
                let until = reply.map(|reply| match reply {
                    Reply::Extended { expires_at, .. } => expires_at.as_millis() - start,
                    other => panic!("{other:?}"),
                });
                assert_eq!(until.map_err(|error| refusal(&error)), expected);
            }
            Step::Acknowledge(_, which) => {
                let (shown, lease) = self.show(index, which);
                let expected = self.model.acknowledge(index, shown);
                let reply = self.world.act(PullAction::Acknowledge(id, lease.into()));
                assert_eq!(reply.map(drop).map_err(|error| refusal(&error)), expected);
            }
            Step::Release(_, which, delay) => {
                let (shown, lease) = self.show(index, which);
                let expected = self.model.release(index, shown, delay);
                let reply = self
                    .world
                    .act(PullAction::Release(id, lease.into(), millis(delay)));
                assert_eq!(reply.map(drop).map_err(|error| refusal(&error)), expected);
            }
            _ => {
                let expected = self.model.cancel(index);
                let reply = self.world.act(MessageAction::Cancel(id, Scope::Queues));
                let expected = expected.map(|cancelled| Reply::Cancelled { id, cancelled });
                assert_eq!(reply.map_err(|error| refusal(&error)), expected);
            }
        }
    }

    /// The lease as the model and as the engine know it.
    fn show(&self, index: usize, which: Which) -> (Option<usize>, Option<LeaseId>) {
        let leases = self.leases.get(&index).map_or(&[][..], Vec::as_slice);
        match (which, leases) {
            (Which::None, _) | (_, []) => (None, None),
            (Which::Newest, [.., last]) => (Some(leases.len()), Some(*last)),
            (Which::First, [first, ..]) => (Some(1), Some(*first)),
        }
    }

    fn compare(&mut self) {
        for (who, index) in std::mem::take(&mut self.model.answers) {
            let waiter = self.waiters[who].take().expect("it waits");
            let received = self.world.answered(waiter);
            let received = received.unwrap_or_else(|| panic!("{waiter:?} was not answered"));
            self.handed(&Vec::from_iter(index), &received);
        }
        assert!(self.world.answers.is_empty(), "answered too early");
        let metrics = self.world.metrics();
        for (queue, known) in NAMES.iter().enumerate() {
            let figures = &metrics.queues[&name(known)];
            assert_eq!(figures.counters, self.model.counters[queue], "{known}");
        }
        let start = self.world.now.as_millis() - self.model.now;
        for (index, letter) in self.model.letters.iter().enumerate() {
            let view = self.world.message(self.ids[index]);
            assert_eq!(
                view.is_none(),
                letter.forgotten,
                "message {index} is kept or not"
            );
            let Some(view) = view else { continue };
            let place = (view.stage, queue_of(&view), view.attempts);
            let expected = (letter.stage, NAMES[letter.queue], letter.attempts);
            assert_eq!(place, expected, "message {index}");
            let until = view.next_at.map(|at| at.as_millis() - start);
            let timed = until.is_none_or(|until| until == letter.until);
            assert!(timed, "message {index}: {until:?}, not {}", letter.until);
        }
    }
}

fn refusal(error: &Error) -> Refusal {
    match error {
        Error::MessageNotFound => Refusal::NotFound,
        Error::NotLeased => Refusal::NotLeased,
        Error::LeaseLost => Refusal::LeaseLost,
        other => panic!("refused for another reason: {other}"),
    }
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn the_engine_agrees_with_the_model(seed: u64, steps in prop::collection::vec(step(), 1..80)) {
        let mut pair = Pair::new(seed);
        for step in &steps {
            pair.step(step);
        }
    }
}
