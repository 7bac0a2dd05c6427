//! A pending message, and a dead letter, which is a message with the last answer.

use axum::response::Response;

use super::super::super::json::Json;
use super::parts;
use crate::engine::{
    BodySource, CarriedRules, DeadLetterView, Headers, MessageId, MessageView, QueueName, RowId,
    ScheduleId, Timestamp,
};
use crate::text::v2_message_id;

pub(in super::super) fn message(found: &MessageView) -> Response {
    let shown = found.carried.as_deref().map(|carried| Shown {
        id: found.id,
        carried,
        headers: &found.headers,
        queue: found.queue.as_ref(),
        published_at: found.published_at,
        due_at: found.due_at,
        body: found.body.as_ref(),
    });
    Json::object(|json| {
        if let Some(shown) = shown {
            write_message(json, &shown);
        }
    })
    .into_ok()
}

pub(in super::super) fn dead_letter(found: &DeadLetterView) -> Response {
    Json::object(|json| write_dead_letter(json, found)).into_ok()
}

pub(in super::super) fn dead_letters(found: &[DeadLetterView], next: Option<RowId>) -> Response {
    let json = Json::object(|json| {
        json.key("messages").items(found, |json, entry| {
            json.members(|json| write_dead_letter(json, entry));
        });
        parts::cursor(json, next);
    });
    json.into_ok()
}

/// The fields that a message and a dead letter have in common.
struct Shown<'a> {
    id: MessageId,
    carried: &'a CarriedRules,
    headers: &'a Headers,
    queue: Option<&'a QueueName>,
    published_at: Timestamp,
    due_at: Timestamp,
    body: Option<&'a BodySource>,
}

fn write_message(json: &mut Json, message: &Shown<'_>) {
    let carried = message.carried;
    let body: &[u8] = message.body.map_or(b"", |body| body.bytes());
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
    parts::write_text(json, "queueName", message.queue.map(QueueName::as_str));
    parts::write_text(json, "callerIP", carried.caller_ip.as_deref());
    parts::write_labels(json, &carried.labels);
    parts::write_flow_control(json, carried.flow_control.as_deref());
    let expression = carried.retry_delay.as_ref().map(|delay| delay.as_str());
    parts::write_text(json, "retryDelayExpression", expression);
}

/// Writes the URL group, the schedule and the built-in API that a message came from.
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

fn write_dead_letter(json: &mut Json, view: &DeadLetterView) {
    json.key("dlqId").text(&view.id.to_string());
    let shown = Shown {
        id: view.message,
        carried: &view.carried,
        headers: &view.headers,
        queue: view.queue.as_ref(),
        published_at: view.published_at,
        due_at: view.due_at,
        body: Some(&view.body),
    };
    write_message(json, &shown);
    // 0 if there was no answer, because an SDK reads the field unconditionally.
    let response = view.response.as_deref();
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
