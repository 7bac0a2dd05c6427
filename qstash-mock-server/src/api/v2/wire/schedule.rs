//! Schedules.

use axum::response::Response;

use super::super::super::json::Json;
use super::super::error::Refusal;
use super::parts;
use crate::engine::{Destination, QueueName, Schedule, ScheduleState, ScheduleView, Settings};
use crate::text::v2_message_id;

pub(in super::super) fn schedule(schedule: &ScheduleView) -> Response {
    Json::object(|json| write_schedule(json, schedule)).into_ok()
}

pub(in super::super) fn schedules(schedules: &[ScheduleView]) -> Response {
    super::list(schedules, write_schedule)
}

fn write_schedule(json: &mut Json, view: &ScheduleView) {
    let schedule = &view.schedule;
    let to = &schedule.to;
    let settings = &to.settings;
    let redaction = settings.redaction.as_deref();
    json.key("scheduleId").text(schedule.id.as_str());
    json.key("cron").text(schedule.cron.as_str());
    match &to.destination {
        Destination::Url(url) => json.key("destination").text(url),
        Destination::Group(name) => json.key("destination").text(name.as_str()),
        Destination::Api { name, .. } => json.key("destination").text(&format!("api/{name}")),
    }
    json.key("createdAt")
        .integer(schedule.created_at.as_millis());
    json.key("method")
        .text(settings.method.unwrap_or_default().as_str());
    let headers = settings.headers.as_deref().unwrap_or_default();
    if !headers.is_empty() {
        json.key("header");
        parts::write_headers(json, headers, redaction);
    }
    parts::write_body(json, "body", "bodyBase64", view.body.bytes(), redaction);
    let retries = settings.max_retries.unwrap_or(Settings::DEFAULT_RETRIES);
    json.key("retries").integer(retries.into());
    for (name, span) in [("delay", settings.delay), ("timeout", settings.timeout)] {
        if let Some(span) = span {
            json.key(name).integer(span.as_secs());
        }
    }
    parts::write_callback(
        json,
        ("callback", "callbackHeader"),
        settings.callback.as_deref(),
        redaction,
    );
    let failure = ("failureCallback", "failureCallbackHeader");
    parts::write_callback(
        json,
        failure,
        settings.failure_callback.as_deref(),
        redaction,
    );
    parts::write_text(json, "queueName", to.queue.as_ref().map(QueueName::as_str));
    parts::write_text(json, "callerIP", settings.caller_ip.as_deref());
    json.key("isPaused").boolean(schedule.paused);
    parts::write_flow_control(json, settings.flow_control.as_deref());
    let expression = settings.retry_delay.as_ref().map(|delay| delay.as_str());
    parts::write_text(json, "retryDelayExpression", expression);
    parts::write_labels(json, settings.labels.as_deref().unwrap_or_default());
    write_runs(json, schedule);
}

/// Writes the last and the next run of a schedule.
fn write_runs(json: &mut Json, schedule: &Schedule) {
    let times = [
        ("lastScheduleTime", schedule.last_at),
        ("nextScheduleTime", schedule.next_at),
    ];
    for (name, time) in times {
        if let Some(time) = time {
            json.key(name).integer(time.as_millis());
        }
    }
    if !schedule.last_states.is_empty() {
        json.key("lastScheduleStates").members(|json| {
            for (message, state) in &schedule.last_states {
                json.text_key(&v2_message_id(*message));
                json.text(match state {
                    ScheduleState::InProgress => "IN_PROGRESS",
                    ScheduleState::Success => "SUCCESS",
                    ScheduleState::Fail => "FAIL",
                });
            }
        });
    }
    if let Some(error) = schedule.error.as_deref() {
        let sentence = Refusal::from(error.clone()).into_sentence();
        json.key("error").text(&sentence);
    }
}
