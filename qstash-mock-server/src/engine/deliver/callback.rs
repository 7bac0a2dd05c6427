//! Callbacks: messages that report how an attempt of another one ended (v2.md section 3.10).

use std::sync::Arc;

use crate::engine::inputs::Engine;
use crate::engine::model::carried_rules::CarriedRules;
use crate::engine::model::id::RowId;
use crate::engine::model::message::Sequence;
use crate::engine::model::response::Response;
use crate::engine::model::spec::{BodyRef, CallbackReport};
use crate::engine::model::time::Timestamp;
use crate::engine::publish::drafts::Draft;

/// Which of a message's two callbacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallbackKind {
    /// The callback after every attempt.
    Attempt,
    /// The callback after the message has failed, with the id of its dead letter.
    Failure(RowId),
}

impl Engine {
    /// Makes the message that reports an attempt, if the reported message asks for one. The callback holds that
    /// message's slot in a queue until it is finished (v2.md section 3.6). Its body is a report, whose bytes a
    /// dialect writes when they are read.
    pub(crate) fn call_back(
        &mut self,
        now: Timestamp,
        source: Sequence,
        kind: CallbackKind,
        response: Option<Arc<Response>>,
        error: Option<Arc<str>>,
    ) {
        let Some((spec, state)) = self.state.whole(source) else {
            return;
        };
        let Some(carried) = spec.carried() else {
            return;
        };
        let (callback, dead_letter) = match kind {
            CallbackKind::Attempt => (&carried.callback, None),
            CallbackKind::Failure(id) => (&carried.failure_callback, Some(id)),
        };
        let Some(callback) = callback.clone() else {
            return;
        };
        let rules = CarriedRules::of_callback(&callback, carried, spec.id);
        let due_at = now + callback.delay;
        let draft = Draft::carried(rules, Arc::clone(&callback.headers), due_at);
        let account = spec.account.clone();
        let report = CallbackReport {
            source: spec.clone(),
            due_at: state.due_at,
            response,
            error,
            retried: state.attempts.saturating_sub(1),
            dead_letter,
        };
        let body = BodyRef::Callback(Arc::new(report));
        if let Err(error) = self.check_held(draft.cost() + body.length()) {
            let why = format!("the callback was not made: {error}");
            return self.log_refused_callback(now, source, why.into());
        }
        self.make(now, &account, draft, None, body, state.slot);
    }
}
