//! The end of an attempt or a lease, and what it means for the message (v1.md section 5, v2.md section 3.2).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::callback::CallbackKind;
use super::rules::{Accepted, Rules};
use crate::engine::effect::{Effect, Outcome, Verdict};
use crate::engine::inputs::Engine;
use crate::engine::model::headers::Headers;
use crate::engine::model::id::AttemptId;
use crate::engine::model::log_row::Event;
use crate::engine::model::message::{AttemptRecord, MessageState, Sequence, Stage, State};
use crate::engine::model::response::Response;
use crate::engine::model::time::Timestamp;
use crate::engine::state::OpenAttempt;

/// How an attempt or a lease ended without success.
pub(crate) struct Failure {
    pub(crate) cause: Cause,
    /// Why, in one sentence.
    pub(crate) error: Option<Arc<str>>,
    pub(crate) response: Option<Arc<Response>>,
}

/// What ended without success: an attempt or a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// An attempt failed. The consumer may have asked for a wait.
    Attempt {
        retry_after: Option<Duration>,
        /// Whether the consumer refused the message for good.
        rejected: bool,
    },
    /// A lease expired or was released. No backoff follows, but a consumer that releases may ask for a wait.
    Lease { delay: Duration },
}

impl Engine {
    /// Takes the outcome of an attempt.
    pub(crate) fn finish_attempt(&mut self, now: Timestamp, id: AttemptId, outcome: Outcome) {
        let Some(open) = self.state.close_attempt(id) else {
            return;
        };
        let sequence = open.message;
        let Some(state) = self.state.message(sequence) else {
            return;
        };
        let under_way = matches!(state.state, State::InFlight { attempt, .. } if attempt == id);
        if !under_way {
            return;
        }
        match self.rules(sequence) {
            Some(rules) => self.apply(now, &open, state, &rules, outcome),
            // Its queue was deleted: the message is removed now, before the scan reaches it.
            None => self.remove_early(now, sequence),
        }
    }

    pub(crate) fn attempt_timed_out(&mut self, now: Timestamp, id: AttemptId) {
        let Some(started_at) = self.state.attempt(id).map(|open| open.started_at) else {
            return;
        };
        self.effects.push_back(Effect::Abort(id));
        let seconds = now.since(started_at).as_secs_f64();
        let outcome = Outcome {
            verdict: Verdict::Failure { retry_after: None },
            status: None,
            error: Some(format!("no answer within {seconds} s")),
            headers: Headers::default(),
            body: Bytes::new(),
        };
        self.finish_attempt(now, id, outcome);
    }

    fn apply(
        &mut self,
        now: Timestamp,
        open: &OpenAttempt,
        state: MessageState,
        rules: &Rules,
        outcome: Outcome,
    ) {
        let sequence = open.message;
        let Outcome {
            verdict,
            status,
            error,
            headers,
            body,
        } = outcome;
        if let (Verdict::Accepted, Accepted::LeaseFor(visibility)) = (verdict, rules.accepted) {
            self.state.set_answer(sequence, body);
            return self.lease_accepted(now, open, state, visibility, status);
        }
        let error: Option<Arc<str>> = error.map(Into::into);
        self.end_record(now, sequence, status, error.clone());
        let cause = match verdict {
            Verdict::Success | Verdict::Accepted => {
                let response = response_of(status, headers, body);
                self.call_back(now, sequence, CallbackKind::Attempt, response, None);
                return self.finish(now, sequence, Stage::Delivered);
            }
            Verdict::Failure { retry_after } => Cause::Attempt {
                retry_after,
                rejected: false,
            },
            Verdict::Rejected => Cause::Attempt {
                retry_after: None,
                rejected: true,
            },
        };
        if rules.keeps_answer {
            self.state.set_answer(sequence, body.clone());
        }
        let response = response_of(status, headers, body);
        let failure = Failure {
            cause,
            error,
            response,
        };
        self.fail(now, sequence, rules, failure);
    }

    /// The consumer accepted the message and has not processed it: the message stays pending under the attempt's
    /// lease.
    fn lease_accepted(
        &mut self,
        now: Timestamp,
        open: &OpenAttempt,
        state: MessageState,
        visibility: Duration,
        status: Option<u16>,
    ) {
        let Some(lease) = state.lease() else {
            return;
        };
        let hidden = now + visibility;
        let until = open.extended_until.map_or(hidden, |it| it.max(hidden));
        self.state.update(open.message, |state| {
            state.accepted_with = status;
            state.state = State::Leased { lease, until };
        });
    }

    /// Records how the newest attempt ended, once.
    pub(crate) fn end_record(
        &mut self,
        now: Timestamp,
        sequence: Sequence,
        status: Option<u16>,
        error: Option<Arc<str>>,
    ) {
        let Some(state) = self.state.message(sequence).filter(|state| state.is_open) else {
            return;
        };
        let record = AttemptRecord {
            queue: self.state.queue_name(state.queue).cloned(),
            number: state.attempts,
            started_at: state.started_at,
            finished_at: Some(now),
            status: status.or(state.accepted_with),
            error,
        };
        self.state.append_record(sequence, state.leases, record);
        self.state.update(sequence, |state| {
            state.is_open = false;
            state.accepted_with = None;
        });
    }

    /// Nothing more will happen to the message.
    pub(crate) fn finish(&mut self, now: Timestamp, sequence: Sequence, stage: Stage) {
        let Some((spec, before)) = self.state.whole(sequence) else {
            return;
        };
        let published_at = spec.published_at();
        self.end_record(now, sequence, None, None);
        self.state.set_answer(sequence, Bytes::new());
        self.state.update(sequence, |state| {
            state.state = State::Finished { stage, at: now };
        });
        self.note_finished(now, sequence, &before, stage);
        let queue = before.queue;
        if stage == Stage::Delivered {
            self.state.note_latency(queue, published_at, now);
        }
        self.state.count(queue, |counters| match stage {
            Stage::Delivered => counters.delivered += 1,
            Stage::Failed => counters.failed += 1,
            _ => counters.cancelled += 1,
        });
    }

    /// Notes in the log, and in the message's schedule, that the message is finished.
    pub(crate) fn note_finished(
        &mut self,
        now: Timestamp,
        sequence: Sequence,
        before: &MessageState,
        stage: Stage,
    ) {
        match stage {
            Stage::Delivered => self.log(now, sequence, Event::Delivered),
            Stage::Failed => self.log(now, sequence, Event::Failed),
            _ => self.log_cancelled(now, sequence, before),
        }
        let Some(spec) = self.state.spec(sequence) else {
            return;
        };
        let schedule = spec.carried().and_then(|carried| carried.schedule.clone());
        if let Some(schedule) = schedule {
            let (account, id) = (spec.account.clone(), spec.id);
            self.note_schedule_state(&account, &schedule, id, stage);
        }
    }
}

fn response_of(status: Option<u16>, headers: Headers, body: Bytes) -> Option<Arc<Response>> {
    let answered = |status| {
        Arc::new(Response {
            status,
            headers,
            body,
        })
    };
    status.map(answered)
}
