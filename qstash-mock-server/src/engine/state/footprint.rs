//! The footprint of a message: the entries that the indices have of it. It derives from the message alone, so
//! restoring rebuilds it. When a message changes, only the entries that differ between the two footprints are
//! changed.

use super::EngineState;
use super::gates::Room;
use super::queue_index::{Ready, Standing};
use super::timers::Timer;
use crate::engine::model::id::QueueId;
use crate::engine::model::message::{MessageState, Order, Sequence, Slot, State};
use crate::engine::model::spec::MessageSpec;
use crate::engine::model::time::Timestamp;

/// The index entries of a message.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Footprint {
    queue: Option<QueueId>,
    standing: Standing,
    order: Order,
    /// The gate before which it waits, if it is not its queue.
    room: Option<Room>,
    slot: Option<Slot>,
    timer: Option<Timestamp>,
    /// When the message was finished, and in which list of finished messages it is.
    finished: Option<(Timestamp, usize)>,
    goes_on: bool,
    /// Whether the message is delayed or ready, so that a redrive may move it.
    waits: bool,
}

impl EngineState {
    /// The footprint of a message.
    pub(super) fn footprint(&self, spec: &MessageSpec, state: &MessageState) -> Footprint {
        let carries = spec.carried().is_some();
        let finished = state.is_finished();
        let (ready, room) = self.gate_of(spec, state);
        let under_way = matches!(state.state, State::InFlight { .. });
        Footprint {
            queue: state.queue,
            standing: Standing {
                stage: state.state.stage(),
                ready,
                rests: !under_way && !finished && state.has_started() && !carries,
            },
            order: Order {
                due_at: state.due_at,
                sequence: spec.sequence,
            },
            room,
            slot: state.slot.filter(|_| !finished),
            timer: state.state.ends_at(),
            finished: state
                .state
                .finished_at()
                .map(|at| (at, spec.log_kind() as usize)),
            goes_on: state.state.goes_on(),
            waits: state.state.waits(),
        }
    }

    /// Where a ready message waits: in its queue, or before another gate.
    fn gate_of(&self, spec: &MessageSpec, state: &MessageState) -> (Option<Ready>, Option<Room>) {
        if state.state != State::Ready {
            return (None, None);
        }
        if spec.carried().is_none() {
            let ready = if state.has_started() {
                Ready::Again
            } else {
                Ready::New
            };
            return (Some(ready), None);
        }
        if let Some(queue) = state.queue {
            // In a deleted queue it also waits, until it is removed.
            let queue = self.queues.get(&queue);
            let paused = queue.is_none_or(|queue| queue.settings.paused);
            if state.slot.is_none() || paused {
                return (Some(Ready::Carried), None);
            }
        }
        let room = match spec.flow_key() {
            Some(flow) => Room::Flow(flow),
            None => Room::Account(spec.account.clone()),
        };
        (None, Some(room))
    }

    /// Puts a message into all indices.
    pub(super) fn enter(&mut self, sequence: Sequence, state: MessageState) {
        let Some(spec) = self.spec(sequence) else {
            return;
        };
        let print = self.footprint(spec, &state);
        self.set_footprint(sequence, &print, true);
    }

    /// Takes a message out of all indices.
    pub(super) fn leave(&mut self, sequence: Sequence, state: MessageState) {
        let Some(spec) = self.spec(sequence) else {
            return;
        };
        let print = self.footprint(spec, &state);
        self.set_footprint(sequence, &print, false);
    }

    fn set_footprint(&mut self, sequence: Sequence, print: &Footprint, there: bool) {
        if let Some(queue) = print.queue
            && let Some(index) = self.indices.get_mut(&queue)
        {
            if there {
                index.join(sequence);
            } else {
                index.leave(sequence);
            }
            index.count(print.standing, there);
            if let Some(ready) = print.standing.ready {
                index.set_ready(ready, print.order, there);
            }
            self.dirty.add(queue);
        }
        self.set_room(print, there);
        self.set_slot(print.slot, there);
        self.set_message_timer(sequence, print.timer, there);
        self.set_finished(sequence, print.finished, there);
        self.count_going_on(print.goes_on, there);
        self.count_waiting_dead(sequence, print, there);
    }

    /// Moves a message from one footprint to another; what is the same in both is not touched.
    pub(super) fn move_footprint(&mut self, sequence: Sequence, old: &Footprint, new: &Footprint) {
        if old == new {
            return;
        }
        self.move_in_queue(sequence, old, new);
        if old.room != new.room || old.order != new.order {
            self.set_room(old, false);
            self.set_room(new, true);
        }
        if old.slot != new.slot {
            self.set_slot(old.slot, false);
            self.set_slot(new.slot, true);
        }
        if old.timer != new.timer {
            self.set_message_timer(sequence, old.timer, false);
            self.set_message_timer(sequence, new.timer, true);
        }
        if old.finished != new.finished {
            self.set_finished(sequence, old.finished, false);
            self.set_finished(sequence, new.finished, true);
        }
        self.count_going_on(old.goes_on, false);
        self.count_going_on(new.goes_on, true);
        if old.waits != new.waits || old.queue != new.queue {
            self.count_waiting_dead(sequence, old, false);
            self.count_waiting_dead(sequence, new, true);
        }
    }

    fn move_in_queue(&mut self, sequence: Sequence, old: &Footprint, new: &Footprint) {
        let same_ready = old.standing.ready == new.standing.ready && old.order == new.order;
        let same_queue = old.queue == new.queue;
        for (print, there) in [(old, false), (new, true)] {
            let Some(queue) = print.queue else {
                continue;
            };
            let Some(index) = self.indices.get_mut(&queue) else {
                continue;
            };
            if !same_queue && there {
                index.join(sequence);
            } else if !same_queue {
                index.leave(sequence);
            }
            index.count(print.standing, there);
            if let Some(ready) = print.standing.ready
                && !(same_queue && same_ready)
            {
                index.set_ready(ready, print.order, there);
            }
            self.dirty.add(queue);
        }
    }

    fn set_room(&mut self, print: &Footprint, there: bool) {
        if let Some(room) = &print.room {
            if there {
                self.enter_room(room, print.order);
            } else {
                self.leave_room(room, print.order);
            }
        }
    }

    /// The slot that an unfinished message keeps: the one that it, or the message whose callback it is, took.
    fn set_slot(&mut self, slot: Option<Slot>, there: bool) {
        if let Some(slot) = slot
            && let Some(index) = self.indices.get_mut(&slot.queue)
        {
            index.hold_slot(slot.source, there);
            self.dirty.add(slot.queue);
        }
    }

    fn set_message_timer(&mut self, sequence: Sequence, at: Option<Timestamp>, there: bool) {
        let Some(at) = at else {
            return;
        };
        if there {
            self.timers.set(at, Timer::Message(sequence));
        } else {
            self.timers.clear(at, Timer::Message(sequence));
        }
    }

    fn set_finished(
        &mut self,
        sequence: Sequence,
        finished: Option<(Timestamp, usize)>,
        there: bool,
    ) {
        let Some((at, list)) = finished else {
            return;
        };
        let list = &mut self.messages.finished[list];
        if there {
            list.insert((at, sequence));
        } else {
            list.remove(&(at, sequence));
        }
    }

    const fn count_going_on(&mut self, goes_on: bool, there: bool) {
        if goes_on && there {
            self.messages.going_on += 1;
        } else if goes_on {
            self.messages.going_on -= 1;
        }
    }

    fn count_waiting_dead(&mut self, sequence: Sequence, print: &Footprint, there: bool) {
        if !print.waits {
            return;
        }
        let letter = self.past(sequence).and_then(|past| past.dead_letter());
        let Some(source) = letter.map(|letter| letter.source.clone()) else {
            return;
        };
        let index = print.queue.and_then(|queue| self.indices.get_mut(&queue));
        if let Some(index) = index {
            index.count_dead(&source, there);
        }
    }

    /// Where a message waits, if it does, and whether it stands there: for the invariants.
    pub(crate) fn stands_right(&self, spec: &MessageSpec, state: &MessageState) -> bool {
        let print = self.footprint(spec, state);
        let room = print.room.as_ref();
        let gate = room.is_none_or(|room| self.waits_in(room, print.order));
        let timer = print
            .timer
            .is_none_or(|at| self.timers.contains(at, Timer::Message(spec.sequence)));
        let finished = print
            .finished
            .is_none_or(|(at, list)| self.messages.finished[list].contains(&(at, spec.sequence)));
        gate && timer && finished
    }
}
