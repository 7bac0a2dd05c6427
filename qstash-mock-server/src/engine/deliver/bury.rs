//! Messages that ran out of retries, and their way back (v1.md section 5).

use std::sync::Arc;

use crate::engine::command::Reply;
use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::manage::bulk::BulkWork;
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::id::{MessageId, QueueId, QueueName};
use crate::engine::model::message::{DeadLetter, InQueue, Message, Stage, State};
use crate::engine::model::time::Timestamp;

impl Engine {
    /// Out of retries: to the dead-letter queue, or failed where none is named.
    pub(crate) fn exhaust(&mut self, now: Timestamp, id: MessageId) {
        let Some(message) = self.state.message(id) else {
            return;
        };
        let Some(queue) = message.queue_id().and_then(|id| self.state.queue(id)) else {
            return;
        };
        let (source, account) = (queue.id, queue.account.clone());
        let target = queue.settings.dead_letter_queue.clone();
        let Some(target) = target.and_then(|name| self.state.queue_id(&account, &name)) else {
            return self.finish(now, id, Stage::Failed);
        };
        let dead_letter = DeadLetter::of(message, &queue.name, now);
        self.move_to(now, id, target, Some(dead_letter));
        if let Some(queue_index) = self.state.queue_index_mut(source) {
            queue_index.counters.dead_lettered += 1;
        }
    }

    /// Makes the message an ordinary member of another queue, with fresh attempts.
    fn move_to(
        &mut self,
        now: Timestamp,
        id: MessageId,
        target: QueueId,
        dead_letter: Option<DeadLetter>,
    ) {
        let Some(name) = self.state.queue(target).map(|queue| queue.name.clone()) else {
            return;
        };
        self.state.update_message(id, |message| {
            message.queue = Some(InQueue { id: target, name });
            message.attempts = 0;
            message.due_at = now;
            message.state = State::Ready;
            message.dead_letter = dead_letter;
            message.last_body = bytes::Bytes::new();
        });
    }

    /// Sends what waits in a queue to another one, or each message to where it died.
    pub(crate) fn redrive(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        name: &QueueName,
        to: Option<&QueueName>,
        max_messages: Option<usize>,
    ) -> Result<Reply, Error> {
        let from = self.queue_for(caller, name, Permission::Manage)?.id;
        if to == Some(name) {
            return Err(Error::RedriveToItself);
        }
        if let Some(to) = to {
            caller.check(to, Permission::Manage)?;
        }
        let Some(queue_index) = self.state.queue_index(from) else {
            return Err(Error::QueueNotFound(name.clone()));
        };
        let mut targets: Vec<&Message> = queue_index
            .members
            .values()
            .filter_map(|id| self.state.message(*id))
            .filter(|message| matches!(message.state.stage(), Stage::Ready | Stage::Delayed))
            .filter(|message| message.carried().is_none())
            .filter(|message| to.is_some() || message.dead_letter.is_some())
            .collect();
        targets.sort_by_key(|message| message.order());
        targets.truncate(max_messages.unwrap_or(usize::MAX));
        for message in &targets {
            if let Some(source) = to.or_else(|| message.source()) {
                caller.check(source, Permission::Manage)?;
            }
        }
        let targets = targets.iter().map(|message| message.id).collect();
        if let Some(to) = to {
            self.ensure_queue(now, &caller.account, to)?;
        }
        Ok(self.start_bulk(
            now,
            BulkWork::Redrive {
                from,
                to: to.cloned(),
            },
            targets,
        ))
    }

    /// One step of a redrive; false if the message is no longer there to be moved.
    pub(crate) fn redrive_one(
        &mut self,
        now: Timestamp,
        id: MessageId,
        from: QueueId,
        to: Option<&QueueName>,
    ) -> bool {
        let Some(message) = self.state.message(id) else {
            return false;
        };
        let waits = matches!(message.state.stage(), Stage::Ready | Stage::Delayed);
        let target = to.or_else(|| message.source());
        let (Some(target), true) = (
            target.cloned(),
            waits && message.queue_id() == Some(from) && self.state.queue(from).is_some(),
        ) else {
            return false;
        };
        let account = message.account.clone();
        let Ok(target) = self.ensure_queue(now, &account, &target) else {
            return false;
        };
        self.move_to(now, id, target, None);
        true
    }
}

impl Message {
    /// Where it died, if it is a dead letter.
    fn source(&self) -> Option<&QueueName> {
        self.dead_letter.as_ref().map(|letter| &letter.source)
    }
}

impl DeadLetter {
    fn of(message: &Message, source: &QueueName, now: Timestamp) -> Self {
        let last = message.history.last();
        Self {
            source: source.clone(),
            at: now,
            attempts: message.attempts,
            last_status: last.and_then(|record| record.status),
            last_error: last
                .and_then(|record| record.error.as_ref())
                .map(Arc::clone),
            last_body: message.last_body.clone(),
        }
    }
}
