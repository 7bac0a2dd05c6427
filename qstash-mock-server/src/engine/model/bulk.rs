//! Operations on many messages that are under way; see `manage/bulk.rs`.

use std::collections::VecDeque;

use super::filter::Filter;
use super::id::{AccountName, MessageId, QueueId, QueueName, WaiterId};
use super::message::Sequence;
use super::time::Timestamp;

/// What to do with each message that a scan reaches.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// Cancel it, if it is not finished.
    Purge(QueueId),
    /// Cancel it, if it is not finished and matches.
    Cancel(AccountName, Box<Filter>),
    /// Cancel these, if they are the account's, carry their rules and are not finished.
    CancelNamed(AccountName, VecDeque<MessageId>),
    /// Remove it: its queue is gone.
    Remove(QueueId),
    /// Send it back, if it waits.
    Redrive {
        /// The queue that holds the dead letters.
        from: QueueId,
        /// Where to, if not back.
        to: Option<QueueName>,
    },
}

/// A scan under way.
#[derive(Debug)]
pub(crate) struct BulkJob {
    pub(crate) work: Work,
    /// The last message that was reached.
    pub(crate) reached: Option<Sequence>,
    /// The last one to be reached.
    pub(crate) end: Sequence,
    pub(crate) done: usize,
    pub(crate) most: usize,
    pub(crate) over: bool,
    pub(crate) waiter: WaiterId,
    pub(crate) since: Timestamp,
}
