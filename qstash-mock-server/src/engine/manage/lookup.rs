//! Reading messages without leasing them, and cancelling one (v1.md section 4, v2.md section 2.4).

use std::sync::Arc;

use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::manage::page::{Seen, page};
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::id::{MessageId, QueueName};
use crate::engine::model::lookup::{MessageAction, MessageView, Scope};
use crate::engine::model::message::{AttemptRecord, MessageState, Sequence, Stage, State};
use crate::engine::model::queue::Queue;
use crate::engine::model::time::Timestamp;
use crate::engine::reply::Reply;

impl Engine {
    pub(crate) fn messages(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        action: MessageAction,
    ) -> Result<Reply, Error> {
        match action {
            MessageAction::Get(id, scope) => self.get_message(caller, id, scope),
            MessageAction::Cancel(id, scope) => {
                let sequence = self.message_for(caller, id, scope, Permission::Manage)?;
                let cancelled = self.cancel_one(now, sequence);
                Ok(Reply::Cancelled { id, cancelled })
            }
            MessageAction::CancelMany(selection) => self.cancel_many(now, caller, selection),
            MessageAction::List {
                queue,
                state,
                after,
                limit,
            } => self.list_messages(caller, &queue, state, after, limit),
        }
    }

    /// Reads one message. A caller that may publish to, consume from or manage its queue may see it.
    fn get_message(&self, caller: &Caller, id: MessageId, scope: Scope) -> Result<Reply, Error> {
        let uses = [Permission::Publish, Permission::Consume, Permission::Manage];
        let permission = match scope {
            Scope::Queues => uses.into_iter().find(|it| caller.permissions.has(*it)),
            Scope::CarriedRules => None,
        };
        let permission = permission.unwrap_or(Permission::Manage);
        let sequence = self.message_for(caller, id, scope, permission)?;
        let with_body = scope == Scope::CarriedRules;
        let view = self.view(sequence, with_body);
        Ok(Reply::Message(Box::new(
            view.ok_or(Error::MessageNotFound)?,
        )))
    }

    /// The caller's message. A message outside the scope, or in a queue that the caller may not see, is not found.
    pub(crate) fn message_for(
        &self,
        caller: &Caller,
        id: MessageId,
        scope: Scope,
        permission: Permission,
    ) -> Result<Sequence, Error> {
        if scope == Scope::CarriedRules {
            caller.check_account(permission)?;
        }
        let sequence = self.state.sequence_of(id).ok_or(Error::MessageNotFound)?;
        let found = self.state.whole(sequence);
        let (spec, state) = found
            .filter(|(spec, state)| spec.account == caller.account && self.is_there(state))
            .ok_or(Error::MessageNotFound)?;
        match (scope, self.state.queue_name(state.queue)) {
            (Scope::Queues, Some(queue)) if caller.sees(queue) => {
                caller.check(queue, permission)?;
                Ok(sequence)
            }
            (Scope::CarriedRules, _) if spec.carried().is_some() => {
                let shown = self.state.keeps_body(sequence) && !was_given_up(&state);
                shown.then_some(sequence).ok_or(Error::MessageNotFound)
            }
            (Scope::Queues | Scope::CarriedRules, _) => Err(Error::MessageNotFound),
        }
    }

    /// The caller's queue, if it exists and the caller has the permission.
    pub(crate) fn queue_for(
        &self,
        caller: &Caller,
        name: &QueueName,
        permission: Permission,
    ) -> Result<&Queue, Error> {
        caller.check(name, permission)?;
        let id = self.state.queue_id(&caller.account, name);
        id.and_then(|id| self.state.queue(id))
            .ok_or_else(|| Error::QueueNotFound(name.clone()))
    }

    /// A page of a queue's messages. Looks at a bounded number, so the page may be short.
    fn list_messages(
        &self,
        caller: &Caller,
        name: &QueueName,
        stage: Option<Stage>,
        after: Option<Sequence>,
        limit: usize,
    ) -> Result<Reply, Error> {
        let queue = self.queue_for(caller, name, Permission::Manage)?.id;
        let index = self
            .state
            .queue_index(queue)
            .ok_or_else(|| Error::QueueNotFound(name.clone()))?;
        let is_wanted = |sequence| {
            let state = self.state.message(sequence);
            state.is_some_and(|state| stage.is_none_or(|stage| state.state.stage() == stage))
        };
        let members = index.members_after(after);
        let (messages, next) = page(members, limit, self.config.limits.list_scan, |member| {
            Seen {
                cursor: member,
                effort: 1,
                shown: is_wanted(member).then(|| self.view(member, true)).flatten(),
            }
        });
        Ok(Reply::Messages { messages, next })
    }

    /// A message as callers see it.
    pub(crate) fn view(&self, sequence: Sequence, with_body: bool) -> Option<MessageView> {
        let (spec, state) = self.state.whole(sequence)?;
        let next_at = match state.state {
            State::InFlight { attempt, .. } => {
                self.state.attempt(attempt).map(|open| open.deadline)
            }
            other => other.ends_at(),
        };
        let past = self.state.past(sequence);
        let body = with_body && self.keeps_body(sequence, &state);
        Some(MessageView {
            id: spec.id,
            sequence,
            queue: self.state.queue_name(state.queue).cloned(),
            carried: spec.carried().cloned(),
            stage: state.state.stage(),
            body: body.then(|| spec.body.source()),
            published_at: spec.published_at(),
            due_at: state.due_at,
            next_at,
            finished_at: state.state.finished_at(),
            attempts: state.attempts,
            history: self.history(sequence, &state),
            dead_letter: past.and_then(|past| past.dead_letter()).cloned(),
            headers: Arc::clone(&spec.headers),
        })
    }

    /// Whether the message shows its body. The body of a message that was given up is shown by its dead letter
    /// only.
    fn keeps_body(&self, sequence: Sequence, state: &MessageState) -> bool {
        self.state.keeps_body(sequence) && !was_given_up(state)
    }

    /// The attempts that have ended, and the one under way.
    fn history(&self, sequence: Sequence, state: &MessageState) -> Vec<AttemptRecord> {
        let past = self.state.past(sequence).into_iter();
        let ended = past.flat_map(|past| past.records().cloned());
        let open = state.is_open.then(|| AttemptRecord {
            queue: self.state.queue_name(state.queue).cloned(),
            number: state.attempts,
            started_at: state.started_at,
            finished_at: None,
            status: state.accepted_with,
            error: None,
        });
        let mut history: Vec<_> = ended.chain(open).collect();
        let over = history.len().saturating_sub(self.config.limits.history);
        history.drain(..over);
        history
    }
}

/// Whether a message ended without being delivered.
const fn was_given_up(state: &MessageState) -> bool {
    matches!(state.state.stage(), Stage::Failed | Stage::Cancelled)
}
