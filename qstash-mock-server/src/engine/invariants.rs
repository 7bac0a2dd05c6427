//! What must hold after every input, whatever came before. Called by tests, in any build.

use std::collections::BTreeMap;

use crate::engine::inputs::Engine;
use crate::engine::model::id::{BodyId, MessageId, QueueId};
use crate::engine::model::message::{Message, Stage, State};
use crate::engine::state::Lane;
use crate::engine::state::timers::Timer;

impl Engine {
    /// Compares every index with the entities it follows from.
    ///
    /// # Panics
    /// If they disagree: the engine has a bug.
    pub fn check_invariants(&self) {
        self.check_gauges();
        self.check_timers();
        self.check_bodies();
        self.check_calls();
        self.check_slots();
        self.check_gates();
    }

    fn check_gauges(&self) {
        let mut gauges: BTreeMap<QueueId, [u64; 5]> = BTreeMap::new();
        for message in self.state.messages() {
            let Some(queue) = message.queue_id() else {
                continue;
            };
            let counted = gauges.entry(queue).or_default();
            match message.state.stage() {
                Stage::Ready => counted[0] += 1,
                Stage::Delayed => counted[1] += 1,
                Stage::InFlight => counted[2] += 1,
                Stage::Leased => counted[3] += 1,
                _ => {}
            }
            let under_way = matches!(message.state, State::InFlight { .. });
            if message.attempts > 0
                && message.carried().is_none()
                && !under_way
                && !message.state.stage().is_finished()
            {
                counted[4] += 1;
            }
        }
        for (id, queue_index) in self.state.queue_indices() {
            let expected = gauges.remove(&id).unwrap_or_default();
            assert_eq!(
                queue_index.gauges(),
                expected,
                "the index of {id:?} differs from its messages"
            );
            let waiting = !queue_index.waiters.is_empty() && queue_index.receivable() > 0;
            let paused = self
                .state
                .queue(id)
                .is_none_or(|queue| queue.settings.paused);
            assert!(
                !waiting || paused,
                "somebody waits on {id:?} while a message is ready"
            );
        }
    }

    fn check_timers(&self) {
        let going_on = self.state.messages().filter(|it| it.state.goes_on());
        assert_eq!(going_on.count(), self.state.going_on(), "miscounted");
        for message in self.state.messages() {
            if let Some(at) = self.state.message_timer(message) {
                let set = self.state.timers.contains(at, Timer::Message(message.id));
                assert!(set, "{:?} in {:?} has no timer", message.id, message.state);
            }
        }
        for (id, attempt) in self.state.attempts() {
            assert!(
                self.state
                    .timers
                    .contains(attempt.deadline, Timer::Attempt(id)),
                "{id:?} never ends"
            );
        }
        for (id, waiter) in &self.waiters {
            assert!(
                self.state
                    .timers
                    .contains(waiter.deadline, Timer::Waiter(*id)),
                "{id:?} waits for ever"
            );
        }
    }

    fn check_bodies(&self) {
        let mut holders: BTreeMap<BodyId, usize> = BTreeMap::new();
        let dead = self.state.dead().map(|entry| &entry.message);
        let kept = self.state.messages().filter(|it| it.keeps_body());
        for message in kept.chain(dead) {
            assert!(
                self.state.body(message.body).is_some(),
                "{:?} has lost its body",
                message.id
            );
            *holders.entry(message.body).or_default() += 1;
        }
        for (id, count) in self.state.bodies() {
            assert_eq!(
                holders.remove(&id),
                Some(count),
                "{id:?} is held by others than it says"
            );
        }
    }

    fn check_calls(&self) {
        let mut calls: BTreeMap<QueueId, u32> = BTreeMap::new();
        for (_, attempt) in self.state.attempts() {
            if let Lane::Queue(queue) = attempt.lane {
                *calls.entry(queue).or_default() += 1;
            }
        }
        for (id, queue_index) in self.state.queue_indices() {
            assert_eq!(
                queue_index.calls,
                calls.remove(&id).unwrap_or_default(),
                "the calls of {id:?} are miscounted"
            );
        }
        for message in self.state.messages() {
            if let State::InFlight { attempt, .. } = message.state {
                let open = self.state.attempt(attempt);
                assert!(
                    open.is_some_and(|open| open.message == message.id),
                    "nobody delivers {:?}",
                    message.id
                );
            }
        }
    }

    fn check_slots(&self) {
        let mut slots: BTreeMap<QueueId, BTreeMap<MessageId, usize>> = BTreeMap::new();
        for message in self.state.messages() {
            if let Some(slot) = message.slot
                && !message.state.stage().is_finished()
            {
                let holders = slots.entry(slot.queue).or_default();
                *holders.entry(slot.source).or_default() += 1;
            }
        }
        for (id, queue_index) in self.state.queue_indices() {
            let expected = slots.remove(&id).unwrap_or_default();
            assert_eq!(
                queue_index.slots(),
                &expected,
                "the slots of {id:?} are miscounted"
            );
        }
    }

    fn check_gates(&self) {
        let carried = |message: &&Message| message.carried().is_some() && self.is_there(message);
        let mut waiting = 0;
        for message in self.state.messages().filter(carried) {
            let right = self.state.stands_right(message);
            assert!(right, "{:?} stands before another gate", message.id);
            let passed = message.queue.is_none() || message.slot.is_some();
            let paused = message
                .queue_id()
                .and_then(|id| self.state.queue(id))
                .is_some_and(|queue| queue.settings.paused);
            let waits = message.state == State::Ready && passed && !paused;
            waiting += usize::from(waits);
        }
        let calls = self
            .state
            .attempts()
            .filter(|(_, attempt)| matches!(attempt.lane, Lane::CarriedRules { .. }));
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
                closed || offered == Some(first),
                "{id:?} is open and keeps {first:?} back"
            );
        }
        for (account, calls) in self.state.accounts_waiting() {
            let most = self.config.quotas.global_parallelism;
            let full = most.is_some_and(|most| u64::from(calls) >= most);
            assert!(
                full,
                "{account} has a free place and somebody who waits for it"
            );
        }
    }
}
