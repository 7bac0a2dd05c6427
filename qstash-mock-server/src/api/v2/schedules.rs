//! Schedules (v2.md section 2.8).

use axum::body::Body;
use bytes::Bytes;

use super::super::limits::Expected;
use super::Answer;
use super::call::{Call, unexpected};
use super::destination::Destination;
use super::error::Refusal;
use super::publish::target;
use super::settings::{RequestKind, Settings};
use super::wire;
use crate::engine::{PartialSettings, PutSchedule, Reply, ScheduleAction, ScheduleId};

/// How many schedules one command to the engine asks for.
const PAGE: usize = 200;

pub(super) async fn create(call: Call, body: Body, destination: &str) -> Answer {
    let destination = Destination::parse(destination, call.query())?;
    let lines = call.lines()?;
    let body = call.body(body, Expected::V2Message).await?;
    let settings = Settings::read(&lines, RequestKind::Schedule)?;
    let Some(cron) = settings.cron else {
        return Err(Refusal::of("Upstash-Cron", "must be set for a schedule"));
    };
    let id = settings.schedule_id;
    let given = PartialSettings {
        caller_ip: call.caller_ip(),
        ..settings.given
    };
    let put = PutSchedule {
        id: id.and_then(|id| ScheduleId::parse(&id)),
        cron,
        to: target(destination, settings.queue, given)?,
        body: Bytes::clone(&body),
    };
    match call.ask(ScheduleAction::Put(Box::new(put))).await? {
        Reply::SchedulePut { id, deduplicated } => Ok(wire::schedule_put(&id, deduplicated)),
        _ => Err(unexpected()),
    }
}

pub(super) async fn list(call: Call) -> Answer {
    let page = |after| ScheduleAction::List { after, limit: PAGE };
    let read = |reply| match reply {
        Reply::Schedules { schedules, next } => Some((schedules, next)),
        _ => None,
    };
    Ok(wire::schedules(&call.all(page, read).await?))
}

pub(super) async fn get(call: Call, id: String) -> Answer {
    let action = ScheduleAction::Get(known(&id)?);
    match call.ask(action).await? {
        Reply::Schedules { schedules, .. } => match &schedules[..] {
            [schedule] => Ok(wire::schedule(schedule)),
            _ => Err(unexpected()),
        },
        _ => Err(unexpected()),
    }
}

pub(super) async fn delete(call: Call, id: String) -> Answer {
    call.done(ScheduleAction::Delete(known(&id)?)).await
}

pub(super) async fn pause(call: Call, id: String, paused: bool) -> Answer {
    call.done(ScheduleAction::SetPaused(known(&id)?, paused))
        .await
}

fn known(id: &str) -> Result<ScheduleId, Refusal> {
    ScheduleId::parse(id).ok_or_else(|| Refusal::not_found("schedule", id))
}
