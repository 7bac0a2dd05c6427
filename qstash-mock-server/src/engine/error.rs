//! Why the engine refuses a command. The errors know nothing of HTTP: each dialect maps every variant to a status
//! code and a text.

use std::sync::Arc;

use crate::engine::model::caller::Permission;
use crate::engine::model::id::{GroupName, QueueName, RowId, ScheduleId};
use crate::engine::model::partial_settings::SettingsFault;
use crate::engine::model::time::Timestamp;
use crate::engine::quota::QuotaKind;

/// Why the engine refused a command. A refused command has changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The token lacks a permission on a queue, or is limited to other queues.
    #[error("the token does not allow `{}` on queue `{queue}`", permission.as_str())]
    Forbidden {
        /// The queue that the command names.
        queue: QueueName,
        /// The permission that the command needs.
        permission: Permission,
    },
    /// The token lacks a permission.
    #[error("the token does not allow `{}`", permission.as_str())]
    ForbiddenPermission {
        /// The permission that the command needs.
        permission: Permission,
    },
    /// The token is limited to some queues, and the command is about the whole account.
    #[error("the token is limited to some queues, and does not allow `{}` on the whole account", permission.as_str())]
    ForbiddenAccount {
        /// The permission that the command needs.
        permission: Permission,
    },
    /// There is no queue of this name.
    #[error("queue `{0}` does not exist")]
    QueueNotFound(QueueName),
    /// There is no message of this id, or none that the caller may see.
    #[error("message not found")]
    MessageNotFound,
    /// The dead-letter queue is the queue itself, or its own dead-letter queues lead back to the queue.
    #[error("dead-letter queue `{0}` leads back to this queue")]
    DeadLetterCycle(QueueName),
    /// Another queue names this one as its dead-letter queue.
    #[error("queue `{by}` names this queue as its dead-letter queue")]
    QueueIsDeadLetterTarget {
        /// A queue that does.
        by: QueueName,
    },
    /// The queue pushes its messages to a webhook, so nobody can receive from it.
    #[error("queue `{0}` is pushed to its webhook; it cannot be received from")]
    QueueIsPushed(QueueName),
    /// No lease on the message is in force.
    #[error("the message is not leased")]
    NotLeased,
    /// Another lease on the message is in force than the one that the command names.
    #[error("the lease is no longer current")]
    LeaseLost,
    /// The dead letters of a queue were to be moved to that queue.
    #[error("a queue cannot be redriven into itself")]
    RedriveToItself,
    /// One of the engine's [`Limits`](crate::engine::Limits) is reached.
    #[error("the server holds as much as it may: {0}")]
    Overloaded(&'static str),
    /// The token may only read.
    #[error("the token may read everything and change nothing")]
    ReadOnly,
    /// There is no URL group of this name.
    #[error("URL group `{0}` does not exist")]
    UrlGroupNotFound(GroupName),
    /// There is no schedule of this id.
    #[error("schedule `{0}` does not exist")]
    ScheduleNotFound(ScheduleId),
    /// There is no listed dead letter of this id.
    #[error("dead letter `{0}` does not exist")]
    DeadLetterNotFound(RowId),
    /// There is no such flow-control key.
    #[error("flow-control key `{0}` does not exist")]
    FlowKeyNotFound(Arc<str>),
    /// The merged settings of a publisher and a URL group are refused.
    #[error(transparent)]
    Settings(#[from] SettingsFault),
    /// A quota of the account's plan is exceeded (v2.md sections 1.6 and 7).
    #[error("the quota on {} is exceeded; it allows {limit}", quota.as_str())]
    Quota {
        /// Which quota.
        quota: QuotaKind,
        /// What the quota allows; a duration in whole seconds.
        limit: u64,
    },
    /// The account has published as many messages today as its plan allows (v2.md section 1.7).
    #[error("daily message limit of {limit} reached")]
    DailyLimit {
        /// How many messages a day the plan allows.
        limit: u64,
        /// When the next day (UTC) begins.
        resets_at: Timestamp,
    },
}
