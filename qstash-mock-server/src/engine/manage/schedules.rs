//! Schedules: cron entries that make messages (v2.md sections 2.8 and 3.9).

use std::sync::Arc;

use crate::engine::command::Reply;
use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::id::{AccountName, MessageId, ScheduleId};
use crate::engine::model::message::Stage;
use crate::engine::model::time::Timestamp;
use crate::engine::publish::destination::{Send, Sent};
use crate::engine::quota;
use crate::engine::state::timers::Timer;
use crate::engine::syntax::cron::Cron;

/// A schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// Whose it is.
    pub account: AccountName,
    /// Its name, unique in the account.
    pub id: ScheduleId,
    /// When it makes messages.
    pub cron: Arc<Cron>,
    /// What it sends each time.
    pub send: Arc<Send>,
    /// When it was made; an overwritten schedule keeps it.
    pub created_at: Timestamp,
    /// While it is paused, its times pass unused.
    pub paused: bool,
    /// When it last made messages.
    pub last_at: Option<Timestamp>,
    /// When it makes the next; `None`: never again.
    pub next_at: Option<Timestamp>,
    /// What became of the messages made last.
    pub last_states: Vec<(MessageId, ScheduleState)>,
    /// Why it made none the last time.
    pub error: Option<Arc<str>>,
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
    /// When it makes messages.
    pub cron: Cron,
    /// What it sends each time.
    pub send: Send,
}

/// What can be done with schedules.
#[derive(Clone, Debug)]
pub enum ScheduleAction {
    /// Make or overwrite one. Answers [`Reply::ScheduleId`].
    Put(Box<PutSchedule>),
    /// Answers [`Reply::Schedules`], all of them, by name.
    List,
    /// Answers [`Reply::Schedules`] with one.
    Get(ScheduleId),
    /// Messages that it made go on. Answers [`Reply::Done`].
    Delete(ScheduleId),
    /// Answers [`Reply::Done`].
    SetPaused(ScheduleId, bool),
}

impl Engine {
    pub(crate) fn schedules(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        action: ScheduleAction,
    ) -> Result<Reply, Error> {
        let account = &caller.account;
        match action {
            ScheduleAction::Put(put) => return self.put_schedule(now, caller, *put),
            ScheduleAction::List => {
                caller.check_unlimited(Permission::Manage)?;
                let all = self.state.schedules(account).cloned().collect();
                return Ok(Reply::Schedules(all));
            }
            ScheduleAction::Get(id) => {
                caller.check_unlimited(Permission::Manage)?;
                return Ok(Reply::Schedules(vec![self.schedule(account, &id)?.clone()]));
            }
            ScheduleAction::Delete(id) => {
                caller.check_unlimited(Permission::Manage)?;
                self.schedule(account, &id)?;
                self.state.remove_schedule(account, &id);
            }
            ScheduleAction::SetPaused(id, paused) => {
                caller.check_unlimited(Permission::Manage)?;
                let mut schedule = self.schedule(account, &id)?.clone();
                schedule.paused = paused;
                self.state.put_schedule(schedule);
            }
        }
        Ok(Reply::Done)
    }

    fn schedule(&self, account: &AccountName, id: &ScheduleId) -> Result<&Schedule, Error> {
        self.state
            .schedule(account, id)
            .ok_or_else(|| Error::ScheduleNotFound(id.clone()))
    }

    fn put_schedule(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        mut put: PutSchedule,
    ) -> Result<Reply, Error> {
        let account = &caller.account;
        // No message of a schedule is a second publish of the one before it.
        put.send.settings.deduplication = None;
        caller.check_either(put.send.queue.as_ref(), Permission::Publish)?;
        self.check_quotas(now, put.send.body.len(), &put.send.settings)?;
        if let crate::engine::publish::destination::Destination::Group(name) = &put.send.destination
        {
            self.url_group(account, name)?;
        }
        self.check_held(put.send.cost())?;
        let id = put.id.unwrap_or_else(|| {
            let sequence = self.state.next_sequence();
            self.random.schedule_id(sequence)
        });
        let known = self.state.schedule(account, &id);
        if known.is_none() {
            let count = self.state.schedules(account).count() as u64 + 1;
            quota::check("maxSchedules", count, self.config.quotas.schedules)?;
            if count > self.config.limits.schedules as u64 {
                return Err(Error::Overloaded("too many schedules"));
            }
        }
        let schedule = Schedule {
            account: account.clone(),
            id: id.clone(),
            next_at: put.cron.next_after(now),
            cron: Arc::new(put.cron),
            send: Arc::new(put.send),
            created_at: known.map_or(now, |known| known.created_at),
            paused: known.is_some_and(|known| known.paused),
            last_at: None,
            last_states: vec![],
            error: None,
        };
        self.state.put_schedule(schedule);
        Ok(Reply::ScheduleId(id))
    }

    /// The time of a schedule has come. Times that passed while nobody looked are not made up for.
    pub(crate) fn schedule_due(&mut self, now: Timestamp, account: &AccountName, id: &ScheduleId) {
        let Some(mut schedule) = self.state.schedule(account, id).cloned() else {
            return;
        };
        if schedule.next_at.is_none_or(|next| next > now) {
            return;
        }
        schedule.next_at = schedule.cron.next_after(now);
        if !schedule.paused {
            schedule.last_at = Some(now);
            let send = Arc::clone(&schedule.send);
            let sent = self.send_for(now, account, &send, Some(id.clone()));
            let (made, error) = match sent {
                Ok(Sent::One(one)) => (vec![one], None),
                Ok(Sent::Group(many)) => (many, None),
                Err(error) => (vec![], Some(error.to_string().into())),
            };
            schedule.error = error;
            let states = made.iter().map(|it| (it.id, ScheduleState::InProgress));
            schedule.last_states = states.collect();
        }
        self.state.put_schedule(schedule);
    }

    /// A message that a schedule made is finished.
    pub(crate) fn note_schedule_state(
        &mut self,
        account: &AccountName,
        schedule: &ScheduleId,
        message: MessageId,
        stage: Stage,
    ) {
        let Some(mut schedule) = self.state.schedule(account, schedule).cloned() else {
            return;
        };
        let state = match stage {
            Stage::Delivered => ScheduleState::Success,
            _ => ScheduleState::Fail,
        };
        let mut known = schedule.last_states.iter_mut();
        if let Some(known) = known.find(|(id, _)| *id == message) {
            known.1 = state;
            self.state.put_schedule(schedule);
        }
    }
}

impl Schedule {
    pub(crate) fn timer(&self) -> Option<(Timestamp, Timer)> {
        let timer = Timer::Schedule(self.account.clone(), self.id.clone());
        Some((self.next_at?, timer))
    }
}
