//! Callbacks: messages that report how an attempt of another one ended (v2.md section 3.10).

use std::sync::Arc;

use bytes::Bytes;

use crate::engine::effect::Response;
use crate::engine::inputs::Engine;
use crate::engine::model::carried_rules::{Callback, CarriedRules};
use crate::engine::model::id::{BodyId, MessageId, RowId};
use crate::engine::model::message::Message;
use crate::engine::model::time::Timestamp;

/// What a callback reports. How it is written is the dialect's business: the configuration says.
#[derive(Debug)]
pub struct CallbackReport<'a> {
    /// The message that was attempted.
    pub source: &'a Message,
    /// What it carries.
    pub carried: &'a CarriedRules,
    /// What was published.
    pub source_body: &'a Bytes,
    /// The consumer's answer, if it answered.
    pub response: Option<&'a Response>,
    /// Why there was no answer.
    pub error: Option<&'a str>,
    /// Retries so far.
    pub retried: u32,
    /// Its dead letter, if this tells of a failure for good.
    pub dead_letter: Option<RowId>,
}

/// Which callback of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallbackKind {
    /// After every attempt.
    Attempt,
    /// Once, when it has failed, with its dead letter.
    Failure(RowId),
}

impl Engine {
    /// Makes the message that reports an attempt, if the source asks for one. It holds its source's
    /// slot in a queue until it is finished itself (v2.md section 3.6).
    pub(crate) fn call_back(
        &mut self,
        now: Timestamp,
        source: MessageId,
        kind: CallbackKind,
        response: Option<&Response>,
        error: Option<&str>,
    ) {
        let Some(source) = self.state.message(source).cloned() else {
            return;
        };
        let Some(carried) = source.carried() else {
            return;
        };
        let (callback, dead_letter) = match kind {
            CallbackKind::Attempt => (&carried.callback, None),
            CallbackKind::Failure(id) => (&carried.failure_callback, Some(id)),
        };
        let Some(callback) = callback.clone() else {
            return;
        };
        let source_body = self.state.body(source.body).cloned().unwrap_or_default();
        let report = CallbackReport {
            source: &source,
            carried,
            source_body: &source_body,
            response,
            error,
            retried: source.attempts.saturating_sub(1),
            dead_letter,
        };
        let body = (self.config.write_callback)(&report);
        self.insert_callback(now, &source, carried, &callback, body);
    }

    fn insert_callback(
        &mut self,
        now: Timestamp,
        source: &Message,
        parent: &CarriedRules,
        callback: &Callback,
        bytes: Bytes,
    ) {
        let body = BodyId(self.state.next_sequence());
        self.state.put_body(body, bytes);
        let carried = CarriedRules::of_callback(callback, parent, source.id);
        let headers = Arc::clone(&callback.headers);
        let due_at = now + callback.delay;
        let message = self.new_carried(now, &source.account, carried, headers, body, due_at);
        let slot = source.slot;
        self.insert_carried(now, Message { slot, ..message });
    }
}
