//! Every command of the engine, by subject. The commands of each subject are in `model`.

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

/// A command of a caller.
#[derive(Clone, Debug)]
pub struct Command {
    /// The caller, whose permissions the engine checks.
    pub caller: Arc<Caller>,
    /// What the engine is to do.
    pub action: Action,
}

/// What the engine is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Publish one message. Answers `Reply::Published`.
    Publish(Publish),
    /// Publish the first messages of a batch, until `Limits::publishes` is reached. If one is refused, the others are
    /// still published. Answers `Reply::Batch`, with the command for the rest.
    PublishBatch(Vec<Publish>),
    /// See [`QueueAction`].
    Queues(QueueAction),
    /// See [`PullAction`].
    Pull(PullAction),
    /// See [`MessageAction`].
    Messages(MessageAction),
    /// See [`DeadLetterAction`].
    DeadLetters(Box<DeadLetterAction>),
    /// Read a page of the log. Answers `Reply::Log`.
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

/// Commands that read metrics.
#[derive(Clone, Debug, PartialEq)]
pub enum MetricsAction {
    /// Read the metrics of a page of queues, ordered by name. Answers `Reply::Metrics`.
    Queues {
        /// Only queues after this name.
        after: Option<QueueName>,
        /// The most queues of the page.
        limit: usize,
    },
    /// Count the account's deliveries that are under way. Answers `Reply::GlobalParallelism`.
    Parallelism,
}

impl Action {
    /// Whether the command changes nothing. Read-only tokens may give such commands only.
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

impl From<DeadLetterAction> for Action {
    fn from(action: DeadLetterAction) -> Self {
        Self::DeadLetters(Box::new(action))
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
    UrlGroupAction as UrlGroups,
    ScheduleAction as Schedules,
    FlowAction as FlowControl,
    KeyAction as Keys,
    MetricsAction as Metrics,
);
