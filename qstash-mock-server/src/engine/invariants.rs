//! What must hold after every input, whatever came before. Called by tests, in any build.

use std::collections::BTreeMap;

use crate::engine::inputs::Engine;
use crate::engine::model::entity::{DedupScope, FirstWithKey};
use crate::engine::model::id::{BodyId, QueueId, QueueName};
use crate::engine::model::message::{MessageState, Sequence, Stage, State};
use crate::engine::model::spec::MessageSpec;
use crate::engine::state::{Lane, Shelf, Timer};

impl Engine {
    /// Compares every index with the entities it follows from, and counts every byte again.
    ///
    /// # Panics
    /// If they disagree: the engine has a bug.
    pub fn check_invariants(&self) {
        self.check_bytes();
        self.check_bounds();
        self.check_gauges();
        self.check_keys();
        self.check_timers();
        self.check_bodies();
        self.check_calls();
        self.check_slots();
        self.check_gates();
    }

    fn check_bytes(&self) {
        for (shelf, counted) in self.state.count_bytes() {
            let known = self.state.bytes(shelf);
            assert_eq!(known, counted, "bytes are miscounted: {shelf:?}");
        }
    }

    fn check_bounds(&self) {
        let limits = &self.config.limits;
        let at_most = |what: &str, held: usize, bound: usize| {
            assert!(held <= bound, "{what}: {held} of {bound}");
        };
        let bytes = |shelf| self.state.bytes(shelf);
        at_most(
            "bytes of answers",
            bytes(Shelf::Answers),
            limits.answer_bytes,
        );
        let rows = self.state.all_rows().count();
        if rows > 0 {
            at_most("bytes of logs", bytes(Shelf::Log), limits.all_log_bytes);
        }
        for (rows, bytes) in self.state.log_sizes() {
            at_most("rows of a log", rows, limits.log_rows);
            if rows > 0 {
                at_most("bytes of a log", bytes, limits.log_bytes);
            }
        }
        for (spec, _) in self.state.messages() {
            let past = self.state.past(spec.sequence);
            let records = past.map_or(0, |past| past.records().count());
            at_most("attempt records", records, limits.history);
        }
        let listed = self.state.all_listed().count();
        at_most("listed dead letters", listed, limits.all_dead_letters);
        at_most("keys", self.state.key_count(), limits.dedup_keys);
        at_most(
            "flow-control keys",
            self.state.flow_count(),
            limits.flow_keys,
        );
        at_most("accounts", self.state.account_count(), limits.accounts);
        at_most("bulk operations", self.jobs.len(), limits.bulk_jobs);
    }

    fn check_gauges(&self) {
        let mut gauges: BTreeMap<QueueId, [u64; 5]> = BTreeMap::new();
        let mut sizes: BTreeMap<QueueId, usize> = BTreeMap::new();
        let mut dead: BTreeMap<QueueId, BTreeMap<QueueName, usize>> = BTreeMap::new();
        for (spec, state) in self.state.messages() {
            let Some(queue) = state.queue else {
                continue;
            };
            *sizes.entry(queue).or_default() += 1;
            count_standing(gauges.entry(queue).or_default(), spec, &state);
            let past = self.state.past(spec.sequence);
            let waits = matches!(state.state, State::Ready | State::Delayed { .. });
            if let Some(letter) = past.and_then(|past| past.dead_letter()).filter(|_| waits) {
                let sources = dead.entry(queue).or_default();
                *sources.entry(letter.source.clone()).or_default() += 1;
            }
        }
        for (id, index) in self.state.queue_indices() {
            let expected = gauges.remove(&id).unwrap_or_default();
            assert_eq!(index.gauges(), expected, "{id:?} differs from its messages");
            let size = sizes.remove(&id).unwrap_or_default();
            assert_eq!(index.size(), size, "{id:?} has other members");
            let sources = dead.remove(&id).unwrap_or_default();
            assert_eq!(index.dead_from(), &sources, "dead letters in {id:?}");
            let waiting = index.waiters().len() > 0 && index.receivable() > 0;
            let queue = self.state.queue(id);
            let paused = queue.is_none_or(|queue| queue.settings.paused);
            assert!(
                !waiting || paused || self.leaves_something(),
                "somebody waits on {id:?} while a message is ready"
            );
        }
        assert!(sizes.is_empty(), "messages in queues without an index");
    }

    fn check_keys(&self) {
        for key in self.state.all_keys() {
            let (DedupScope::Schedules(account), FirstWithKey::Schedule(id)) =
                (&key.id.scope, &key.first)
            else {
                continue;
            };
            let schedule = self.state.schedule(account, id);
            let text = schedule.and_then(|schedule| schedule.key.as_ref());
            assert_eq!(text, Some(&key.id.text), "{id:?} was created otherwise");
        }
    }

    fn check_timers(&self) {
        let going_on = self.state.messages();
        let going_on = going_on.filter(|(_, state)| state.state.goes_on());
        assert_eq!(going_on.count(), self.state.going_on(), "miscounted");
        for (spec, state) in self.state.messages() {
            let right = self.state.stands_right(spec, &state);
            assert!(right, "{:?} stands elsewhere: {state:?}", spec.id);
        }
        let has = |at, timer| self.state.has_timer(at, timer);
        for (id, attempt) in self.state.attempts() {
            assert!(
                has(attempt.deadline, Timer::Attempt(id)),
                "{id:?} never ends"
            );
        }
        for (id, waiter) in &self.waiters {
            assert!(
                has(waiter.deadline, Timer::Waiter(*id)),
                "{id:?} waits for ever"
            );
        }
        for (key, timer) in self.state.all_flow_keys() {
            let known = timer.is_some_and(|at| has(at, Timer::FlowKey(key.id.clone())));
            assert!(known || key.is_kept(), "{:?} is never forgotten", key.id);
        }
    }

    fn check_bodies(&self) {
        let mut holders: BTreeMap<BodyId, u32> = BTreeMap::new();
        for sequence in self.state.all_sequences() {
            if let Some(spec) = self.state.spec(sequence)
                && self.state.keeps_body(sequence)
            {
                *holders.entry(spec.body.stored()).or_default() += 1;
            }
        }
        for schedule in self.state.all_schedules() {
            *holders.entry(schedule.body.stored()).or_default() += 1;
        }
        let shared = holders.values().filter(|count| **count > 1).count();
        assert_eq!(shared, self.state.shared_bodies(), "bodies are miscounted");
        for (id, count) in holders {
            assert_eq!(self.state.holders_of(id), count, "who has {id:?}");
        }
    }

    fn check_calls(&self) {
        let mut calls: BTreeMap<QueueId, u32> = BTreeMap::new();
        for (_, attempt) in self.state.attempts() {
            if let Lane::Queue(queue) = attempt.lane {
                *calls.entry(queue).or_default() += 1;
            }
        }
        for (id, index) in self.state.queue_indices() {
            let expected = calls.remove(&id).unwrap_or_default();
            assert_eq!(
                index.calls(),
                expected,
                "the calls of {id:?} are miscounted"
            );
        }
        for (spec, state) in self.state.messages() {
            if let State::InFlight { attempt, .. } = state.state {
                let open = self.state.attempt(attempt);
                let mine = open.is_some_and(|open| open.message == spec.sequence);
                assert!(mine, "nobody delivers {:?}", spec.id);
            }
        }
    }

    fn check_slots(&self) {
        let mut slots: BTreeMap<QueueId, BTreeMap<Sequence, usize>> = BTreeMap::new();
        for (_, state) in self.state.messages() {
            if let Some(slot) = state.slot.filter(|_| !state.is_finished()) {
                let holders = slots.entry(slot.queue).or_default();
                *holders.entry(slot.source).or_default() += 1;
            }
        }
        for (id, index) in self.state.queue_indices() {
            let expected = slots.remove(&id).unwrap_or_default();
            assert_eq!(
                index.slots(),
                &expected,
                "the slots of {id:?} are miscounted"
            );
        }
    }

    fn check_gates(&self) {
        let mut waiting = 0;
        for (spec, state) in self.state.messages() {
            let queue = state.queue.and_then(|id| self.state.queue(id));
            let paused = queue.is_some_and(|queue| queue.settings.paused);
            let passed = state.queue.is_none() || state.slot.is_some();
            let ready = spec.carried().is_some() && state.state == State::Ready;
            let waits = ready && passed && !paused && self.is_there(&state);
            waiting += usize::from(waits);
        }
        let calls = self
            .state
            .attempts()
            .filter(|(_, attempt)| matches!(attempt.lane, Lane::Carried { .. }));
        let (counted, counted_calls) = self.state.gate_totals();
        assert_eq!(
            counted_calls as usize,
            calls.count(),
            "calls are miscounted"
        );
        assert!(counted >= waiting, "somebody waits before no gate");
        for (id, first, calls, offered) in self.state.flows_waiting() {
            // What a window keeps back depends on the time, which nobody tells here.
            let closed = self.state.flow_key(id).is_none_or(|key| {
                let full = key.parallelism.is_some_and(|most| calls >= most);
                key.paused || full || key.rate.is_some()
            });
            assert!(
                closed || offered == Some(first) || self.leaves_something(),
                "{id:?} is open and keeps {first:?} back"
            );
        }
        for (account, calls) in self.state.accounts_waiting() {
            let most = self.config.quotas.global_parallelism;
            let full = most.is_some_and(|most| u64::from(calls) >= most);
            assert!(
                full || self.leaves_something(),
                "{account} has a free place and somebody who waits for it"
            );
        }
    }
}

fn count_standing(counted: &mut [u64; 5], spec: &MessageSpec, state: &MessageState) {
    match state.state.stage() {
        Stage::Ready => counted[0] += 1,
        Stage::Delayed => counted[1] += 1,
        Stage::InFlight => counted[2] += 1,
        Stage::Leased => counted[3] += 1,
        Stage::Delivered | Stage::Failed | Stage::Cancelled => {}
    }
    let under_way = matches!(state.state, State::InFlight { .. });
    let rests = state.has_started() && !under_way && !state.is_finished();
    if rests && spec.carried().is_none() {
        counted[4] += 1;
    }
}
