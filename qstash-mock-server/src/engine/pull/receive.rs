//! Receiving by polling, at once or by waiting (v1.md section 4).

use crate::engine::command::{Receive, Received, Reply};
use crate::engine::effect::Effect;
use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::id::{LeaseId, MessageId, QueueId, WaiterId};
use crate::engine::model::message::State;
use crate::engine::model::randomness::Purpose;
use crate::engine::model::time::Timestamp;
use crate::engine::state::timers::Timer;

/// A caller that waits for messages.
#[derive(Clone, Debug)]
pub(crate) struct Waiter {
    pub(crate) queue: QueueId,
    pub(crate) deadline: Timestamp,
    request: Receive,
}

impl Engine {
    pub(crate) fn receive(
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
        let Some(queue_index) = self.state.queue_index(id) else {
            return Err(Error::QueueNotFound(request.queue));
        };
        // Whoever waits already has taken everything that was there.
        if (!paused && queue_index.receivable() > 0) || request.wait.is_zero() {
            return Ok(Reply::Received(if paused {
                vec![]
            } else {
                self.hand_out(now, id, &request)
            }));
        }
        if queue_index.waiters.len() >= self.config.limits.waiters {
            return Err(Error::Overloaded("too many callers wait on this queue"));
        }
        let waiter = self.next_waiter_id();
        let deadline = now + request.wait;
        self.state.timers.set(deadline, Timer::Waiter(waiter));
        if let Some(queue_index) = self.state.queue_index_mut(id) {
            queue_index.waiters.insert(waiter);
        }
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

    /// Leases up to the wanted number of messages, the oldest first.
    fn hand_out(&mut self, now: Timestamp, queue: QueueId, request: &Receive) -> Vec<Received> {
        let Some(settings) = self.state.queue(queue).map(|queue| &queue.settings) else {
            return vec![];
        };
        let until = now
            + request
                .visibility_timeout
                .unwrap_or(settings.visibility_timeout);
        let mut received = Vec::new();
        while received.len() < request.max_messages {
            let Some(id) = self
                .state
                .queue_index(queue)
                .and_then(crate::engine::state::queue_index::QueueIndex::first_ready)
            else {
                break;
            };
            received.extend(self.lease(now, id, until));
        }
        received
    }

    fn lease(&mut self, now: Timestamp, id: MessageId, until: Timestamp) -> Option<Received> {
        let lease = self.begin_attempt(now, id, |lease| State::Leased { lease, until })?;
        let message = self.state.message(id)?;
        Some(Received {
            id,
            queue: message.queue_name()?.clone(),
            body: self.state.body(message.body).cloned().unwrap_or_default(),
            attempt: message.attempts,
            lease,
            expires_at: until,
            published_at: message.published_at,
            dead_letter: message.dead_letter.clone(),
        })
    }

    /// Counts an attempt and puts the message under a new lease.
    pub(crate) fn begin_attempt(
        &mut self,
        now: Timestamp,
        id: MessageId,
        state: impl FnOnce(LeaseId) -> State,
    ) -> Option<LeaseId> {
        let message = self.state.message(id)?;
        let (queue, retried) = (message.queue_id(), message.has_started());
        let lease = LeaseId(
            self.random
                .number(Purpose::Lease, message.sequence, message.leases),
        );
        let limits = &self.config.limits;
        self.state.update_message(id, |message| {
            message.begin_attempt(now, limits);
            message.state = state(lease);
        });
        if retried
            && let Some(queue) = queue
            && let Some(queue_index) = self.state.queue_index_mut(queue)
        {
            queue_index.counters.retried += 1;
        }
        Some(lease)
    }

    /// Gives what is ready to those who wait, in the order they came.
    pub(crate) fn answer_waiters(&mut self, now: Timestamp, queue: QueueId) {
        while let Some(queue_index) = self.state.queue_index(queue) {
            let Some(waiter) = queue_index
                .waiters
                .first()
                .copied()
                .filter(|_| queue_index.receivable() > 0)
            else {
                return;
            };
            let Some(Waiter { request, .. }) = self.stop_waiting(waiter) else {
                return;
            };
            let received = self.hand_out(now, queue, &request);
            self.effects
                .push_back(Effect::Answer(waiter, Box::new(Reply::Received(received))));
        }
    }

    /// Sends everybody away with nothing: there will be nothing to receive here.
    pub(crate) fn dismiss_waiters(&mut self, waiters: impl IntoIterator<Item = WaiterId>) {
        for waiter in waiters {
            if self.stop_waiting(waiter).is_some() {
                self.effects
                    .push_back(Effect::Answer(waiter, Box::new(Reply::Received(vec![]))));
            }
        }
    }

    pub(crate) fn waiter_timed_out(&mut self, waiter: WaiterId) {
        self.dismiss_waiters([waiter]);
    }

    fn stop_waiting(&mut self, id: WaiterId) -> Option<Waiter> {
        let waiter = self.waiters.remove(&id)?;
        self.state.timers.clear(waiter.deadline, Timer::Waiter(id));
        if let Some(queue_index) = self.state.queue_index_mut(waiter.queue) {
            queue_index.waiters.remove(&id);
        }
        Some(waiter)
    }

    /// The caller is gone. What was handed to it goes back as if it had never left.
    pub(crate) fn abandon(&mut self, waiter: WaiterId, handed: &[(MessageId, LeaseId)]) -> Reply {
        self.stop_waiting(waiter);
        for (id, lease) in handed {
            let held = self.state.message(*id).is_some_and(
                |message| matches!(message.state, State::Leased { lease: current, .. } if current == *lease),
            );
            if held {
                self.state.update_message(*id, |message| {
                    message.undo_attempt();
                    message.state = State::Ready;
                });
            }
        }
        Reply::Abandoned
    }
}
