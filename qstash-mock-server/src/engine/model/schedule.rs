//! Schedules: cron entries that publish messages (v2.md sections 2.8 and 3.9).

use std::sync::Arc;

use super::id::{AccountName, MessageId, ScheduleId};
use super::publish::{Target, ToDestination};
use super::spec::{BodyRef, BodySource};
use super::time::Timestamp;
use crate::engine::error::Error;
use crate::engine::syntax::cron::Cron;

/// A stored schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// The account that owns the schedule.
    pub account: AccountName,
    /// The schedule's id, unique in the account.
    pub id: ScheduleId,
    /// When the schedule publishes.
    pub cron: Arc<Cron>,
    /// The destination and the settings of its messages.
    pub to: Arc<ToDestination>,
    /// The body of its messages.
    pub body: BodyRef,
    /// The text of the deduplication key with which the schedule was created. Deleting the schedule forgets the key.
    pub key: Option<Arc<str>>,
    /// When the schedule was created. Overwriting the schedule does not change this.
    pub created_at: Timestamp,
    /// Whether the schedule is paused. Runs that fall due while it is paused do not happen later.
    pub paused: bool,
    /// When the schedule last published.
    pub last_at: Option<Timestamp>,
    /// When the schedule publishes next; `None` means never again.
    pub next_at: Option<Timestamp>,
    /// The states of the messages of the last run.
    pub last_states: Vec<(MessageId, ScheduleState)>,
    /// Why the last run published nothing, if it did not.
    pub error: Option<Arc<Error>>,
}

/// A schedule as callers see it, with the body of its messages.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleView {
    /// The stored schedule.
    pub schedule: Schedule,
    /// The body of its messages.
    pub body: BodySource,
}

/// The state of a message that a schedule has published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScheduleState {
    /// The message is not finished.
    InProgress,
    /// The message is delivered.
    Success,
    /// The message has failed or was cancelled.
    Fail,
}

/// A request to create or overwrite a schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct PutSchedule {
    /// The schedule's id; without it the engine makes one. A schedule of this id is overwritten whole, whatever was
    /// created with the same deduplication key.
    pub id: Option<ScheduleId>,
    /// When the schedule publishes.
    pub cron: Cron,
    /// The destination and the settings of its messages. The defaults of a URL group are read once, when the schedule
    /// is created.
    pub to: Target,
    /// The body of its messages.
    pub body: bytes::Bytes,
}

/// Commands on schedules.
#[derive(Clone, Debug, PartialEq)]
pub enum ScheduleAction {
    /// Create or overwrite a schedule. Answers `Reply::SchedulePut`.
    Put(Box<PutSchedule>),
    /// Read a page of schedules, ordered by id. Answers `Reply::Schedules`.
    List {
        /// Only schedules after this id.
        after: Option<ScheduleId>,
        /// The most schedules of the page.
        limit: usize,
    },
    /// Read one schedule. Answers `Reply::Schedules` with one entry.
    Get(ScheduleId),
    /// Delete a schedule. Messages that it has published are not affected. Answers `Reply::Done`.
    Delete(ScheduleId),
    /// Pause or resume a schedule. Answers `Reply::Done`.
    SetPaused(ScheduleId, bool),
}

impl ScheduleAction {
    /// Whether the command changes nothing.
    pub(crate) const fn is_read(&self) -> bool {
        match self {
            Self::List { .. } | Self::Get(_) => true,
            Self::Put(_) | Self::Delete(_) | Self::SetPaused(..) => false,
        }
    }
}
