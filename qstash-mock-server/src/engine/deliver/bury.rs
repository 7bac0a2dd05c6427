//! Giving a message up: it moves to a dead-letter queue, enters the account's dead-letter list, or fails (v1.md
//! section 5, v2.md section 3.11).

use super::callback::CallbackKind;
use super::finish::Failure;
use super::rules::DeadLetters;
use crate::engine::inputs::Engine;
use crate::engine::model::dead_letter::ListedDeadLetter;
use crate::engine::model::id::{QueueId, QueueName, RowId};
use crate::engine::model::log_row::Event;
use crate::engine::model::message::{DeadLetter, Sequence, Stage, State};
use crate::engine::model::time::Timestamp;

impl Engine {
    /// Gives up a message that is out of retries or was rejected; `last` is how its last attempt or lease ended.
    pub(crate) fn bury(
        &mut self,
        now: Timestamp,
        sequence: Sequence,
        dead_letters: &DeadLetters,
        last: Failure,
    ) {
        match dead_letters {
            DeadLetters::Queue(name) => self.bury_in_queue(now, sequence, name),
            DeadLetters::List => self.bury_in_list(now, sequence, last),
            DeadLetters::Nowhere => self.finish(now, sequence, Stage::Failed),
        }
    }

    fn bury_in_queue(&mut self, now: Timestamp, sequence: Sequence, name: &QueueName) {
        let Some((spec, state)) = self.state.whole(sequence) else {
            return;
        };
        let target = self.state.queue_id(&spec.account, name);
        let source = self.state.queue_name(state.queue).cloned();
        let (Some(target), Some(source)) = (target, source) else {
            return self.finish(now, sequence, Stage::Failed);
        };
        let past = self.state.past(sequence);
        let last = past.and_then(|past| past.records().last());
        let letter = DeadLetter {
            source,
            at: now,
            attempts: state.attempts,
            last_status: last.and_then(|record| record.status),
            last_error: last.and_then(|record| record.error.clone()),
            last_body: past.map(|past| past.answer().clone()).unwrap_or_default(),
        };
        self.log(now, sequence, Event::DeadLettered);
        self.move_to(now, sequence, target, Some(letter));
        self.state
            .count(state.queue, |counters| counters.dead_lettered += 1);
    }

    /// Moves the message to another queue, where it has no attempts yet.
    pub(crate) fn move_to(
        &mut self,
        now: Timestamp,
        sequence: Sequence,
        target: QueueId,
        letter: Option<DeadLetter>,
    ) {
        self.state.set_dead_letter(sequence, None);
        self.state.set_answer(sequence, bytes::Bytes::new());
        self.state.update(sequence, |state| {
            state.queue = Some(target);
            state.attempts = 0;
            state.due_at = now;
            state.state = State::Ready;
        });
        self.state.set_dead_letter(sequence, letter);
    }

    fn bury_in_list(&mut self, now: Timestamp, sequence: Sequence, last: Failure) {
        let id = RowId {
            at: now,
            sequence: self.state.next_row(),
        };
        let Some((spec, state)) = self.state.whole(sequence) else {
            return;
        };
        let entry = ListedDeadLetter {
            id,
            account: spec.account.clone(),
            message: sequence,
            queue: self.state.queue_name(state.queue).cloned(),
            due_at: state.due_at,
            response: last.response.clone(),
            error: last.error.clone(),
            expires_at: now + self.config.quotas.dead_letter_retention,
        };
        self.state.put_listed(entry);
        let kind = CallbackKind::Failure(id);
        self.call_back(now, sequence, kind, last.response, last.error);
        self.finish(now, sequence, Stage::Failed);
    }
}
