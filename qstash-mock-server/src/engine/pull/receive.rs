//! Receiving messages, at once or with a wait (v1.md section 4).

use crate::engine::effect::Effect;
use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::id::{LeaseId, MessageId, QueueId, WaiterId};
use crate::engine::model::message::{MessageState, Sequence, State};
use crate::engine::model::pull::{PullAction, Receive, Received, Waiter};
use crate::engine::model::time::Timestamp;
use crate::engine::reply::Reply;
use crate::engine::state::{QueueIndex, Timer};

impl Engine {
    pub(crate) fn pull(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        action: PullAction,
    ) -> Result<Reply, Error> {
        match action {
            PullAction::Receive(receive) => self.receive(now, caller, receive),
            PullAction::Extend(id, lease, by) => self.extend(now, caller, id, lease, by),
            PullAction::Acknowledge(id, lease) => self.acknowledge(now, caller, id, lease),
            PullAction::Release(id, lease, delay) => self.release(now, caller, id, lease, delay),
            PullAction::Abandon { waiter, handed } => Ok(self.abandon(waiter, &handed)),
        }
    }

    fn receive(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        request: Receive,
    ) -> Result<Reply, Error> {
        let queue = self.queue_for(caller, &request.queue, Permission::Consume)?;
        if queue.settings.webhook_url.is_some() {
            return Err(Error::QueueIsPushed(request.queue));
        }
        let (id, paused) = (queue.id, queue.settings.paused);
        let Some(index) = self.state.queue_index(id) else {
            return Err(Error::QueueNotFound(request.queue));
        };
        // If callers wait already, nothing is receivable.
        if (!paused && index.receivable() > 0) || request.wait.is_zero() {
            return Ok(Reply::Received(if paused {
                vec![]
            } else {
                self.hand_out(now, id, &request)
            }));
        }
        if index.waiters().len() >= self.config.limits.waiters {
            return Err(Error::Overloaded("too many callers wait on this queue"));
        }
        let waiter = self.next_waiter_id();
        let deadline = now + request.wait;
        self.state.set_timer(deadline, Timer::Waiter(waiter));
        self.state.add_waiter(id, waiter);
        self.waiters.insert(
            waiter,
            Waiter {
                queue: id,
                deadline,
                request,
            },
        );
        Ok(Reply::Waiting(waiter))
    }

    /// Leases messages to a caller, the oldest first, up to the number that it asked for.
    fn hand_out(&mut self, now: Timestamp, queue: QueueId, request: &Receive) -> Vec<Received> {
        let Some(settings) = self.state.queue(queue).map(|queue| &queue.settings) else {
            return vec![];
        };
        let asked = request.visibility_timeout;
        let until = now + asked.unwrap_or(settings.visibility_timeout);
        let mut received = Vec::new();
        while received.len() < request.max_messages {
            let index = self.state.queue_index(queue);
            let Some(first) = index.and_then(QueueIndex::first_ready) else {
                break;
            };
            received.extend(self.lease(now, first, until));
        }
        received
    }

    fn lease(&mut self, now: Timestamp, sequence: Sequence, until: Timestamp) -> Option<Received> {
        let lease = self.begin(now, sequence, |lease| State::Leased { lease, until })?;
        let (spec, state) = self.state.whole(sequence)?;
        let past = self.state.past(sequence);
        Some(Received {
            id: spec.id,
            queue: self.state.queue_name(state.queue)?.clone(),
            body: spec.body.source(),
            attempt: state.attempts,
            lease,
            expires_at: until,
            published_at: spec.published_at(),
            dead_letter: past.and_then(|past| past.dead_letter()).cloned(),
        })
    }

    /// Leases ready messages to the waiting callers, in the order in which they came.
    pub(crate) fn answer_waiters(&mut self, now: Timestamp, queue: QueueId) {
        while let Some(index) = self.state.queue_index(queue) {
            let first = index.waiters().next().filter(|_| index.receivable() > 0);
            let Some(waiter) = first else {
                return;
            };
            if !self.may_start(now) {
                return self.state.put_off_queue(queue);
            }
            let Some(Waiter { request, .. }) = self.stop_waiting(waiter) else {
                return;
            };
            let received = self.hand_out(now, queue, &request);
            self.count_starts(received.len().saturating_sub(1));
            self.answer(waiter, Reply::Received(received));
        }
    }

    /// Answers all callers that wait on a queue, without a message.
    pub(crate) fn dismiss_waiters(&mut self, queue: QueueId) {
        let index = self.state.queue_index(queue).into_iter();
        let waiters: Vec<_> = index.flat_map(QueueIndex::waiters).collect();
        for waiter in waiters {
            self.dismiss_waiter(waiter);
        }
    }

    /// Answers a waiting caller without a message.
    pub(crate) fn dismiss_waiter(&mut self, waiter: WaiterId) {
        if self.stop_waiting(waiter).is_some() {
            self.answer(waiter, Reply::Received(vec![]));
        }
    }

    pub(crate) fn answer(&mut self, waiter: WaiterId, reply: Reply) {
        let answer = Effect::Answer(waiter, Box::new(reply));
        self.effects.push_back(answer);
    }

    fn stop_waiting(&mut self, id: WaiterId) -> Option<Waiter> {
        let waiter = self.waiters.remove(&id)?;
        self.state.clear_timer(waiter.deadline, Timer::Waiter(id));
        self.state.remove_waiter(waiter.queue, id);
        Some(waiter)
    }

    /// Forgets a caller that is gone, and takes back the messages that it never got, without counting an attempt.
    fn abandon(&mut self, waiter: WaiterId, handed: &[(MessageId, LeaseId)]) -> Reply {
        self.stop_waiting(waiter);
        for (id, lease) in handed {
            let Some(sequence) = self.state.sequence_of(*id) else {
                continue;
            };
            let held = |state: MessageState| matches!(state.state, State::Leased { lease: current, .. } if current == *lease);
            if self.state.message(sequence).is_some_and(held) {
                self.state.update(sequence, MessageState::undo_attempt);
            }
        }
        Reply::Abandoned
    }
}
