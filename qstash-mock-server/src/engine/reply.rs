//! Everything that the engine can answer.

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

/// What came of a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// It is done, and there is nothing to tell.
    Done,
    /// The answer comes later, as an effect with this id.
    Waiting(WaiterId),
    /// A message is stored.
    Published(Published),
    /// Each message of a batch is stored or refused.
    Batch(Vec<Result<Published, Error>>),
    /// A queue is made or changed.
    QueuePut {
        /// Whether the queue is new.
        created: bool,
        /// As it now is.
        queue: QueueView,
    },
    /// One queue.
    Queue(QueueView),
    /// A page of queues.
    Queues {
        /// By name.
        queues: Vec<QueueView>,
        /// Whether there are more after the last one.
        more: bool,
    },
    /// So many messages were cancelled or removed.
    Removed(usize),
    /// So many messages were sent back.
    Redriven(usize),
    /// Messages handed out under leases.
    Received(Vec<Received>),
    /// A message stays hidden.
    Extended {
        /// Which message.
        id: MessageId,
        /// Until when it is hidden.
        expires_at: Timestamp,
    },
    /// The caller that waited waits no more.
    Abandoned,
    /// One message.
    Message(Box<MessageView>),
    /// One message was to be cancelled.
    Cancelled {
        /// Which message.
        id: MessageId,
        /// False if it was finished already.
        cancelled: bool,
    },
    /// A page of messages.
    Messages {
        /// By sequence.
        messages: Vec<MessageView>,
        /// Where to go on, if the end was not reached. A page may be short, even empty, and still have one.
        next: Option<Sequence>,
    },
    /// A page of dead letters.
    DeadLetters {
        /// In the order asked for.
        entries: Vec<DeadLetterView>,
        /// Where to go on.
        next: Option<RowId>,
    },
    /// One dead letter.
    DeadLetter(Box<DeadLetterView>),
    /// Dead letters are deleted.
    DeadLettersDeleted {
        /// So many were there.
        deleted: usize,
        /// Where to go on.
        next: Option<RowId>,
    },
    /// Dead letters are published again.
    DeadLettersRetried {
        /// The fresh messages.
        messages: Vec<PublishedMessage>,
        /// Where to go on.
        next: Option<RowId>,
    },
    /// A page of the log.
    Log {
        /// In the order asked for.
        rows: Vec<LogView>,
        /// Where to go on.
        next: Option<RowId>,
    },
    /// One URL group.
    UrlGroup(Box<UrlGroup>),
    /// A page of URL groups.
    UrlGroups {
        /// By name.
        groups: Vec<UrlGroup>,
        /// Where to go on.
        next: Option<GroupName>,
    },
    /// A schedule is made.
    ScheduleId(ScheduleId),
    /// A page of schedules, or one that was asked for.
    Schedules {
        /// By name.
        schedules: Vec<ScheduleView>,
        /// Where to go on.
        next: Option<ScheduleId>,
    },
    /// A page of flow-control keys, or one that was asked for.
    FlowKeys {
        /// By name.
        keys: Vec<FlowKeyView>,
        /// Where to go on.
        next: Option<std::sync::Arc<str>>,
    },
    /// Deliveries of the account.
    GlobalParallelism {
        /// At most so many at once; `None`: no limit.
        max: Option<u64>,
        /// Under way.
        count: u32,
    },
    /// The account's shared secrets.
    SigningSecret(SigningSecret),
    /// The account's signing keys.
    SigningKeys(SigningKeys),
    /// A page of the account's metrics.
    Metrics {
        /// Of these queues.
        metrics: Box<Metrics>,
        /// Where to go on.
        next: Option<QueueName>,
    },
}

impl Reply {
    /// Calls `read` with each body that the reply names.
    ///
    /// # Errors
    /// The first one of `read`.
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
            | Self::Batch(_)
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
            | Self::ScheduleId(_)
            | Self::FlowKeys { .. }
            | Self::GlobalParallelism { .. }
            | Self::SigningSecret(_)
            | Self::SigningKeys(_)
            | Self::Metrics { .. } => Ok(()),
        }
    }

    /// Whether the reply names a body that is not there yet.
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
