//! The start of an attempt or a lease. Both count as an attempt and take a new lease id.

use std::sync::Arc;

use super::rules::{Push, Signing};
use crate::engine::effect::{Attempt, CarriedEnvelope, Effect, Envelope, QueueEnvelope};
use crate::engine::inputs::Engine;
use crate::engine::model::id::{AttemptId, LeaseId};
use crate::engine::model::log_row::Event;
use crate::engine::model::message::{Sequence, State};
use crate::engine::model::randomness::Purpose;
use crate::engine::model::time::Timestamp;
use crate::engine::state::{Lane, OpenAttempt};

impl Engine {
    /// Starts an attempt of a message that may start; false if it cannot be pushed.
    pub(crate) fn start(&mut self, now: Timestamp, sequence: Sequence) -> bool {
        let Some(push) = self.rules(sequence).and_then(|rules| rules.push) else {
            return false;
        };
        let attempt = self.next_attempt_id();
        let in_flight = |lease| State::InFlight { attempt, lease };
        let Some(lease) = self.begin(now, sequence, in_flight) else {
            return false;
        };
        if let Lane::Carried {
            flow: Some(flow), ..
        } = &push.lane
        {
            self.state.update_flow_key(flow, |key| key.start(now));
        }
        self.state.open_attempt(
            attempt,
            OpenAttempt {
                message: sequence,
                lane: push.lane.clone(),
                started_at: now,
                deadline: now + push.timeout,
                extended_until: None,
            },
        );
        self.send(now, sequence, attempt, lease, push);
        true
    }

    fn send(
        &mut self,
        now: Timestamp,
        sequence: Sequence,
        attempt: AttemptId,
        lease: LeaseId,
        push: Push,
    ) {
        let account = self.state.spec(sequence).map(|spec| spec.account.clone());
        let Some(account) = account else {
            return;
        };
        let keys = self.ensure_account(&account);
        let envelope = match push.signing {
            Signing::Secret(queue) => Envelope::QueueRules(QueueEnvelope {
                queue,
                lease,
                secret: Arc::clone(&keys.secret),
            }),
            Signing::Key(carried) => Envelope::CarriedRules(CarriedEnvelope {
                carried,
                key: Arc::clone(&keys.signing_key),
            }),
        };
        let Some((spec, state)) = self.state.whole(sequence) else {
            return;
        };
        let sent = Box::new(Attempt {
            id: attempt,
            message: spec.id,
            account,
            url: push.url,
            body: spec.body.source(),
            body_length: spec.body.length(),
            headers: Arc::clone(&spec.headers),
            number: state.attempts,
            published_at: spec.published_at(),
            started_at: now,
            most_answer: push.most_answer,
            envelope,
        });
        self.effects.push_back(Effect::Attempt(sent));
    }

    /// Counts an attempt and puts the message under a new lease.
    pub(crate) fn begin(
        &mut self,
        now: Timestamp,
        sequence: Sequence,
        state: impl FnOnce(LeaseId) -> State,
    ) -> Option<LeaseId> {
        let before = self.state.message(sequence)?;
        let number = u64::from(before.leases);
        let lease = LeaseId(self.random.number(Purpose::Lease, sequence.0, number));
        self.state.update(sequence, |message| {
            message.begin_attempt(now, state(lease));
        });
        if before.has_started() {
            let queue = before.queue;
            self.state.count(queue, |counters| counters.retried += 1);
        }
        self.log(now, sequence, Event::Active);
        Some(lease)
    }
}
