//! Everything that can be asked of the engine, by subject. What each subject asks stands in `model`.

use std::sync::Arc;

use crate::engine::model::caller::Caller;
use crate::engine::model::dead_letter::DeadLetterAction;
use crate::engine::model::flow_key::FlowAction;
use crate::engine::model::id::QueueName;
use crate::engine::model::keys::KeyAction;
use crate::engine::model::log_row::LogQuery;
use crate::engine::model::lookup::MessageAction;
use crate::engine::model::publish::Publish;
use crate::engine::model::pull::PullAction;
use crate::engine::model::queue::QueueAction;
use crate::engine::model::schedule::ScheduleAction;
use crate::engine::model::url_group::UrlGroupAction;

/// What a caller wants, and who it is.
#[derive(Clone, Debug)]
pub struct Command {
    /// On whose behalf.
    pub caller: Arc<Caller>,
    /// What to do.
    pub action: Action,
}

/// What to do.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "it lives for one input, and a box would cost every call"
)]
pub enum Action {
    /// Store one message. Answers `Reply::Published`.
    Publish(Publish),
    /// Store many; one that is refused does not stop the others. Answers `Reply::Batch`.
    PublishBatch(Vec<Publish>),
    /// See [`QueueAction`].
    Queues(QueueAction),
    /// See [`PullAction`].
    Pull(PullAction),
    /// See [`MessageAction`].
    Messages(MessageAction),
    /// See [`DeadLetterAction`].
    DeadLetters(DeadLetterAction),
    /// Answers `Reply::Log`.
    Log(Box<LogQuery>),
    /// See [`UrlGroupAction`].
    UrlGroups(UrlGroupAction),
    /// See [`ScheduleAction`].
    Schedules(ScheduleAction),
    /// See [`FlowAction`].
    FlowControl(FlowAction),
    /// See [`KeyAction`].
    Keys(KeyAction),
    /// See [`MetricsAction`].
    Metrics(MetricsAction),
}

/// Looking at counters and gauges.
#[derive(Clone, Debug)]
pub enum MetricsAction {
    /// A page of the account's queues by name. Answers `Reply::Metrics`.
    Queues {
        /// Only queues after this one.
        after: Option<QueueName>,
        /// At most so many.
        limit: usize,
    },
    /// Deliveries of the account. Answers `Reply::GlobalParallelism`.
    Parallelism,
}

impl Action {
    /// Whether it only looks.
    #[must_use]
    pub const fn is_read(&self) -> bool {
        match self {
            Self::Publish(_) | Self::PublishBatch(_) => false,
            Self::Log(_) | Self::Metrics(_) => true,
            Self::Queues(action) => action.is_read(),
            Self::Pull(action) => action.is_read(),
            Self::Messages(action) => action.is_read(),
            Self::DeadLetters(action) => action.is_read(),
            Self::UrlGroups(action) => action.is_read(),
            Self::Schedules(action) => action.is_read(),
            Self::FlowControl(action) => action.is_read(),
            Self::Keys(action) => action.is_read(),
        }
    }
}

macro_rules! subjects {
    ($($action:ident as $subject:ident),* $(,)?) => {$(
        impl From<$action> for Action {
            fn from(action: $action) -> Self {
                Self::$subject(action)
            }
        }
    )*};
}

subjects!(
    Publish as Publish,
    QueueAction as Queues,
    PullAction as Pull,
    MessageAction as Messages,
    DeadLetterAction as DeadLetters,
    UrlGroupAction as UrlGroups,
    ScheduleAction as Schedules,
    FlowAction as FlowControl,
    KeyAction as Keys,
    MetricsAction as Metrics,
);
