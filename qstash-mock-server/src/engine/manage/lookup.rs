//! Looking at messages without taking them, and cancelling one (v1.md section 4).

use std::ops::Bound;

use crate::engine::command::{MessageView, MessageWithBody, Reply};
use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::id::{MessageId, QueueName};
use crate::engine::model::message::{Message, Stage, State};
use crate::engine::model::time::Timestamp;

impl Engine {
    /// The state of one message; anybody who works with its queue may see it.
    pub(crate) fn get_message(&self, caller: &Caller, id: MessageId) -> Result<Reply, Error> {
        let uses = [Permission::Publish, Permission::Consume, Permission::Manage];
        let permission = uses
            .into_iter()
            .find(|permission| caller.permissions.has(*permission));
        let message = self.message_for(caller, id, permission.unwrap_or(Permission::Manage))?;
        Ok(Reply::Message(self.view(message, false)))
    }

    pub(crate) fn cancel(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        id: MessageId,
    ) -> Result<Reply, Error> {
        let message = self.message_for(caller, id, Permission::Manage)?;
        let cancelled = !message.state.stage().is_finished();
        if cancelled {
            self.finish(now, id, Stage::Cancelled);
        }
        Ok(Reply::Cancelled { id, cancelled })
    }

    /// A message that carries its own rules, as long as it may be looked at (v2.md section 2.4).
    pub(crate) fn get_carried(&self, caller: &Caller, id: MessageId) -> Result<Reply, Error> {
        caller.check_unlimited(Permission::Manage)?;
        let message = self.carried_message(caller, id)?;
        if !message.keeps_body() {
            return Err(Error::MessageNotFound);
        }
        let body = self.state.body(message.body).cloned().unwrap_or_default();
        let message = message.clone();
        Ok(Reply::CarriedRules(Box::new(MessageWithBody {
            message,
            body,
        })))
    }

    pub(crate) fn cancel_carried(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        id: MessageId,
    ) -> Result<Reply, Error> {
        caller.check_unlimited(Permission::Manage)?;
        if self
            .carried_message(caller, id)?
            .state
            .stage()
            .is_finished()
        {
            return Err(Error::MessageNotFound);
        }
        self.finish(now, id, Stage::Cancelled);
        Ok(Reply::Removed(1))
    }

    fn carried_message(&self, caller: &Caller, id: MessageId) -> Result<&Message, Error> {
        let message = self.state.message(id).filter(|message| {
            message.account == caller.account
                && message.carried().is_some()
                && self.is_there(message)
        });
        message.ok_or(Error::MessageNotFound)
    }

    /// A page of a queue's messages. It looks at a bounded number, so a page may be short.
    pub(crate) fn list_messages(
        &self,
        caller: &Caller,
        name: &QueueName,
        stage: Option<Stage>,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Reply, Error> {
        let queue = self.queue_for(caller, name, Permission::Manage)?.id;
        let queue_index = self
            .state
            .queue_index(queue)
            .ok_or_else(|| Error::QueueNotFound(name.clone()))?;
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut members = queue_index
            .members
            .range((start, Bound::Unbounded))
            .peekable();
        let mut messages = Vec::new();
        let mut last = None;
        for (sequence, id) in members.by_ref().take(self.config.limits.list_scan) {
            last = Some(*sequence);
            let message = self.state.message(*id);
            let wanted = message.filter(|it| stage.is_none_or(|stage| it.state.stage() == stage));
            messages.extend(wanted.map(|message| self.view(message, true)));
            if messages.len() >= limit {
                break;
            }
        }
        let next = last.filter(|_| members.peek().is_some());
        Ok(Reply::Messages { messages, next })
    }

    fn view(&self, message: &Message, with_body: bool) -> MessageView {
        let body = self.state.body(message.body).filter(|_| with_body).cloned();
        let deadline = match message.state {
            State::InFlight { attempt, .. } => {
                self.state.attempt(attempt).map(|open| open.deadline)
            }
            _ => None,
        };
        message.view(body, deadline)
    }
}
