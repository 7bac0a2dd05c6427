//! Attempts of messages that carry their own rules: through the gates, out, and what comes of it
//! (v2.md sections 3.2, 3.3, 3.6 and 3.7).
//!
//! A ready message passes up to three gates, in this order: the slots of its queue, its flow-control
//! key, the account's parallelism. It waits at the first one that is closed, and takes from the last
//! two only when both are open.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::command::Reply;
use crate::engine::deliver::callback::CallbackKind;
use crate::engine::deliver::retry::{LONGEST_ASKED_WAIT, ladder};
use crate::engine::effect::{
    Attempt, CarriedEnvelope, Effect, Envelope, Outcome, Response, Verdict,
};
use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::manage::flow_control::Closed;
use crate::engine::manage::log::Event;
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::carried_rules::CarriedRules;
use crate::engine::model::id::{AccountName, FlowKeyId, MessageId, QueueId};
use crate::engine::model::message::{Message, Slot, Stage, State, waiting};
use crate::engine::model::time::Timestamp;
use crate::engine::state::timers::Timer;
use crate::engine::state::{Lane, NextOfAccount, OpenAttempt};

impl Engine {
    /// Gives a message a slot of its queue; it keeps it until it and its callbacks are finished.
    pub(crate) fn admit(&mut self, id: MessageId, queue: QueueId) {
        self.state.update_message(id, |message| {
            message.slot = Some(Slot { queue, source: id });
        });
    }

    /// Lets the first message of a flow-control key stand for a place of the account, if the key is
    /// open. It starts nothing itself: messages without a key, or with another, may be older.
    pub(crate) fn serve_flow(&mut self, now: Timestamp, id: &FlowKeyId) {
        match self.state.first_of_flow(id) {
            Some(first) if self.flow_is_open(now, id, first) => self.state.offer_flow(id),
            _ => self.state.withdraw_flow(id),
        }
    }

    /// Hands out the account's free places, in the order of the messages, whether they have a
    /// flow-control key or not.
    pub(crate) fn serve_account(&mut self, now: Timestamp, account: &AccountName) {
        while self.account_is_open(account) {
            match self.state.next_of_account(account) {
                Some(NextOfAccount::Message(id)) => self.start_carried(now, id),
                Some(NextOfAccount::Flow(flow, offered)) => {
                    self.state.withdraw_flow(&flow);
                    self.start_carried(now, offered);
                    self.serve_flow(now, &flow);
                }
                None => return,
            }
        }
    }

    /// Whether `first` may pass; if only time keeps it, a timer is set.
    fn flow_is_open(&mut self, now: Timestamp, id: &FlowKeyId, first: MessageId) -> bool {
        if self.state.flow_key(id).is_none() {
            // Nobody used it for a while, and it was forgotten; the message brings it back.
            let message = self.state.message(first);
            let flow = message.and_then(Message::carried);
            if let Some(flow) = flow.and_then(|carried| carried.flow_control.clone()) {
                self.adopt_flow_control(now, &id.account, &flow);
            }
        }
        let (_, calls) = self.state.flow_load(id);
        let Some(key) = self.state.flow_key(id) else {
            return true;
        };
        match key.closed(now, calls) {
            None => true,
            Some(Closed::ForNow) => false,
            Some(Closed::Until(end)) => {
                self.state.timers.set(end, Timer::FlowKey(id.clone()));
                false
            }
        }
    }

    pub(crate) fn global_parallelism(&self, caller: &Caller) -> Result<Reply, Error> {
        caller.check_unlimited(Permission::Metrics)?;
        Ok(Reply::GlobalParallelism {
            max: self.config.quotas.global_parallelism,
            count: self.state.account_calls(&caller.account),
        })
    }

    fn account_is_open(&self, account: &AccountName) -> bool {
        let calls = u64::from(self.state.account_calls(account));
        let most = self.config.quotas.global_parallelism;
        most.is_none_or(|most| calls < most)
    }

    fn start_carried(&mut self, now: Timestamp, id: MessageId) {
        let attempt = self.next_attempt_id();
        let in_flight = |lease| State::InFlight {
            attempt,
            lease,
            extended_until: None,
        };
        if self.begin_attempt(now, id, in_flight).is_none() {
            return;
        }
        let Some(message) = self.state.message(id).cloned() else {
            return;
        };
        let Some(carried) = message.carried().cloned() else {
            return;
        };
        let longest = self.config.quotas.timeout;
        let deadline = now
            + carried
                .timeout
                .map_or(longest, |timeout| timeout.min(longest));
        let flow = message.flow_key();
        if let Some(flow) = &flow {
            self.state.update_flow_key(flow, |key| key.start(now));
        }
        self.state.open_attempt(
            attempt,
            OpenAttempt {
                message: id,
                lane: Lane::CarriedRules {
                    account: message.account.clone(),
                    flow,
                },
                started_at: now,
                deadline,
            },
        );
        self.log(now, &message, Event::Active);
        let key = Arc::clone(&self.ensure_account(&message.account).signing_key);
        self.effects.push_back(Effect::Attempt(Box::new(Attempt {
            id: attempt,
            message: id,
            account: message.account,
            url: Arc::clone(&carried.url),
            body: self.state.body(message.body).cloned().unwrap_or_default(),
            headers: message.headers,
            number: message.attempts,
            published_at: message.published_at,
            started_at: now,
            most_answer: self.config.limits.answer,
            envelope: Envelope::CarriedRules(CarriedEnvelope { carried, key }),
        })));
    }

    pub(crate) fn apply_carried_outcome(
        &mut self,
        now: Timestamp,
        id: MessageId,
        outcome: Outcome,
    ) {
        let Outcome {
            verdict,
            status,
            error,
            headers,
            body,
        } = outcome;
        let response = status.map(|status| {
            Arc::new(Response {
                status,
                headers,
                body,
            })
        });
        let error = error.as_deref();
        self.state
            .update_message(id, |message| message.end_attempt(now, status, error));
        let Some(message) = self.state.message(id).cloned() else {
            return;
        };
        let Some(carried) = message.carried() else {
            return;
        };
        let answer = response.as_deref();
        let retry_after = match verdict {
            Verdict::Success | Verdict::Accepted => {
                self.call_back(now, id, CallbackKind::Attempt, answer, None);
                return self.finish(now, id, Stage::Delivered);
            }
            Verdict::Failure { retry_after } => retry_after,
            Verdict::Rejected => None,
        };
        self.log_failure(now, &message, error, response.as_ref());
        self.call_back(now, id, CallbackKind::Attempt, answer, error);
        if verdict == Verdict::Rejected || message.attempts > carried.max_retries {
            if let Some(row) = self.bury(now, id, response.clone(), error) {
                self.call_back(now, id, CallbackKind::Failure(row), answer, error);
            }
            return self.finish(now, id, Stage::Failed);
        }
        let wait = carried.wait(message.attempts - 1, retry_after);
        self.state
            .update_message(id, |message| message.state = waiting(now, wait));
        self.log_retry(now, &message, now + wait);
    }

    /// A message that carries its own rules is finished: the log and its schedule hear of it.
    pub(crate) fn note_finished(&mut self, now: Timestamp, message: &Message, stage: Stage) {
        let Some(carried) = message.carried() else {
            return;
        };
        match stage {
            Stage::Delivered => self.log(now, message, Event::Delivered),
            Stage::Failed => self.log(now, message, Event::Failed),
            _ => self.log_cancelled(now, message),
        }
        if let Some(schedule) = carried.schedule.clone() {
            self.note_schedule_state(&message.account, &schedule, message.id, stage);
        }
    }

    /// Asked for now; cancelled when the next attempt would have been made (v2.md section 3.13).
    fn log_cancelled(&mut self, now: Timestamp, message: &Message) {
        self.log(now, message, Event::CancelRequested);
        let next = match message.state {
            State::Delayed { until } => until,
            _ => now,
        };
        self.log_at(now, next, message, Event::Cancelled);
    }
}

impl CarriedRules {
    /// How long to wait after a failed attempt, `retried` times retried before (v2.md section 3.3).
    fn wait(&self, retried: u32, asked: Option<Duration>) -> Duration {
        // What a consumer asks for counts up to a day; over that it is not believed.
        let asked = asked.filter(|asked| *asked <= LONGEST_ASKED_WAIT);
        asked.unwrap_or_else(|| match &self.retry_delay {
            Some(expression) => expression.delay(retried).min(LONGEST_ASKED_WAIT),
            None => ladder(retried.saturating_add(1)),
        })
    }
}
