//! Cancelling messages that carry their own rules (v2.md section 2.4).

use std::collections::VecDeque;

use crate::engine::command::Reply;
use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::manage::bulk::BulkWork;
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::id::MessageId;
use crate::engine::model::message::Message;
use crate::engine::model::time::Timestamp;
use crate::engine::syntax::filter::Filter;

/// Which messages to cancel.
#[derive(Clone, Debug, PartialEq)]
pub enum Selection {
    /// These, and no others; unknown ones are passed over.
    Ids(Vec<MessageId>),
    /// All that match.
    Filter {
        /// Which ones; the default matches all.
        filter: Box<Filter>,
        /// At most so many, the oldest first.
        count: Option<usize>,
    },
}

impl Engine {
    /// Cancels many messages that carry their own rules: those named, or all that match and wait.
    pub(crate) fn cancel_many(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        selection: &Selection,
    ) -> Result<Reply, Error> {
        caller.check_unlimited(Permission::Manage)?;
        let cancelled = self.being_cancelled();
        let is_meant = |message: &Message| {
            let pending = message.account == caller.account
                && !message.state.stage().is_finished()
                && self.is_there(message)
                && !cancelled.contains(&message.id);
            pending
                && message.carried().is_some_and(|carried| match selection {
                    Selection::Ids(_) => true,
                    Selection::Filter { filter, .. } => {
                        let at = message.published_at;
                        filter.matches(message.id, at, carried, message.queue_name())
                    }
                })
        };
        let targets: VecDeque<MessageId> = match selection {
            Selection::Ids(ids) => {
                let named = ids.iter().filter_map(|id| self.state.message(*id));
                named.filter(|it| is_meant(it)).map(|it| it.id).collect()
            }
            Selection::Filter { count, .. } => {
                let all = self.state.messages().filter(|it| is_meant(it));
                let mut all: Vec<_> = all.map(|it| (it.sequence, it.id)).collect();
                all.sort_unstable();
                let oldest = all.into_iter().map(|(_, id)| id);
                oldest.take(count.unwrap_or(usize::MAX)).collect()
            }
        };
        Ok(self.start_bulk(now, BulkWork::CancelCarried, targets))
    }
}
