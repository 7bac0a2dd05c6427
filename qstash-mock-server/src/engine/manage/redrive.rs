//! Moving messages out of a dead-letter queue (v1.md section 5).

use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::model::bulk::Work;
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::id::{QueueId, QueueName};
use crate::engine::model::log_row::Event;
use crate::engine::model::message::Sequence;
use crate::engine::model::time::Timestamp;
use crate::engine::reply::Reply;
use crate::engine::state::QueueIndex;

impl Engine {
    /// Moves the waiting messages of a dead-letter queue to another queue, or each back to the queue in which it
    /// failed.
    pub(crate) fn redrive(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        name: &QueueName,
        to: Option<QueueName>,
        max_messages: Option<usize>,
    ) -> Result<Reply, Error> {
        let from = self.queue_for(caller, name, Permission::Manage)?.id;
        if to.as_ref() == Some(name) {
            return Err(Error::RedriveToItself);
        }
        self.check_room_for_bulk()?;
        match &to {
            Some(to) => {
                caller.check(to, Permission::Manage)?;
                self.ensure_queue(now, &caller.account, to, false)?;
            }
            None => {
                let index = self.state.queue_index(from).into_iter();
                let mut sources = index.flat_map(QueueIndex::sources);
                sources.try_for_each(|source| caller.check(source, Permission::Manage))?;
            }
        }
        self.start_bulk(now, Work::Redrive { from, to }, max_messages)
    }

    /// Moves one message; false if it no longer waits in the dead-letter queue.
    pub(super) fn redrive_one(
        &mut self,
        now: Timestamp,
        sequence: Sequence,
        from: QueueId,
        to: Option<&QueueName>,
    ) -> bool {
        let Some((spec, state)) = self.state.whole(sequence) else {
            return false;
        };
        let here = state.queue == Some(from) && self.is_there(&state);
        if !state.state.waits() || !here || spec.carried().is_some() {
            return false;
        }
        let past = self.state.past(sequence);
        let letter = past.and_then(|past| past.dead_letter());
        let target = to.or_else(|| letter.map(|letter| &letter.source)).cloned();
        let (Some(target), account) = (target, spec.account.clone()) else {
            return false;
        };
        let Ok(target) = self.ensure_queue(now, &account, &target, false) else {
            return false;
        };
        self.log(now, sequence, Event::Redriven);
        self.move_to(now, sequence, target, None);
        true
    }
}
