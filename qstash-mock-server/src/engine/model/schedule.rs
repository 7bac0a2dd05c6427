//! Schedules: cron entries that publish messages (v2.md sections 2.8 and 3.9).

use std::sync::Arc;

use super::id::{AccountName, MessageId, ScheduleId};
use super::publish::{Target, ToDestination};
use super::spec::{BodyRef, BodySource};
use super::time::Timestamp;
use crate::engine::error::Error;
use crate::engine::syntax::cron::Cron;

/// A schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// Whose it is.
    pub account: AccountName,
    /// Its name, unique in the account.
    pub id: ScheduleId,
    /// When it publishes.
    pub cron: Arc<Cron>,
    /// Where it publishes to, and what else is said.
    pub to: Arc<ToDestination>,
    /// The body of each message.
    pub body: BodyRef,
    /// When it was made; an overwritten schedule keeps it.
    pub created_at: Timestamp,
    /// While it is paused, its times pass unused.
    pub paused: bool,
    /// When it last published.
    pub last_at: Option<Timestamp>,
    /// When it publishes next; `None`: never again.
    pub next_at: Option<Timestamp>,
    /// What became of the messages made last.
    pub last_states: Vec<(MessageId, ScheduleState)>,
    /// Why it made none the last time.
    pub error: Option<Arc<Error>>,
}

/// A schedule as callers see it, with the body of its messages.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleView {
    /// The schedule.
    pub schedule: Schedule,
    /// The body of each message.
    pub body: BodySource,
}

/// How far a message of a schedule has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScheduleState {
    /// Not finished.
    InProgress,
    /// Delivered.
    Success,
    /// Failed or cancelled.
    Fail,
}

/// A schedule to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct PutSchedule {
    /// Its name; a new one is made up if absent. A known one is overwritten whole.
    pub id: Option<ScheduleId>,
    /// When it publishes.
    pub cron: Cron,
    /// Where to, and what else is said. The defaults of a URL group are those of the moment when the schedule is made.
    pub to: Target,
    /// The body of each message.
    pub body: bytes::Bytes,
}

/// What can be done with schedules.
#[derive(Clone, Debug)]
pub enum ScheduleAction {
    /// Make or overwrite one. Answers `Reply::ScheduleId`.
    Put(Box<PutSchedule>),
    /// A page of them by name. Answers `Reply::Schedules`.
    List {
        /// Only names after this one.
        after: Option<ScheduleId>,
        /// At most so many.
        limit: usize,
    },
    /// Answers `Reply::Schedules` with one.
    Get(ScheduleId),
    /// Messages that it made go on. Answers `Reply::Done`.
    Delete(ScheduleId),
    /// Answers `Reply::Done`.
    SetPaused(ScheduleId, bool),
}

impl ScheduleAction {
    /// Whether it only looks.
    pub(crate) const fn is_read(&self) -> bool {
        match self {
            Self::List { .. } | Self::Get(_) => true,
            Self::Put(_) | Self::Delete(_) | Self::SetPaused(..) => false,
        }
    }
}
