//! What a consumer does with a message that it holds: extend, acknowledge, release (v1.md section 4).

use std::sync::Arc;
use std::time::Duration;

use crate::engine::deliver::finish::{Cause, Failure};
use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::id::MessageId;
use crate::engine::model::lookup::Scope;
use crate::engine::model::message::{MessageState, Sequence, Stage, State};
use crate::engine::model::pull::LeaseClaim;
use crate::engine::model::time::Timestamp;
use crate::engine::reply::Reply;

impl Engine {
    /// Lets the lease on a message end `by` from now. For an attempt under way, it also moves the timeout.
    pub(super) fn extend(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        id: MessageId,
        claim: LeaseClaim,
        by: Duration,
    ) -> Result<Reply, Error> {
        let (sequence, state) = self.held_message(caller, id, claim)?;
        let until = now + by;
        let expires_at = match state.state {
            State::InFlight { attempt, .. } => {
                let open = self.state.attempt(attempt);
                let deadline = open.map_or(until, |open| open.deadline.max(until));
                self.state.postpone_attempt(attempt, deadline, until);
                deadline
            }
            _ => {
                self.state.update(sequence, |state| {
                    if let State::Leased { until: end, .. } = &mut state.state {
                        *end = until;
                    }
                });
                if by.is_zero() {
                    // "0 makes it visible at once": the lease ends within this very input.
                    self.end_lease(now, sequence, "the lease ran out", Duration::ZERO);
                }
                until
            }
        };
        Ok(Reply::Extended { id, expires_at })
    }

    pub(super) fn acknowledge(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        id: MessageId,
        claim: LeaseClaim,
    ) -> Result<Reply, Error> {
        let (sequence, _) = self.held_message(caller, id, claim)?;
        self.finish(now, sequence, Stage::Delivered);
        self.view_of(sequence)
    }

    /// Ends a lease on a message that was not processed. It counts as a failed attempt; the message is due again
    /// after the delay, without a backoff.
    pub(super) fn release(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        id: MessageId,
        claim: LeaseClaim,
        delay: Duration,
    ) -> Result<Reply, Error> {
        let (sequence, _) = self.held_message(caller, id, claim)?;
        self.end_lease(now, sequence, "released", delay);
        self.view_of(sequence)
    }

    fn view_of(&self, sequence: Sequence) -> Result<Reply, Error> {
        let view = self.view(sequence, false).ok_or(Error::MessageNotFound)?;
        Ok(Reply::Message(Box::new(view)))
    }

    /// The caller's message, if this lease on it is in force.
    fn held_message(
        &self,
        caller: &Caller,
        id: MessageId,
        claim: LeaseClaim,
    ) -> Result<(Sequence, MessageState), Error> {
        let sequence = self.message_for(caller, id, Scope::Queues, Permission::Consume)?;
        let found = self.state.whole(sequence).ok_or(Error::MessageNotFound)?;
        let (spec, state) = found;
        if spec.carried().is_some() {
            // Nobody is given a lease on it, though an attempt may be under way.
            return Err(Error::NotLeased);
        }
        match (state.lease(), claim) {
            (Some(_), LeaseClaim::Unnamed) => Ok((sequence, state)),
            (None, LeaseClaim::Unnamed) => Err(Error::NotLeased),
            (Some(current), LeaseClaim::Lease(given)) if current == given => Ok((sequence, state)),
            (_, LeaseClaim::Lease(_) | LeaseClaim::Malformed) => Err(Error::LeaseLost),
        }
    }

    /// Goes on with a message whose delay or lease has ended.
    pub(crate) fn message_due(&mut self, now: Timestamp, sequence: Sequence) {
        let Some(state) = self.state.message(sequence) else {
            return;
        };
        if !self.is_there(&state) {
            // Its queue was deleted: the message is removed now, before the scan reaches it.
            return self.remove_early(now, sequence);
        }
        match state.state {
            State::Delayed { .. } => self
                .state
                .update(sequence, |state| state.state = State::Ready),
            State::Leased { .. } => {
                self.end_lease(now, sequence, "the lease ran out", Duration::ZERO);
                self.state
                    .count(state.queue, |counters| counters.expired_leases += 1);
            }
            State::Ready | State::InFlight { .. } | State::Finished { .. } => {}
        }
    }

    /// Ends a lease that expired or was released. It counts as a failed attempt, but no backoff follows.
    fn end_lease(&mut self, now: Timestamp, sequence: Sequence, why: &str, delay: Duration) {
        let why: Arc<str> = why.into();
        self.end_record(now, sequence, None, Some(Arc::clone(&why)));
        let Some(rules) = self.rules(sequence) else {
            return;
        };
        let failure = Failure {
            cause: Cause::Lease { delay },
            error: Some(why),
            response: None,
        };
        self.fail(now, sequence, &rules, failure);
    }
}
