//! Push delivery: who is sent when, and what an outcome means (v1.md section 5).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::command::OnAccepted;
use super::effect::{Attempt, Effect, Outcome, Verdict};
use super::id::{AttemptId, MessageId, Purpose, QueueId};
use super::machine::Engine;
use super::message::{Policy, Stage, State, waiting};
use super::retry::MAX_WAIT;
use super::state::OpenAttempt;
use super::time::Timestamp;

/// What ended without success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// A webhook call.
    Attempt,
    /// A lease, by running out or by release.
    Lease,
}

impl Engine {
    /// Hands out what a queue has to give: to its webhook, or to those who wait.
    pub(crate) fn serve(&mut self, now: Timestamp, id: QueueId) {
        let Some(queue) = self.state.queue(id) else {
            return;
        };
        let (paused, parallelism) = (queue.settings.paused, queue.settings.parallelism);
        match queue.settings.webhook_url.clone() {
            Some(url) => {
                let waiters = self
                    .state
                    .line(id)
                    .map(|line| line.waiters.clone())
                    .unwrap_or_default();
                self.dismiss_waiters(waiters);
                while !paused
                    && let Some(next) = self
                        .state
                        .line(id)
                        .and_then(|line| line.next_to_push(parallelism))
                {
                    self.start_attempt(now, id, next, &url);
                }
            }
            None if !paused => self.answer_waiters(now, id),
            None => {}
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
                queue,
                started_at: now,
                deadline,
            },
        );
        let secret = Arc::clone(&self.ensure_account(&message.account).secret);
        self.effects.push_back(Effect::Attempt(Box::new(Attempt {
            id: attempt,
            message: id,
            account: message.account,
            queue: message.queue_name,
            url: Arc::clone(url),
            body: self.state.body(message.body).cloned().unwrap_or_default(),
            headers: message.headers,
            number: message.attempts,
            lease,
            published_at: message.published_at,
            started_at: now,
            secret,
        })));
    }

    pub(crate) fn finish_attempt(&mut self, now: Timestamp, id: AttemptId, outcome: Outcome) {
        let Some(open) = self.state.close_attempt(id) else {
            return;
        };
        let is_current = self.state.message(open.message).is_some_and(
            |message| matches!(message.state, State::InFlight { attempt, .. } if attempt == id),
        );
        if is_current && self.state.queue(open.queue).is_none() {
            // Its queue was deleted, and so is it, only a little early.
            self.state.remove_message(open.message);
        } else if is_current {
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
                body: Bytes::new(),
            },
        );
    }

    fn apply_outcome(&mut self, now: Timestamp, id: MessageId, outcome: Outcome) {
        let Some(message) = self.state.message(id) else {
            return;
        };
        let Some(queue) = self.state.queue(message.queue) else {
            return;
        };
        let settings = &queue.settings;
        let Outcome {
            verdict,
            status,
            error,
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
                    message.state = State::Leased { lease, until };
                });
            }
            Verdict::Accepted | Verdict::Success => {
                self.state
                    .update_message(id, |message| message.end_attempt(now, status, None));
                self.finish(now, id, Stage::Delivered);
            }
            Verdict::Failure { retry_after } => {
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
        let Some(queue) = self.state.queue(message.queue) else {
            return;
        };
        let Policy::OfQueue { max_retries } = message.policy;
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
        let Some(message) = self.state.message(id) else {
            return;
        };
        let (queue, published_at) = (message.queue, message.published_at);
        self.state.update_message(id, |message| {
            message.end_attempt(now, None, None);
            message.state = State::Finished { stage, at: now };
        });
        let Some(line) = self.state.line_mut(queue) else {
            return;
        };
        match stage {
            Stage::Delivered => {
                line.counters.delivered += 1;
                line.latency.record(published_at, now);
            }
            Stage::Failed => line.counters.failed += 1,
            _ => line.counters.cancelled += 1,
        }
    }
}
