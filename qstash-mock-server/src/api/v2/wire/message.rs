//! A pending message, and a dead letter, which is one with the last answer.

use axum::response::Response;

use super::super::super::json::Json;
use super::parts;
use crate::engine::{
    CarriedRules, DlqView, Message, MessageWithBody, QueueName, RowId, ScheduleId,
};
use crate::text::v2_message_id;

pub(in super::super) fn message(found: &MessageWithBody) -> Response {
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
    let Some(carried) = message.carried() else {
        return;
    };
    let redaction = carried.redaction.as_deref();
    json.key("messageId").text(&v2_message_id(message.id));
    write_origin(json, carried);
    json.key("url").text(&carried.url);
    json.key("method").text(carried.method.as_str());
    json.key("header");
    parts::write_headers(json, message.headers.iter(), redaction);
    parts::write_body(json, "body", "bodyBase64", body, redaction);
    json.key("maxRetries").integer(carried.max_retries.into());
    json.key("notBefore").integer(message.due_at.as_millis());
    json.key("createdAt")
        .integer(message.published_at.as_millis());
    parts::write_callback(
        json,
        ("callback", "callbackHeader"),
        carried.callback.as_deref(),
        redaction,
    );
    let failure = ("failureCallback", "failureCallbackHeader");
    parts::write_callback(
        json,
        failure,
        carried.failure_callback.as_deref(),
        redaction,
    );
    parts::write_text(
        json,
        "queueName",
        message.queue_name().map(QueueName::as_str),
    );
    parts::write_text(json, "callerIP", carried.caller_ip.as_deref());
    parts::write_labels(json, &carried.labels);
    parts::write_flow_control(json, carried.flow_control.as_deref());
    let expression = carried.retry_delay.as_ref().map(|delay| delay.as_str());
    parts::write_text(json, "retryDelayExpression", expression);
}

/// Where the message came from besides its publisher.
pub(super) fn write_origin(json: &mut Json, carried: &CarriedRules) {
    if let Some((group, endpoint)) = &carried.group {
        json.key("topicName").text(group.as_str());
        parts::write_text(json, "endpointName", endpoint.as_deref());
    }
    parts::write_text(
        json,
        "scheduleId",
        carried.schedule.as_ref().map(ScheduleId::as_str),
    );
    parts::write_text(json, "api", carried.api.as_deref());
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
