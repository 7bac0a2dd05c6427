//! Messages of both kinds under random treatment: queues, keys, groups, schedules, callbacks, crashes.

use std::collections::BTreeMap;

use proptest::prelude::*;
use qstash_mock_server::engine::{
    Action, Config, DeadLetterAction, DeadLetterQuery, Error, Filter, FlowAction, KeyAction,
    MessageAction, MessageId, Outcome, Publish, QueueAction, Reply, ScheduleAction, Scope, Seed,
    Selection, UrlGroupAction,
};

use super::words::{
    A, B, C, all_dead, calling_back, delayed, endpoint, flowing, group_name, into_queue, keyed,
    millis, rejected, retries, schedule, schedule_id, secs, telling_failure, through, to, to_group,
    unreachable, with,
};
use crate::world::{
    World, failure, failure_with_retry_after, name, owner, publish, pushed, receive, success,
};

/// What is special about a message; every part is drawn on its own.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    queue: Option<usize>,
    key: Option<usize>,
    group: bool,
    callback: bool,
    failure_callback: bool,
    retries: u32,
    delay: u64,
    id: Option<u8>,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Send(Letter),
    Publish(usize),
    Receive,
    Succeed(usize),
    Fail(usize),
    FailUntil(usize, u64),
    Reject(usize),
    Vanish(usize),
    Cancel(usize),
    CancelMany(Option<usize>, bool),
    Pause(usize, bool),
    Parallelism(usize, u32),
    Delete(usize),
    PauseKey(usize, bool),
    Pin(usize, Option<u32>, Option<u32>),
    Unpin(usize),
    ResetRate(usize),
    Schedule(Letter),
    Unschedule,
    RetryDead,
    DeleteDead,
    Rotate,
    Regroup(bool),
    Advance(u64),
    Crash,
}

pub(crate) const QUEUES: [&str; 3] = ["one", "three", "hook"];
pub(crate) const KEYS: [&str; 2] = ["k", "l"];

fn letter() -> impl Strategy<Value = Letter> {
    let queue = prop::option::weighted(0.6, 0..QUEUES.len());
    let key = prop::option::weighted(0.4, 0..KEYS.len());
    let flag = || prop::bool::weighted(0.25);
    let delay = prop::sample::select(vec![0, 0, 0, 5, 12, 60]);
    let id = prop::option::weighted(0.2, 0..3u8);
    let parts = (queue, key, flag(), flag(), flag(), 0..3u32, delay, id);
    parts.prop_map(
        |(queue, key, group, callback, failure_callback, retries, delay, id)| Letter {
            queue,
            key,
            group,
            callback,
            failure_callback,
            retries,
            delay,
            id,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let call = || 0..16usize;
    let queue = || 0..QUEUES.len();
    let key = || 0..KEYS.len();
    let seconds = || prop::sample::select(vec![0, 1, 5, 12, 30, 60, 150]);
    let limit = || prop::option::of(1..4u32);
    let flag = any::<bool>;
    prop_oneof![
        10 => letter().prop_map(Step::Send),
        2 => queue().prop_map(Step::Publish),
        1 => Just(Step::Receive),
        6 => call().prop_map(Step::Succeed),
        5 => call().prop_map(Step::Fail),
        1 => (call(), seconds()).prop_map(|(call, wait)| Step::FailUntil(call, wait)),
        1 => call().prop_map(Step::Reject),
        1 => call().prop_map(Step::Vanish),
        2 => (0..64usize).prop_map(Step::Cancel),
        1 => (prop::option::of(0..5usize), flag()).prop_map(|(n, step)| Step::CancelMany(n, step)),
        2 => (queue(), flag()).prop_map(|(queue, on)| Step::Pause(queue, on)),
        1 => (queue(), 1..4u32).prop_map(|(queue, most)| Step::Parallelism(queue, most)),
        1 => queue().prop_map(Step::Delete),
        1 => (key(), flag()).prop_map(|(key, on)| Step::PauseKey(key, on)),
        1 => (key(), limit(), limit()).prop_map(|(key, most, rate)| Step::Pin(key, most, rate)),
        1 => key().prop_map(Step::Unpin),
        1 => key().prop_map(Step::ResetRate),
        1 => letter().prop_map(Step::Schedule),
        1 => Just(Step::Unschedule),
        1 => Just(Step::RetryDead),
        1 => Just(Step::DeleteDead),
        1 => Just(Step::Rotate),
        1 => flag().prop_map(Step::Regroup),
        10 => seconds().prop_map(Step::Advance),
        1 => prop::sample::select(vec![600, 1_300, 3_600]).prop_map(Step::Advance),
        1 => Just(Step::Crash),
    ]
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..80)
}

/// Two pulled queues and a pushed one, a group, two keys, a schedule and few places.
pub(crate) struct Run {
    pub(crate) world: World,
    pub(crate) ids: Vec<MessageId>,
    /// When each message was acknowledged, in commits.
    pub(crate) promised: BTreeMap<MessageId, usize>,
    pub(crate) trace: Vec<String>,
    /// There may be no room for a message.
    is_tight: bool,
}

impl Run {
    pub(crate) fn new(seed: u64, places: Option<u64>) -> Self {
        let mut config = Config::new(Seed::from(seed));
        config.quotas.global_parallelism = places;
        config.limits.bulk_step = 4;
        config.limits.starts = 2;
        Self::with(config, false)
    }

    pub(crate) fn with(config: Config, is_tight: bool) -> Self {
        let mut world = World::with(config);
        world.own_queue("one", 1, false);
        world.own_queue("three", 3, false);
        world.queue("hook", pushed(2));
        world.group("g", &[A, B]);
        Self {
            world,
            ids: vec![],
            promised: BTreeMap::new(),
            trace: vec![],
            is_tight,
        }
    }

    pub(crate) fn step(&mut self, step: &Step) {
        match step {
            Step::Send(letter) => self.send(letter.publish(), letter.group),
            Step::Publish(queue) => self.send(publish(QUEUES[*queue]), false),
            Step::Receive => self.act(receive("one", 2, 0)),
            Step::Succeed(call) => self.answer(*call, &success()),
            Step::Fail(call) => self.answer(*call, &failure()),
            Step::FailUntil(call, wait) => self.answer(*call, &failure_with_retry_after(*wait)),
            Step::Reject(call) => self.answer(*call, &rejected()),
            Step::Vanish(call) => self.answer(*call, &unreachable()),
            Step::Cancel(which) => {
                if let Some(id) = self.ids.get(which % self.ids.len().max(1)) {
                    self.act(MessageAction::Cancel(*id, Scope::CarriedRules));
                }
            }
            Step::CancelMany(count, whole) => self.cancel_many(*count, *whole),
            Step::Pause(queue, on) => self.act(QueueAction::SetPaused(name(QUEUES[*queue]), *on)),
            Step::Parallelism(queue, most) => self.act(QueueAction::Upsert {
                name: name(QUEUES[*queue]),
                parallelism: *most,
                paused: false,
            }),
            Step::Delete(queue) => self.act(QueueAction::Delete(name(QUEUES[*queue]))),
            Step::Schedule(letter) => {
                let send = with(letter.publish(), |it| it.deduplication = None);
                let put = schedule("s", "* * * * *", send);
                self.act(ScheduleAction::Put(Box::new(put)));
            }
            Step::Unschedule => {
                self.act(ScheduleAction::Delete(schedule_id("s")));
            }
            Step::Rotate => self.act(KeyAction::RotateKeys),
            Step::Advance(seconds) => self.world.advance_secs(*seconds),
            Step::Crash => self.world.crash(),
            Step::PauseKey(..) | Step::Pin(..) | Step::Unpin(_) | Step::ResetRate(_) => {
                self.manage_key(step);
            }
            Step::RetryDead | Step::DeleteDead | Step::Regroup(_) => self.manage(step),
        }
    }

    fn manage_key(&mut self, step: &Step) {
        let action = match *step {
            Step::PauseKey(key, on) => FlowAction::SetPaused(KEYS[key].into(), on),
            Step::Pin(key, parallelism, rate) => FlowAction::Pin {
                key: KEYS[key].into(),
                parallelism,
                rate,
                period: Some(secs(20)),
            },
            Step::Unpin(key) => FlowAction::Unpin {
                key: KEYS[key].into(),
                parallelism: true,
                rate: true,
            },
            Step::ResetRate(key) => FlowAction::ResetRate(KEYS[key].into()),
            _ => return,
        };
        self.act(action);
    }

    fn manage(&mut self, step: &Step) {
        let few = DeadLetterQuery {
            count: 2,
            ..all_dead()
        };
        match *step {
            Step::RetryDead => {
                let retry = DeadLetterAction::RetryMany(few, Box::default());
                match self.world.act(retry) {
                    Ok(Reply::DeadLettersRetried { messages, .. }) => {
                        messages.iter().for_each(|fresh| self.note(fresh.id));
                    }
                    other => self.trace.push(format!("{other:?}")),
                }
            }
            Step::DeleteDead => self.act(DeadLetterAction::DeleteMany(few)),
            Step::Regroup(true) => {
                let endpoints = [A, B, C].map(|url| endpoint(url, None)).to_vec();
                self.act(UrlGroupAction::PutEndpoints(group_name("g"), endpoints));
            }
            _ => self.act(UrlGroupAction::Delete(group_name("g"))),
        }
    }

    fn send(&mut self, publish: Publish, to_group: bool) {
        let published = match self.world.try_send(publish) {
            Ok(published) => published.messages().to_vec(),
            Err(Error::UrlGroupNotFound(_)) if to_group => vec![],
            Err(Error::Overloaded(_)) if self.is_tight => vec![],
            Err(error) => panic!("a publish was refused: {error}"),
        };
        for fresh in published.iter().filter(|it| !it.deduplicated) {
            self.note(fresh.id);
        }
    }

    fn note(&mut self, id: MessageId) {
        let commits = self.world.commits.len();
        assert!(
            self.promised.insert(id, commits).is_none(),
            "an id came twice"
        );
        self.ids.push(id);
        self.trace.push(format!("{id:?}"));
    }

    /// Whole, or only its first step, so that what follows falls between two.
    fn cancel_many(&mut self, count: Option<usize>, whole: bool) {
        let filter = Box::<Filter>::default();
        let action = MessageAction::CancelMany(Selection::Filter { filter, count });
        let reply = if whole {
            self.world.act(action)
        } else {
            self.world.act_only(&owner(), action)
        };
        self.trace.push(format!("{reply:?}"));
    }

    pub(crate) fn answer(&mut self, call: usize, outcome: &Outcome) {
        if !self.world.calls.is_empty() {
            let attempt = self.world.calls[call % self.world.calls.len()].id;
            self.world.answer(attempt, outcome.clone());
        }
    }

    pub(crate) fn act(&mut self, action: impl Into<Action>) {
        let reply = self.world.act(action);
        self.trace.push(format!("{reply:?}"));
    }

    /// Opens every gate, ends every schedule, and answers everything with success for a day.
    pub(crate) fn recover(&mut self) {
        self.step(&Step::Unschedule);
        for queue in QUEUES {
            self.act(QueueAction::SetPaused(name(queue), false));
        }
        for key in 0..KEYS.len() {
            self.step(&Step::PauseKey(key, false));
        }
        let end = self.world.now + secs(26 * 3600);
        while self.world.now < end && self.world.until_call() {
            while !self.world.calls.is_empty() {
                self.world.answer_next(success());
            }
            self.world.advance(millis(1));
        }
    }
}

impl Letter {
    fn publish(&self) -> Publish {
        let mut send = match (self.group, self.queue) {
            (true, _) => to_group("g"),
            (false, Some(queue)) => through(QUEUES[queue], A),
            (false, None) => to(B),
        };
        if let Some(queue) = self.queue {
            send = into_queue(send, QUEUES[queue]);
        }
        send = retries(send, self.retries);
        if self.delay > 0 {
            send = delayed(send, self.delay);
        }
        if let Some(key) = self.key {
            send = flowing(send, KEYS[key], 2 - key as u32, 3 * key as u32, 20);
        }
        if self.callback {
            send = calling_back(send);
        }
        if self.failure_callback {
            send = telling_failure(send);
        }
        match self.id {
            Some(id) => keyed(send, &id.to_string()),
            None => send,
        }
    }
}
