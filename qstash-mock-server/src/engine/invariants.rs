//! What must hold after every input, whatever came before. Called by tests, in any build.

use std::collections::BTreeMap;

use super::id::{BodyId, QueueId};
use super::machine::Engine;
use super::message::{Stage, State};
use super::timers::Timer;

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
    }

    fn check_gauges(&self) {
        let mut gauges: BTreeMap<QueueId, [u64; 5]> = BTreeMap::new();
        for message in self.state.messages() {
            let counted = gauges.entry(message.queue).or_default();
            match message.state.stage() {
                Stage::Ready => counted[0] += 1,
                Stage::Delayed => counted[1] += 1,
                Stage::InFlight => counted[2] += 1,
                Stage::Leased => counted[3] += 1,
                _ => {}
            }
            let under_way = matches!(message.state, State::InFlight { .. });
            if message.attempts > 0 && !under_way && !message.state.stage().is_finished() {
                counted[4] += 1;
            }
        }
        for (id, line) in self.state.lines() {
            let expected = gauges.remove(&id).unwrap_or_default();
            assert_eq!(
                line.gauges(),
                expected,
                "the index of {id:?} differs from its messages"
            );
            let waiting = !line.waiters.is_empty() && line.ready_count() > 0;
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
        for message in self
            .state
            .messages()
            .filter(|it| !it.state.stage().is_finished())
        {
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
            *calls.entry(attempt.queue).or_default() += 1;
        }
        for (id, line) in self.state.lines() {
            assert_eq!(
                line.calls,
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
}
