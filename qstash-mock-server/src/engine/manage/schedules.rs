//! Schedules: cron entries that publish messages (v2.md sections 2.8 and 3.9).

use std::sync::Arc;

use crate::engine::access::check_quota;
use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::manage::page::{Seen, page};
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::cost::Overhead;
use crate::engine::model::entity::{DedupKeyId, FirstWithKey};
use crate::engine::model::id::{AccountName, MessageId, ScheduleId};
use crate::engine::model::message::Stage;
use crate::engine::model::partial_settings::PartialSettings;
use crate::engine::model::publish::{Destination, Published};
use crate::engine::model::schedule::{
    PutSchedule, Schedule, ScheduleAction, ScheduleState, ScheduleView,
};
use crate::engine::model::spec::BodyRef;
use crate::engine::model::time::Timestamp;
use crate::engine::publish::drafts::Content;
use crate::engine::quota::QuotaKind;
use crate::engine::reply::Reply;

impl Engine {
    pub(crate) fn schedules(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        action: ScheduleAction,
    ) -> Result<Reply, Error> {
        match action {
            ScheduleAction::Put(put) => self.put_schedule(now, caller, *put),
            ScheduleAction::List { after, limit } => {
                caller.check_account(Permission::Manage)?;
                let all = self.state.schedules_after(&caller.account, after.as_ref());
                let (schedules, next) = page(all, limit, limit, |schedule| Seen {
                    cursor: schedule.id.clone(),
                    effort: 1,
                    shown: Some(view(schedule)),
                });
                Ok(Reply::Schedules { schedules, next })
            }
            ScheduleAction::Get(id) => {
                let schedules = vec![view(self.schedule_for(caller, &id)?)];
                let next = None;
                Ok(Reply::Schedules { schedules, next })
            }
            ScheduleAction::Delete(id) => {
                let key = self.schedule_for(caller, &id)?.key.clone();
                self.state.remove_schedule(&caller.account, &id);
                self.forget_key_of_schedule(&caller.account, &id, key);
                Ok(Reply::Done)
            }
            ScheduleAction::SetPaused(id, paused) => {
                let mut schedule = self.schedule_for(caller, &id)?.clone();
                schedule.paused = paused;
                self.state.put_schedule(schedule);
                Ok(Reply::Done)
            }
        }
    }

    /// The caller's schedule, if it exists and the caller may manage it.
    fn schedule_for(&self, caller: &Caller, id: &ScheduleId) -> Result<&Schedule, Error> {
        caller.check_account(Permission::Manage)?;
        let known = self.state.schedule(&caller.account, id);
        known.ok_or_else(|| Error::ScheduleNotFound(id.clone()))
    }

    fn put_schedule(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        put: PutSchedule,
    ) -> Result<Reply, Error> {
        let PutSchedule { id, cron, to, body } = put;
        let account = &caller.account;
        caller.check_either(to.queue(), Permission::Publish)?;
        let mut to = self.settle(account, to, PartialSettings::complete_for_schedule)?;
        self.check_quotas(now, body.len(), &to.settings)?;
        if let Destination::Group(name) = &to.destination {
            self.known_url_group(account, name)?;
        }
        // Who names the schedule says which one is meant, so nothing else decides it.
        let key = Self::schedule_key(account, &to, &body).filter(|_| id.is_none());
        if let Some(first) = self.first_schedule_with_key(key.as_ref()) {
            return Ok(Reply::SchedulePut {
                id: first,
                deduplicated: true,
            });
        }
        // Messages of a schedule are not deduplicated against each other.
        to.settings.deduplication = None;
        let cost = Schedule::cost_of(id.as_ref(), &cron, &to, body.len());
        self.check_room_for_schedule(account, id.as_ref(), cost, key.as_ref())?;
        let id = id.unwrap_or_else(|| {
            let sequence = self.state.next_sequence();
            self.random.schedule_id(sequence.0)
        });
        let known = self.state.schedule(account, &id);
        let (created_at, paused) = known.map_or((now, false), |it| (it.created_at, it.paused));
        let text = key.as_ref().map(|key| Arc::clone(&key.text));
        let text = text.or_else(|| known?.key.clone());
        let (id_of_body, length) = (self.state.next_body_id(), body.len());
        self.ensure_account(account);
        if let Some(key) = key {
            self.remember(now, key, FirstWithKey::Schedule(id.clone()));
        }
        self.state.put_body(id_of_body, body);
        self.state.put_schedule(Schedule {
            account: account.clone(),
            id: id.clone(),
            next_at: cron.next_after(now),
            cron: Arc::new(cron),
            to: Arc::new(to),
            body: BodyRef::new(id_of_body, length),
            key: text,
            created_at,
            paused,
            last_at: None,
            last_states: vec![],
            error: None,
        });
        self.state.let_go_body(id_of_body);
        Ok(Reply::SchedulePut {
            id,
            deduplicated: false,
        })
    }

    fn check_room_for_schedule(
        &self,
        account: &AccountName,
        known: Option<&ScheduleId>,
        cost: usize,
        key: Option<&DedupKeyId>,
    ) -> Result<(), Error> {
        let known = known.and_then(|id| self.state.schedule(account, id));
        if known.is_none() {
            let count = self.state.schedule_count(account) as u64 + 1;
            check_quota(QuotaKind::Schedules, count, self.config.quotas.schedules)?;
            if count > self.config.limits.schedules as u64 {
                return Err(Error::Overloaded("too many schedules"));
            }
        }
        self.check_account(account)?;
        // The text of a key is held twice, by the schedule and by the key.
        let cost_of_key = key.map_or(0, |key| 2 * key.text.len() + Overhead::KEY);
        self.check_room_for_keys(usize::from(key.is_some()))?;
        self.check_held(cost_of_key + cost.saturating_sub(known.map_or(0, Schedule::cost)))
    }

    /// Runs a schedule whose time has come, and returns how many messages it made. Runs that were missed do not happen
    /// later.
    pub(crate) fn schedule_due(
        &mut self,
        now: Timestamp,
        account: &AccountName,
        id: &ScheduleId,
    ) -> usize {
        let known = self.state.schedule(account, id);
        let is_due = |it: &&Schedule| it.next_at.is_some_and(|next| next <= now);
        let Some(mut schedule) = known.filter(is_due).cloned() else {
            return 0;
        };
        let mut count = 0;
        let due = schedule.next_at.unwrap_or(now);
        schedule.next_at = schedule.cron.next_run(due, now);
        if !schedule.paused {
            schedule.last_at = Some(now);
            let content = Content::Known(schedule.body.clone());
            let to = Arc::clone(&schedule.to);
            let published = self.publish_to(now, account, &to, content, Some(id));
            let made = match &published {
                Ok(published) => Published::messages(published),
                Err(_) => &[],
            };
            count = made.len();
            let states = made.iter().map(|it| (it.id, ScheduleState::InProgress));
            schedule.last_states = states.collect();
            schedule.error = published.err().map(Arc::new);
        }
        self.state.put_schedule(schedule);
        count
    }

    /// Notes in a schedule that a message which it published is finished.
    pub(crate) fn note_schedule_state(
        &mut self,
        account: &AccountName,
        schedule: &ScheduleId,
        message: MessageId,
        stage: Stage,
    ) {
        let state = match stage {
            Stage::Delivered => ScheduleState::Success,
            _ => ScheduleState::Fail,
        };
        self.state.set_last_state(account, schedule, message, state);
    }
}

fn view(schedule: &Schedule) -> ScheduleView {
    ScheduleView {
        body: schedule.body.source(),
        schedule: schedule.clone(),
    }
}
