//! Why the engine refuses a command. Free of HTTP: each dialect maps every variant to its own words.

use std::sync::Arc;

use crate::engine::model::caller::Permission;
use crate::engine::model::id::{GroupName, QueueName, RowId, ScheduleId};
use crate::engine::model::partial_settings::SettingsFault;
use crate::engine::model::time::Timestamp;
use crate::engine::quota::QuotaKind;

/// Why a command was refused. A refused command has changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The caller's grant does not reach that far.
    #[error("the token does not allow `{}` on queue `{queue}`", permission.as_str())]
    Forbidden {
        /// The queue that was asked for.
        queue: QueueName,
        /// The permission that is missing.
        permission: Permission,
    },
    /// The caller's grant lacks a permission.
    #[error("the token does not allow `{}`", permission.as_str())]
    ForbiddenPermission {
        /// The permission that is missing.
        permission: Permission,
    },
    /// The caller's grant is limited to some queues, and what was asked for belongs to the whole account.
    #[error("the token is limited to some queues, and does not allow `{}` on the whole account", permission.as_str())]
    ForbiddenAccount {
        /// The permission that is missing.
        permission: Permission,
    },
    /// No such queue.
    #[error("queue `{0}` does not exist")]
    QueueNotFound(QueueName),
    /// No such message, or none that the caller may see.
    #[error("message not found")]
    MessageNotFound,
    /// The dead-letter queue is the queue itself or leads back to it.
    #[error("dead-letter queue `{0}` leads back to this queue")]
    DeadLetterCycle(QueueName),
    /// Another queue names this one as its dead-letter queue.
    #[error("queue `{by}` names this queue as its dead-letter queue")]
    QueueIsDeadLetterTarget {
        /// One queue that does.
        by: QueueName,
    },
    /// The queue pushes to a webhook, so nothing is handed out.
    #[error("queue `{0}` is pushed to its webhook; it cannot be received from")]
    QueueIsPushed(QueueName),
    /// The message is under no lease.
    #[error("the message is not leased")]
    NotLeased,
    /// The message is under a lease, but not under the one given.
    #[error("the lease is no longer current")]
    LeaseLost,
    /// Redriving a queue into itself.
    #[error("a queue cannot be redriven into itself")]
    RedriveToItself,
    /// A bound on held bytes or queues is reached.
    #[error("the server holds as much as it may: {0}")]
    Overloaded(&'static str),
    /// The caller may only read.
    #[error("the token may read everything and change nothing")]
    ReadOnly,
    /// No such URL group.
    #[error("URL group `{0}` does not exist")]
    UrlGroupNotFound(GroupName),
    /// No such schedule.
    #[error("schedule `{0}` does not exist")]
    ScheduleNotFound(ScheduleId),
    /// No such dead letter.
    #[error("dead letter `{0}` does not exist")]
    DeadLetterNotFound(RowId),
    /// No such flow-control key.
    #[error("flow-control key `{0}` does not exist")]
    FlowKeyNotFound(Arc<str>),
    /// What a publisher says and what a URL group says make no settings together.
    #[error(transparent)]
    Settings(#[from] SettingsFault),
    /// The plan does not allow so much (v2.md section 1.6).
    #[error("the quota on {} is exceeded; it allows {limit}", quota.as_str())]
    Quota {
        /// The quota.
        quota: QuotaKind,
        /// What it allows.
        limit: u64,
    },
    /// The plan's messages of the day are used up (v2.md section 1.7).
    #[error("daily message limit of {limit} reached")]
    DailyLimit {
        /// Messages a day.
        limit: u64,
        /// When the next day begins.
        resets_at: Timestamp,
    },
}
