//! What a consumer does with a message it holds: extend, acknowledge, release (v1.md section 4).

use std::time::Duration;

use crate::engine::command::Reply;
use crate::engine::deliver::queue_attempt::Ended;
use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::id::{LeaseId, MessageId};
use crate::engine::model::message::{Message, Stage, State};
use crate::engine::model::time::Timestamp;

impl Engine {
    /// Keeps a message hidden until `by` from now; under way, it gives the attempt that much time.
    pub(crate) fn extend(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        id: MessageId,
        lease: Option<LeaseId>,
        by: Duration,
    ) -> Result<Reply, Error> {
        let message = self.held_message(caller, id, lease)?;
        let until = now + by;
        let expires_at = match message.state {
            State::InFlight { attempt, .. } => {
                let deadline = self
                    .state
                    .attempt(attempt)
                    .map_or(until, |open| open.deadline.max(until));
                self.state.postpone_attempt(attempt, deadline);
                self.state.update_message(id, |message| {
                    if let State::InFlight { extended_until, .. } = &mut message.state {
                        *extended_until = Some(until);
                    }
                });
                deadline
            }
            _ => {
                self.state.update_message(id, |message| {
                    if let State::Leased { until: end, .. } = &mut message.state {
                        *end = until;
                    }
                });
                until
            }
        };
        if by.is_zero() {
            self.end_lease_at_once(now, id);
        }
        Ok(Reply::Extended { id, expires_at })
    }

    /// "0 makes it visible at once": the lease ends within this very input.
    fn end_lease_at_once(&mut self, now: Timestamp, id: MessageId) {
        if self
            .state
            .message(id)
            .is_some_and(|message| matches!(message.state, State::Leased { .. }))
        {
            self.lease_expired(now, id);
        }
    }

    pub(crate) fn acknowledge(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        id: MessageId,
        lease: Option<LeaseId>,
    ) -> Result<Reply, Error> {
        self.held_message(caller, id, lease)?;
        self.finish(now, id, Stage::Delivered);
        self.get_message(caller, id)
    }

    /// Not done: a failed attempt, visible again after the delay and not after a backoff.
    pub(crate) fn release(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        id: MessageId,
        lease: Option<LeaseId>,
        delay: Duration,
    ) -> Result<Reply, Error> {
        self.held_message(caller, id, lease)?;
        self.state.update_message(id, |message| {
            message.end_attempt(now, None, Some("released"));
        });
        self.retry_or_exhaust(now, id, delay, Ended::Lease);
        let message = self.state.message(id).ok_or(Error::MessageNotFound)?;
        Ok(Reply::Message(message.view(None, None)))
    }

    /// The caller's message, if it is under a lease and under this one.
    fn held_message(
        &self,
        caller: &Caller,
        id: MessageId,
        lease: Option<LeaseId>,
    ) -> Result<&Message, Error> {
        let message = self.message_for(caller, id, Permission::Consume)?;
        if message.carried().is_some() {
            // Nobody is given a lease on it, though an attempt may be under way.
            return Err(Error::NotLeased);
        }
        match (message.lease(), lease) {
            (Some(current), Some(given)) if current != given => Err(Error::LeaseLost),
            (Some(_), _) => Ok(message),
            (None, Some(_)) => Err(Error::LeaseLost),
            (None, None) => Err(Error::NotLeased),
        }
    }

    /// Time has come for a message: its delay, its lease or its retention is over.
    pub(crate) fn message_due(&mut self, now: Timestamp, id: MessageId) {
        let Some(message) = self.state.message(id) else {
            return;
        };
        if !self.is_there(message) {
            // Its queue was deleted, and so is it, only a little early.
            return self.state.remove_message(id);
        }
        match message.state {
            State::Delayed { .. } => self
                .state
                .update_message(id, |message| message.state = State::Ready),
            State::Leased { .. } => {
                let queue = message.queue_id();
                self.lease_expired(now, id);
                if let Some(queue_index) = queue.and_then(|queue| self.state.queue_index_mut(queue))
                {
                    queue_index.counters.expired_leases += 1;
                }
            }
            State::Finished { .. } => self.state.remove_message(id),
            State::Ready | State::InFlight { .. } => {}
        }
    }

    /// A lease that ends is a failed attempt without backoff.
    fn lease_expired(&mut self, now: Timestamp, id: MessageId) {
        self.state.update_message(id, |message| {
            message.end_attempt(now, None, Some("the lease ran out"));
        });
        self.retry_or_exhaust(now, id, Duration::ZERO, Ended::Lease);
    }
}
