//! Every reply of the engine.

use crate::engine::command::Action;
use crate::engine::error::Error;
use crate::engine::model::dead_letter::DeadLetterView;
use crate::engine::model::flow_key::FlowKeyView;
use crate::engine::model::id::{GroupName, MessageId, QueueName, RowId, ScheduleId, WaiterId};
use crate::engine::model::keys::{SigningKeys, SigningSecret};
use crate::engine::model::log_row::LogView;
use crate::engine::model::lookup::MessageView;
use crate::engine::model::message::Sequence;
use crate::engine::model::metrics::Metrics;
use crate::engine::model::publish::{Published, PublishedMessage};
use crate::engine::model::pull::Received;
use crate::engine::model::queue::QueueView;
use crate::engine::model::schedule::ScheduleView;
use crate::engine::model::spec::BodySource;
use crate::engine::model::time::Timestamp;
use crate::engine::model::url_group::UrlGroup;

/// The result of a command that was not refused.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// The command is carried out, and there is nothing to report.
    Done,
    /// The reply comes later, as an [`Effect::Answer`](crate::engine::Effect::Answer) with this id.
    Waiting(WaiterId),
    /// The publish was carried out; for each endpoint, the message is new or was recognised as a duplicate.
    Published(Published),
    /// The first messages of a batch were handled.
    Batch {
        /// The result of each of these messages, in their order.
        results: Vec<Result<Published, Error>>,
        /// The command for the other messages, if there are any.
        rest: Option<Box<Action>>,
    },
    /// A queue was created or changed.
    QueuePut {
        /// Whether the queue is new.
        created: bool,
        /// The queue as it is now.
        queue: QueueView,
    },
    /// One queue.
    Queue(QueueView),
    /// A page of queues.
    Queues {
        /// The queues, ordered by name.
        queues: Vec<QueueView>,
        /// Whether there are further queues.
        more: bool,
    },
    /// How many messages were cancelled or removed.
    Removed(usize),
    /// How many messages left the dead-letter queue.
    Redriven(usize),
    /// Messages that the caller now holds under leases; none if the wait ended without one.
    Received(Vec<Received>),
    /// A lease ends at another time.
    Extended {
        /// The leased message.
        id: MessageId,
        /// When the lease ends now.
        expires_at: Timestamp,
    },
    /// The waiting caller is forgotten.
    Abandoned,
    /// One message.
    Message(Box<MessageView>),
    /// The result of cancelling one message.
    Cancelled {
        /// The message.
        id: MessageId,
        /// Whether it was cancelled; false if it was finished before.
        cancelled: bool,
    },
    /// A page of messages.
    Messages {
        /// The messages, ordered by sequence.
        messages: Vec<MessageView>,
        /// The cursor of the next page, if there may be one. A page may be short or even empty and still have a
        /// cursor.
        next: Option<Sequence>,
    },
    /// A page of listed dead letters.
    DeadLetters {
        /// The dead letters, in the order asked for.
        entries: Vec<DeadLetterView>,
        /// The cursor of the next page, if there may be one.
        next: Option<RowId>,
    },
    /// One listed dead letter.
    DeadLetter(Box<DeadLetterView>),
    /// Listed dead letters were deleted.
    DeadLettersDeleted {
        /// How many were deleted.
        deleted: usize,
        /// The cursor of the next page, if there may be one.
        next: Option<RowId>,
    },
    /// Listed dead letters were published again.
    DeadLettersRetried {
        /// The new messages.
        messages: Vec<PublishedMessage>,
        /// The cursor of the next page, if there may be one.
        next: Option<RowId>,
        /// The command for the other dead letters of this page, if there may be any.
        rest: Option<Box<Action>>,
    },
    /// A page of the log.
    Log {
        /// The rows, in the order asked for.
        rows: Vec<LogView>,
        /// The cursor of the next page, if there may be one.
        next: Option<RowId>,
    },
    /// One URL group.
    UrlGroup(Box<UrlGroup>),
    /// A page of URL groups.
    UrlGroups {
        /// The groups, ordered by name.
        groups: Vec<UrlGroup>,
        /// The cursor of the next page, if there may be one.
        next: Option<GroupName>,
    },
    /// A schedule was created or overwritten, or recognised as the same as one that was created before.
    SchedulePut {
        /// The schedule's id; after deduplication, that of the first one.
        id: ScheduleId,
        /// Whether nothing was stored, because the creation of the same schedule is remembered.
        deduplicated: bool,
    },
    /// A page of schedules, or one that was asked for.
    Schedules {
        /// The schedules, ordered by id.
        schedules: Vec<ScheduleView>,
        /// The cursor of the next page, if there may be one.
        next: Option<ScheduleId>,
    },
    /// A page of flow-control keys, or one that was asked for.
    FlowKeys {
        /// The keys, ordered by name.
        keys: Vec<FlowKeyView>,
        /// The cursor of the next page, if there may be one.
        next: Option<std::sync::Arc<str>>,
    },
    /// The account's deliveries that are under way.
    GlobalParallelism {
        /// The most that may be under way at the same time; `None` means no limit.
        max: Option<u64>,
        /// How many are under way.
        count: u32,
    },
    /// The account's shared secrets.
    SigningSecret(SigningSecret),
    /// The account's signing keys.
    SigningKeys(SigningKeys),
    /// A page of the account's metrics.
    Metrics {
        /// The metrics of the queues of this page.
        metrics: Box<Metrics>,
        /// The cursor of the next page, if there may be one.
        next: Option<QueueName>,
    },
}

impl Reply {
    /// Calls `read` with each body that the reply names, in order, until one call fails.
    ///
    /// # Errors
    /// The first error of `read`; bodies after that one were not read.
    pub fn read_bodies<E>(
        &mut self,
        mut read: impl FnMut(&mut BodySource) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            Self::Received(received) => received.iter_mut().try_for_each(|it| read(&mut it.body)),
            Self::Message(message) => message.body.as_mut().map_or(Ok(()), read),
            Self::Messages { messages, .. } => {
                let mut bodies = messages.iter_mut().filter_map(|it| it.body.as_mut());
                bodies.try_for_each(read)
            }
            Self::DeadLetters { entries, .. } => {
                entries.iter_mut().try_for_each(|it| read(&mut it.body))
            }
            Self::DeadLetter(entry) => read(&mut entry.body),
            Self::Log { rows, .. } => {
                let mut bodies = rows.iter_mut().filter_map(|it| it.body.as_mut());
                bodies.try_for_each(read)
            }
            Self::Schedules { schedules, .. } => {
                schedules.iter_mut().try_for_each(|it| read(&mut it.body))
            }
            Self::Done
            | Self::Waiting(_)
            | Self::Published(_)
            | Self::Batch { .. }
            | Self::QueuePut { .. }
            | Self::Queue(_)
            | Self::Queues { .. }
            | Self::Removed(_)
            | Self::Redriven(_)
            | Self::Extended { .. }
            | Self::Abandoned
            | Self::Cancelled { .. }
            | Self::DeadLettersDeleted { .. }
            | Self::DeadLettersRetried { .. }
            | Self::UrlGroup(_)
            | Self::UrlGroups { .. }
            | Self::SchedulePut { .. }
            | Self::FlowKeys { .. }
            | Self::GlobalParallelism { .. }
            | Self::SigningSecret(_)
            | Self::SigningKeys(_)
            | Self::Metrics { .. } => Ok(()),
        }
    }

    /// Takes the command for the rest of what the caller asked for, if one input did not do everything.
    pub fn take_rest(&mut self) -> Option<Action> {
        match self {
            Self::Batch { rest, .. } | Self::DeadLettersRetried { rest, .. } => {
                rest.take().map(|rest| *rest)
            }
            _ => None,
        }
    }

    /// Adds `more`, the reply to the command that [`Self::take_rest`] returned.
    pub fn append(&mut self, more: Self) {
        match (self, more) {
            (
                Self::Batch { results, rest },
                Self::Batch {
                    results: more,
                    rest: then,
                },
            ) => {
                results.extend(more);
                *rest = then;
            }
            (
                Self::DeadLettersRetried {
                    messages,
                    next,
                    rest,
                },
                Self::DeadLettersRetried {
                    messages: more,
                    next: after,
                    rest: then,
                },
            ) => {
                messages.extend(more);
                (*next, *rest) = (after, then);
            }
            _ => {}
        }
    }

    /// Whether the reply is of a kind that names bodies, so that [`Self::read_bodies`] is needed.
    #[must_use]
    pub const fn names_bodies(&self) -> bool {
        matches!(
            self,
            Self::Received(_)
                | Self::Message(_)
                | Self::Messages { .. }
                | Self::DeadLetters { .. }
                | Self::DeadLetter(_)
                | Self::Log { .. }
                | Self::Schedules { .. }
        )
    }
}
