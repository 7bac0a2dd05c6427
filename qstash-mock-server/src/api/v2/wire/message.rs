//! A pending message, and a dead letter, which is one with the last answer.

use axum::response::Response;

use super::super::super::json::Json;
use super::parts;
use crate::engine::{DlqView, Message, Own, OwnMessage, QueueName, RowId, ScheduleId};
use crate::text::hosted_message_id;

pub(in super::super) fn message(found: &OwnMessage) -> Response {
    Json::object(|json| write_message(json, &found.message, &found.body)).into_ok()
}

pub(in super::super) fn dead_letter(found: &DlqView) -> Response {
    Json::object(|json| write_dead_letter(json, found)).into_ok()
}

pub(in super::super) fn dead_letters(found: &[DlqView], next: Option<RowId>) -> Response {
    let json = Json::object(|json| {
        json.key("messages").items(found, |json, entry| {
            json.members(|json| write_dead_letter(json, entry));
        });
        parts::cursor(json, next);
    });
    json.into_ok()
}

fn write_message(json: &mut Json, message: &Message, body: &[u8]) {
    let Some(own) = message.own() else {
        return;
    };
    let redaction = own.redaction.as_deref();
    json.key("messageId").text(&hosted_message_id(message.id));
    write_origin(json, own);
    json.key("url").text(&own.url);
    json.key("method").text(own.method.as_str());
    json.key("header");
    parts::write_headers(json, message.headers.iter(), redaction);
    parts::write_body(json, "body", "bodyBase64", body, redaction);
    json.key("maxRetries").integer(own.max_retries.into());
    json.key("notBefore").integer(message.due_at.as_millis());
    json.key("createdAt")
        .integer(message.published_at.as_millis());
    parts::write_callback(
        json,
        ("callback", "callbackHeader"),
        own.callback.as_deref(),
        redaction,
    );
    let failure = ("failureCallback", "failureCallbackHeader");
    parts::write_callback(json, failure, own.failure_callback.as_deref(), redaction);
    parts::write_text(
        json,
        "queueName",
        message.queue_name().map(QueueName::as_str),
    );
    parts::write_text(json, "callerIP", own.caller_ip.as_deref());
    parts::write_labels(json, &own.labels);
    parts::write_flow_control(json, own.flow_control.as_deref());
    let expression = own.retry_delay.as_ref().map(|delay| delay.as_str());
    parts::write_text(json, "retryDelayExpression", expression);
}

/// Where the message came from besides its publisher.
pub(super) fn write_origin(json: &mut Json, own: &Own) {
    if let Some((group, endpoint)) = &own.group {
        json.key("topicName").text(group.as_str());
        parts::write_text(json, "endpointName", endpoint.as_deref());
    }
    parts::write_text(
        json,
        "scheduleId",
        own.schedule.as_ref().map(ScheduleId::as_str),
    );
    parts::write_text(json, "api", own.api.as_deref());
}

fn write_dead_letter(json: &mut Json, view: &DlqView) {
    let entry = &view.entry;
    json.key("dlqId").text(&entry.id.to_string());
    write_message(json, &entry.message, &view.body);
    // 0 where there was no answer: an SDK reads it unconditionally.
    let response = entry.response.as_deref();
    json.key("responseStatus")
        .integer(response.map_or(0, |it| it.status).into());
    if let Some(response) = response {
        parts::write_response_headers(json, "responseHeader", &response.headers);
        parts::write_body(
            json,
            "responseBody",
            "responseBodyBase64",
            &response.body,
            None,
        );
    }
}
