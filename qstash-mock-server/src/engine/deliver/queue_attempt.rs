//! Push delivery: who is sent when, and what an outcome means (v1.md section 5).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::engine::command::OnAccepted;
use crate::engine::deliver::retry::MAX_WAIT;
use crate::engine::effect::{Attempt, Effect, Envelope, Outcome, QueueEnvelope, Verdict};
use crate::engine::inputs::Engine;
use crate::engine::model::id::{AttemptId, MessageId, QueueId};
use crate::engine::model::message::{Policy, Stage, State, waiting};
use crate::engine::model::randomness::Purpose;
use crate::engine::model::time::Timestamp;
use crate::engine::state::queue_index::Next;
use crate::engine::state::{Lane, OpenAttempt};

/// What ended without success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// A webhook call.
    Attempt,
    /// A lease, by running out or by release.
    Lease,
}

impl Engine {
    /// Hands out what a queue has to give: to its webhook or to those who wait, and slots to messages
    /// that carry their own rules.
    pub(crate) fn serve(&mut self, now: Timestamp, id: QueueId) {
        let Some(queue) = self.state.queue(id) else {
            return;
        };
        let (paused, parallelism) = (queue.settings.paused, queue.settings.parallelism);
        let webhook = queue.settings.webhook_url.clone();
        if webhook.is_some() {
            let waiters = self
                .state
                .queue_index(id)
                .map(|queue_index| queue_index.waiters.clone());
            self.dismiss_waiters(waiters.unwrap_or_default());
        }
        if paused {
            return;
        }
        while let Some(queue_index) = self.state.queue_index(id) {
            match (
                queue_index.next_to_go(parallelism, webhook.is_some()),
                &webhook,
            ) {
                (Some(Next::Push(next)), Some(url)) => self.start_attempt(now, id, next, url),
                (Some(Next::Admit(next)), _) => self.admit(next, id),
                _ => break,
            }
        }
        if webhook.is_none() {
            self.answer_waiters(now, id);
        }
    }

    fn start_attempt(&mut self, now: Timestamp, queue: QueueId, id: MessageId, url: &Arc<str>) {
        let attempt = self.next_attempt_id();
        let in_flight = |lease| State::InFlight {
            attempt,
            lease,
            extended_until: None,
        };
        let Some(lease) = self.begin_attempt(now, id, in_flight) else {
            return;
        };
        let (Some(message), Some(settings)) = (
            self.state.message(id).cloned(),
            self.state.queue(queue).map(|queue| &queue.settings),
        ) else {
            return;
        };
        let deadline = now + settings.delivery_timeout;
        self.state.open_attempt(
            attempt,
            OpenAttempt {
                message: id,
                lane: Lane::Queue(queue),
                started_at: now,
                deadline,
            },
        );
        let secret = Arc::clone(&self.ensure_account(&message.account).secret);
        let Some(queue) = message.queue else {
            return;
        };
        self.effects.push_back(Effect::Attempt(Box::new(Attempt {
            id: attempt,
            message: id,
            account: message.account,
            url: Arc::clone(url),
            body: self.state.body(message.body).cloned().unwrap_or_default(),
            headers: message.headers,
            number: message.attempts,
            published_at: message.published_at,
            started_at: now,
            most_answer: self.config.limits.queue_answer,
            envelope: Envelope::QueueRules(QueueEnvelope {
                queue: queue.name,
                lease,
                secret,
            }),
        })));
    }

    pub(crate) fn finish_attempt(&mut self, now: Timestamp, id: AttemptId, outcome: Outcome) {
        let Some(open) = self.state.close_attempt(id) else {
            return;
        };
        let message = self.state.message(open.message).filter(
            |message| matches!(message.state, State::InFlight { attempt, .. } if attempt == id),
        );
        let Some(message) = message else {
            return;
        };
        if !self.is_there(message) {
            // Its queue was deleted, and so is it, only a little early.
            self.state.remove_message(open.message);
        } else if message.carried().is_some() {
            self.apply_carried_outcome(now, open.message, outcome);
        } else {
            self.apply_outcome(now, open.message, outcome);
        }
    }

    pub(crate) fn attempt_timed_out(&mut self, now: Timestamp, id: AttemptId) {
        let Some(started_at) = self.state.attempt(id).map(|open| open.started_at) else {
            return;
        };
        self.effects.push_back(Effect::Abort(id));
        let seconds = now.since(started_at).as_secs_f64();
        self.finish_attempt(
            now,
            id,
            Outcome {
                verdict: Verdict::Failure { retry_after: None },
                status: None,
                error: Some(format!("no answer within {seconds} s")),
                headers: Arc::new([]),
                body: Bytes::new(),
            },
        );
    }

    fn apply_outcome(&mut self, now: Timestamp, id: MessageId, outcome: Outcome) {
        let Some(message) = self.state.message(id) else {
            return;
        };
        let Some(queue) = message.queue_id().and_then(|id| self.state.queue(id)) else {
            return;
        };
        let settings = &queue.settings;
        let Outcome {
            verdict,
            status,
            error,
            headers: _,
            body,
        } = outcome;
        match verdict {
            Verdict::Accepted if settings.on_accepted == OnAccepted::Pending => {
                let State::InFlight {
                    lease,
                    extended_until,
                    ..
                } = message.state
                else {
                    return;
                };
                let hidden = now + settings.visibility_timeout;
                let until = extended_until.map_or(hidden, |extended| extended.max(hidden));
                self.state.update_message(id, |message| {
                    message.note_status(status);
                    message.last_body = body;
                    message.state = State::Leased { lease, until };
                });
            }
            Verdict::Accepted | Verdict::Success => {
                self.finish_with(now, id, Stage::Delivered, status);
            }
            Verdict::Failure { .. } | Verdict::Rejected => {
                let retry_after = match verdict {
                    Verdict::Failure { retry_after } => retry_after,
                    _ => None,
                };
                let random =
                    self.random
                        .fraction(Purpose::Jitter, message.sequence, message.leases);
                let backoff = settings.retry_backoff.wait(message.attempts, random);
                let wait = retry_after
                    .map_or(backoff, |asked| asked.max(backoff))
                    .min(MAX_WAIT);
                self.state.update_message(id, |message| {
                    message.end_attempt(now, status, error.as_deref());
                    message.last_body = body;
                });
                self.retry_or_exhaust(now, id, wait, Ended::Attempt);
            }
        }
    }

    /// After a failed attempt: another one after `wait`, unless none is left.
    pub(crate) fn retry_or_exhaust(
        &mut self,
        now: Timestamp,
        id: MessageId,
        wait: Duration,
        ended: Ended,
    ) {
        let Some(message) = self.state.message(id) else {
            return;
        };
        let Some(queue) = message.queue_id().and_then(|id| self.state.queue(id)) else {
            return;
        };
        let Policy::QueueRules { max_retries } = message.policy else {
            return;
        };
        let used_up = message.attempts > max_retries.unwrap_or(queue.settings.max_retries);
        // Looking at a dead letter must not lose it (v1.md section 5).
        let spared = ended == Ended::Lease && self.state.dead_letter_source(queue).is_some();
        if used_up && !spared {
            self.exhaust(now, id);
        } else {
            self.state
                .update_message(id, |message| message.state = waiting(now, wait));
        }
    }

    /// Nothing more will happen to the message.
    pub(crate) fn finish(&mut self, now: Timestamp, id: MessageId, stage: Stage) {
        self.finish_with(now, id, stage, None);
    }

    /// The same, after an attempt that was answered with this status.
    fn finish_with(&mut self, now: Timestamp, id: MessageId, stage: Stage, status: Option<u16>) {
        let Some(message) = self.state.message(id).cloned() else {
            return;
        };
        self.state.update_message(id, |message| {
            message.end_attempt(now, status, None);
            message.last_body = Bytes::new();
            message.state = State::Finished { stage, at: now };
        });
        self.note_finished(now, &message, stage);
        let queue = message.queue_id();
        let Some(queue_index) = queue.and_then(|queue| self.state.queue_index_mut(queue)) else {
            return;
        };
        match stage {
            Stage::Delivered => {
                queue_index.counters.delivered += 1;
                queue_index.latency.record(message.published_at, now);
            }
            Stage::Failed => queue_index.counters.failed += 1,
            _ => queue_index.counters.cancelled += 1,
        }
    }
}
