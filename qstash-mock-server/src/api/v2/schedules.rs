//! Schedules (v2.md section 2.8).

use super::super::limits::Expected;
use super::Answer;
use super::call::{Call, unexpected};
use super::destination::Destination;
use super::error::Refusal;
use super::publish::{Decoder, named};
use super::settings::Place;
use super::wire;
use crate::engine::{Action, PutSchedule, Reply, ScheduleAction, ScheduleId, Send};
use axum::body::Body;
use bytes::Bytes;

pub(super) async fn create(call: Call, body: Body, destination: &str) -> Answer {
    let destination = Destination::parse(destination, call.query())?;
    let lines = call.lines()?;
    let body = call.body(body, Expected::V2Message).await?;
    let decoder = Decoder {
        call: &call,
        place: Place::Schedule,
    };
    let mut given = decoder.read(&destination, None, &lines).await?;
    let Some(cron) = given.cron.take() else {
        return Err(Refusal::of("Upstash-Cron", "must be set for a schedule"));
    };
    let id = given
        .schedule_id
        .take()
        .and_then(|id| ScheduleId::parse(&id));
    let queue = given.queue.take();
    let settings = given.into_engine(Place::Schedule, call.caller_ip())?;
    let put = PutSchedule {
        id,
        cron,
        send: Send {
            destination: named(destination, &settings)?,
            queue,
            body: Bytes::clone(&body),
            settings,
        },
    };
    match call
        .ask(Action::Schedules(ScheduleAction::Put(Box::new(put))))
        .await?
    {
        Reply::ScheduleId(id) => Ok(wire::schedule_id(&id)),
        _ => Err(unexpected()),
    }
}

pub(super) async fn list(call: Call) -> Answer {
    match call.ask(Action::Schedules(ScheduleAction::List)).await? {
        Reply::Schedules(schedules) => Ok(wire::schedules(&schedules)),
        _ => Err(unexpected()),
    }
}

pub(super) async fn get(call: Call, id: String) -> Answer {
    let action = ScheduleAction::Get(known(&id)?);
    match call.ask(Action::Schedules(action)).await? {
        Reply::Schedules(found) => match &found[..] {
            [schedule] => Ok(wire::schedule(schedule)),
            _ => Err(unexpected()),
        },
        _ => Err(unexpected()),
    }
}

pub(super) async fn delete(call: Call, id: String) -> Answer {
    done(&call, ScheduleAction::Delete(known(&id)?)).await
}

pub(super) async fn pause(call: Call, id: String, paused: bool) -> Answer {
    done(&call, ScheduleAction::SetPaused(known(&id)?, paused)).await
}

async fn done(call: &Call, action: ScheduleAction) -> Answer {
    match call.ask(Action::Schedules(action)).await? {
        Reply::Done => Ok(wire::empty()),
        _ => Err(unexpected()),
    }
}

fn known(id: &str) -> Result<ScheduleId, Refusal> {
    ScheduleId::parse(id).ok_or_else(|| Refusal::not_found("schedule", id))
}
