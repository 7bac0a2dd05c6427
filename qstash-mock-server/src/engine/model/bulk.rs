//! Bulk operations under way; see `manage/bulk.rs`.

use std::collections::VecDeque;

use super::entity::DedupKeyId;
use super::filter::Filter;
use super::id::{AccountName, MessageId, QueueId, QueueName, WaiterId};
use super::message::Sequence;
use super::time::Timestamp;

/// What a bulk operation does with each message that its scan reaches.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// Cancel the message, if it is in this queue and not finished.
    Purge {
        /// The queue.
        queue: QueueId,
        /// Whether to forget, after the last message, the deduplication keys of the queue that were there when the
        /// operation began.
        forget_keys: bool,
        /// The last of these keys that was reached.
        reached_key: Option<DedupKeyId>,
    },
    /// Cancel the message, if it is the account's, matches and is not finished.
    Cancel(AccountName, Box<Filter>),
    /// Cancel these messages, if they are the account's, carry their rules and are not finished.
    CancelNamed(AccountName, VecDeque<MessageId>),
    /// Remove the message, because its queue was deleted.
    Remove(QueueId),
    /// Move the message out of its dead-letter queue, if it waits there.
    Redrive {
        /// The queue that holds the dead letters.
        from: QueueId,
        /// The queue that receives it; `None` means the one in which it failed.
        to: Option<QueueName>,
    },
}

/// A bulk operation under way: a scan over messages in the order of their sequence.
#[derive(Debug)]
pub(crate) struct BulkJob {
    pub(crate) work: Work,
    /// The last message that the scan has reached.
    pub(crate) reached: Option<Sequence>,
    /// The last message that the scan will reach: the newest one when the operation was asked for.
    pub(crate) end: Sequence,
    pub(crate) done: usize,
    pub(crate) most: usize,
    pub(crate) over: bool,
    pub(crate) waiter: WaiterId,
    pub(crate) since: Timestamp,
}
