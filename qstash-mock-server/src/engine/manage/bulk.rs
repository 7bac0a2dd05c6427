//! Operations on many messages: targets are fixed at the start, work goes on in bounded steps.
//!
//! Each step is an input of its own, so a million messages stall nobody; whoever asked is answered
//! when the last one is done.

use std::collections::{BTreeSet, VecDeque};

use crate::engine::command::Reply;
use crate::engine::effect::Effect;
use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::id::{MessageId, QueueId, QueueName, WaiterId};
use crate::engine::model::message::Stage;
use crate::engine::model::time::Timestamp;

/// What to do with each target.
#[derive(Clone, Debug)]
pub(crate) enum BulkWork {
    /// Cancel it, if it is still in the queue and not finished.
    Cancel {
        /// The queue that is purged.
        queue: QueueId,
    },
    /// Cancel it, if it is not finished.
    CancelCarried,
    /// Remove it, unless it left before its queue was deleted.
    Remove {
        /// The queue that is gone.
        queue: QueueId,
    },
    /// Move it, if it still waits in the queue.
    Redrive {
        /// The queue that holds the dead letters.
        from: QueueId,
        /// Where to, if not back.
        to: Option<QueueName>,
    },
}

/// A bulk operation under way.
#[derive(Debug)]
pub(crate) struct BulkJob {
    work: BulkWork,
    targets: VecDeque<MessageId>,
    done: usize,
    waiter: WaiterId,
    since: Timestamp,
}

impl Engine {
    pub(crate) fn purge(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        name: &QueueName,
    ) -> Result<Reply, Error> {
        let queue = self.queue_for(caller, name, Permission::Manage)?.id;
        let members = self
            .state
            .queue_index(queue)
            .map(|queue_index| queue_index.members.values());
        // Finished ones among them are passed over in their step: to look at each of a million now would
        // keep everybody waiting.
        let targets = members.into_iter().flatten().copied().collect();
        Ok(self.start_bulk(now, BulkWork::Cancel { queue }, targets))
    }

    pub(crate) fn delete_queue(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        name: &QueueName,
    ) -> Result<Reply, Error> {
        let queue = self.queue_for(caller, name, Permission::Manage)?;
        if let Some(by) = self.state.dead_letter_source(queue) {
            return Err(Error::QueueIsDeadLetterTarget { by: by.clone() });
        }
        let id = queue.id;
        let Some(queue_index) = self.state.remove_queue(id) else {
            return Err(Error::QueueNotFound(name.clone()));
        };
        self.dismiss_waiters(queue_index.waiters);
        Ok(self.start_bulk(
            now,
            BulkWork::Remove { queue: id },
            queue_index.members.into_values().collect(),
        ))
    }

    /// Does the first step; answers at once if it was the last one too.
    pub(crate) fn start_bulk(
        &mut self,
        now: Timestamp,
        work: BulkWork,
        targets: VecDeque<MessageId>,
    ) -> Reply {
        let waiter = self.next_waiter_id();
        let mut job = BulkJob {
            work,
            targets,
            done: 0,
            waiter,
            since: now,
        };
        self.step(now, &mut job);
        if job.targets.is_empty() {
            return job.reply();
        }
        self.jobs.push_back(job);
        Reply::Waiting(waiter)
    }

    pub(crate) fn continue_bulk(&mut self, now: Timestamp) {
        let Some(mut job) = self.jobs.pop_front() else {
            return;
        };
        self.step(now, &mut job);
        if job.targets.is_empty() {
            self.effects
                .push_back(Effect::Answer(job.waiter, Box::new(job.reply())));
        } else {
            self.jobs.push_back(job);
        }
    }

    /// The targets of cancellations that are not done yet: nobody counts them twice.
    pub(crate) fn being_cancelled(&self) -> BTreeSet<MessageId> {
        let jobs = self.jobs.iter();
        let cancelling = jobs.filter(|job| matches!(job.work, BulkWork::CancelCarried));
        cancelling.flat_map(|job| &job.targets).copied().collect()
    }

    fn step(&mut self, now: Timestamp, job: &mut BulkJob) {
        for _ in 0..self.config.limits.bulk_step {
            let Some(id) = job.targets.pop_front() else {
                return;
            };
            let done = match &job.work {
                BulkWork::Cancel { queue } => self.cancel_in(now, id, *queue),
                BulkWork::CancelCarried => self.cancel_carried_one(now, id),
                BulkWork::Remove { queue } => self.remove_from(now, id, *queue),
                BulkWork::Redrive { from, to } => self.redrive_one(now, id, *from, to.as_ref()),
            };
            job.done += usize::from(done);
        }
    }

    fn remove_from(&mut self, now: Timestamp, id: MessageId, queue: QueueId) -> bool {
        let message = self.state.message(id);
        let Some(message) = message.filter(|it| it.queue_id() == Some(queue)).cloned() else {
            return false;
        };
        let was_pending = !message.state.stage().is_finished();
        if was_pending {
            self.note_finished(now, &message, Stage::Cancelled);
        }
        self.state.remove_message(id);
        was_pending
    }

    fn cancel_carried_one(&mut self, now: Timestamp, id: MessageId) -> bool {
        let waits = self
            .state
            .message(id)
            .is_some_and(|message| !message.state.stage().is_finished() && self.is_there(message));
        if waits {
            self.finish(now, id, Stage::Cancelled);
        }
        waits
    }

    fn cancel_in(&mut self, now: Timestamp, id: MessageId, queue: QueueId) -> bool {
        let waits = self
            .state
            .message(id)
            .is_some_and(|it| it.queue_id() == Some(queue) && !it.state.stage().is_finished());
        if waits {
            self.finish(now, id, Stage::Cancelled);
        }
        waits
    }
}

impl BulkJob {
    /// When it was asked for: it is due ever since.
    pub(crate) fn since(&self) -> Timestamp {
        self.since
    }

    fn reply(&self) -> Reply {
        match self.work {
            BulkWork::Cancel { .. } | BulkWork::CancelCarried | BulkWork::Remove { .. } => {
                Reply::Removed(self.done)
            }
            BulkWork::Redrive { .. } => Reply::Redriven(self.done),
        }
    }
}
