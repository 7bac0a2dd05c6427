//! Bulk operations on messages, as scans in slices.
//!
//! A scan follows the order of publishing, which never changes, up to the message that was the newest when the scan
//! began. So it ends although callers go on publishing. Each slice is an input of its own, so an operation on a
//! million messages delays no other input for long. If two scans meet, the one that reaches a message first counts
//! it. The caller is answered at the end of its scan.

use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::model::bulk::{BulkJob, Work};
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::filter::Filter;
use crate::engine::model::id::{AccountName, QueueId, QueueName};
use crate::engine::model::lookup::Selection;
use crate::engine::model::message::{Sequence, Stage};
use crate::engine::model::time::Timestamp;
use crate::engine::reply::Reply;

impl BulkJob {
    /// The reply to the caller that asked for the operation.
    const fn reply(&self) -> Reply {
        match self.work {
            Work::Purge { .. } | Work::Cancel(..) | Work::CancelNamed(..) | Work::Remove(_) => {
                Reply::Removed(self.done)
            }
            Work::Redrive { .. } => Reply::Redriven(self.done),
        }
    }
}

impl Engine {
    /// Starts a scan and does its first slice. The reply is `Reply::Waiting`, unless that slice was also the last.
    ///
    /// # Errors
    /// Too many scans are under way, and nothing has changed.
    pub(crate) fn start_bulk(
        &mut self,
        now: Timestamp,
        work: Work,
        most: Option<usize>,
    ) -> Result<Reply, Error> {
        self.check_room_for_bulk()?;
        let mut job = self.new_job(now, work, most);
        self.slice(now, &mut job);
        if job.over {
            return Ok(job.reply());
        }
        let waiter = job.waiter;
        self.jobs.push_back(job);
        Ok(Reply::Waiting(waiter))
    }

    /// A scan that has not begun, up to the message that is the newest now.
    fn new_job(&mut self, now: Timestamp, work: Work, most: Option<usize>) -> BulkJob {
        BulkJob {
            work,
            reached: None,
            end: self.state.newest_sequence(),
            done: 0,
            most: most.unwrap_or(usize::MAX),
            over: false,
            waiter: self.next_waiter_id(),
            since: now,
        }
    }

    pub(crate) fn check_room_for_bulk(&self) -> Result<(), Error> {
        if self.jobs.len() >= self.config.limits.bulk_jobs {
            return Err(Error::Overloaded("too many bulk operations are under way"));
        }
        Ok(())
    }

    /// Continues the removal of a queue that was deleted before a restart. No caller waits for it.
    pub(crate) fn resume_removal(&mut self, now: Timestamp, queue: QueueId) {
        let job = self.new_job(now, Work::Remove(queue), None);
        self.jobs.push_back(job);
    }

    /// Does the next slice of the scan whose turn it is.
    pub(crate) fn continue_bulk(&mut self, now: Timestamp) {
        let Some(mut job) = self.jobs.pop_front() else {
            return;
        };
        self.slice(now, &mut job);
        if job.over {
            self.answer(job.waiter, job.reply());
        } else {
            self.jobs.push_back(job);
        }
    }

    fn slice(&mut self, now: Timestamp, job: &mut BulkJob) {
        let mut room = self.config.limits.bulk_step;
        while room > 0 {
            let next = if job.done < job.most {
                self.next_of(job)
            } else {
                None
            };
            let Some(sequence) = next else {
                job.over = self.follow_up(job, room);
                return;
            };
            job.reached = Some(sequence);
            room = room.saturating_sub(self.effort(sequence, &job.work));
            job.done += usize::from(self.treat(now, sequence, &job.work));
        }
    }

    /// Does what follows the last message, as far as `room` allows; false if more is to be done.
    fn follow_up(&mut self, job: &mut BulkJob, room: usize) -> bool {
        match &mut job.work {
            Work::Purge {
                queue,
                forget_keys: true,
                reached_key,
            } => self.forget_keys(*queue, reached_key, job.end, room),
            Work::Remove(queue) => {
                self.state.drop_queue_index(*queue);
                true
            }
            Work::Purge { .. }
            | Work::Cancel(..)
            | Work::CancelNamed(..)
            | Work::Redrive { .. } => true,
        }
    }

    /// The next message that a scan reaches.
    fn next_of(&self, job: &mut BulkJob) -> Option<Sequence> {
        let (reached, end) = (job.reached, job.end);
        let in_queue = |queue: QueueId| {
            let index = self.state.queue_index(queue)?;
            index.member_after(reached)
        };
        let next = match &mut job.work {
            Work::Purge { queue, .. } | Work::Remove(queue) => in_queue(*queue),
            Work::Redrive { from, .. } => in_queue(*from),
            Work::Cancel(account, _) => self.state.carried_after(account, reached).next(),
            Work::CancelNamed(_, ids) => {
                let mut ids = std::iter::from_fn(|| ids.pop_front());
                return ids.find_map(|id| self.state.sequence_of(id));
            }
        };
        next.filter(|next| *next <= end)
    }

    /// What it takes to see whether a message is meant, as a share of a slice.
    fn effort(&self, sequence: Sequence, work: &Work) -> usize {
        match work {
            Work::Cancel(_, filter) => {
                let spec = self.state.spec(sequence);
                filter.effort(spec.and_then(|spec| spec.carried()))
            }
            Work::Purge { .. } | Work::CancelNamed(..) | Work::Remove(_) | Work::Redrive { .. } => {
                1
            }
        }
    }

    /// Does the work on one message; false if there is nothing to be done with it.
    fn treat(&mut self, now: Timestamp, sequence: Sequence, work: &Work) -> bool {
        match work {
            Work::Purge { .. } => self.cancel_one(now, sequence),
            Work::Cancel(account, filter) => {
                self.is_meant(account, sequence, filter) && self.cancel_one(now, sequence)
            }
            Work::CancelNamed(account, _) => {
                self.is_meant(account, sequence, &Filter::default())
                    && self.cancel_one(now, sequence)
            }
            Work::Remove(_) => self.remove_one(now, sequence),
            Work::Redrive { from, to } => self.redrive_one(now, sequence, *from, to.as_ref()),
        }
    }

    fn is_meant(&self, account: &AccountName, sequence: Sequence, filter: &Filter) -> bool {
        let Some((spec, state)) = self.state.whole(sequence) else {
            return false;
        };
        let queue = self.state.queue_name(state.queue);
        spec.account == *account
            && spec
                .carried()
                .is_some_and(|carried| filter.matches(spec.id, spec.published_at(), carried, queue))
    }

    /// Cancels a message that is not finished.
    pub(crate) fn cancel_one(&mut self, now: Timestamp, sequence: Sequence) -> bool {
        let state = self.state.message(sequence);
        let waits = state.is_some_and(|state| !state.is_finished() && self.is_there(&state));
        if waits {
            self.finish(now, sequence, Stage::Cancelled);
        }
        waits
    }

    /// Removes a message whose queue is gone before the scan reaches it, and counts it for that.
    pub(crate) fn remove_early(&mut self, now: Timestamp, sequence: Sequence) {
        let queue = self.state.message(sequence).and_then(|state| state.queue);
        let removed = self.remove_one(now, sequence);
        let mut jobs = self.jobs.iter_mut();
        let scan = jobs.find(|job| matches!(job.work, Work::Remove(gone) if Some(gone) == queue));
        if let Some(scan) = scan {
            scan.done += usize::from(removed);
        }
    }

    fn remove_one(&mut self, now: Timestamp, sequence: Sequence) -> bool {
        let Some(state) = self.state.message(sequence) else {
            return false;
        };
        let was_pending = !state.is_finished();
        if was_pending {
            self.note_finished(now, sequence, &state, Stage::Cancelled);
        }
        self.state.forget_message(sequence);
        was_pending
    }

    /// Cancels many messages that carry their rules: those named, or all that match.
    pub(crate) fn cancel_many(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        selection: Selection,
    ) -> Result<Reply, Error> {
        caller.check_account(Permission::Manage)?;
        let account = caller.account.clone();
        match selection {
            Selection::Ids(ids) => {
                let work = Work::CancelNamed(account, ids.into());
                self.start_bulk(now, work, None)
            }
            Selection::Filter { filter, count } => {
                let work = Work::Cancel(account, filter);
                self.start_bulk(now, work, count)
            }
        }
    }

    pub(crate) fn purge(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        name: &QueueName,
        forget_keys: bool,
    ) -> Result<Reply, Error> {
        let queue = self.queue_for(caller, name, Permission::Manage)?.id;
        let work = Work::Purge {
            queue,
            forget_keys,
            reached_key: None,
        };
        self.start_bulk(now, work, None)
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
        self.check_room_for_bulk()?;
        self.dismiss_waiters(id);
        self.state.remove_queue(id);
        self.start_bulk(now, Work::Remove(id), None)
    }
}
