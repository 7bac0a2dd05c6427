//! Entries of the event log.

use axum::response::Response;

use super::super::super::json::Json;
use super::message::write_origin;
use super::parts;
use crate::engine::{Event, LogView, QueueName, RowId};
use crate::text::v2_message_id;

/// The documentation and the SDKs give the array different names, so it is present under both.
pub(in super::super) fn log(rows: &[LogView], next: Option<RowId>) -> Response {
    let entries = Json::array(|json| {
        for row in rows {
            json.members(|json| write_row(json, row));
        }
    });
    let entries = entries.into_bytes();
    let json = Json::object(|json| {
        json.key("events").raw(&entries);
        json.key("logs").raw(&entries);
        parts::cursor(json, next);
    });
    json.into_ok()
}

/// The state of a log entry, as SDKs spell it.
pub(in super::super) const fn event_name(event: Event) -> &'static str {
    match event {
        Event::Created => "CREATED",
        Event::Active => "ACTIVE",
        Event::Error => "ERROR",
        Event::Retry => "RETRY",
        Event::Delivered => "DELIVERED",
        Event::Failed => "FAILED",
        Event::CancelRequested => "CANCEL_REQUESTED",
        Event::Cancelled => "CANCELED",
        // These events occur only in the log of messages that follow their queue's rules, which v2 does not show.
        Event::DeadLettered => "DEAD_LETTERED",
        Event::Redriven => "REDRIVEN",
    }
}

fn write_row(json: &mut Json, row: &LogView) {
    let Some(carried) = &row.carried else {
        return;
    };
    let redaction = carried.redaction.as_deref();
    json.key("time").integer(row.id.at.as_millis());
    json.key("messageId").text(&v2_message_id(row.message));
    json.key("state").text(event_name(row.event));
    json.key("url").text(&carried.url);
    json.key("method").text(carried.method.as_str());
    parts::write_text(json, "error", row.error.as_deref());
    if let Some(next) = row.next_delivery {
        json.key("nextDeliveryTime").integer(next.as_millis());
    }
    write_origin(json, carried);
    parts::write_text(json, "queueName", row.queue.as_ref().map(QueueName::as_str));
    if !row.headers.is_empty() {
        json.key("header");
        parts::write_headers(json, row.headers.iter(), redaction);
    }
    if let Some(body) = &row.body {
        parts::write_base64(json, "body", body.bytes(), redaction);
    }
    write_response(json, row);
    if let Some(timeout) = carried.timeout {
        let millis = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        json.key("timeout").integer(millis);
    }
    parts::write_callback(
        json,
        ("callback", "callbackHeaders"),
        carried.callback.as_deref(),
        redaction,
    );
    let failure = ("failureCallback", "failureCallbackHeaders");
    parts::write_callback(
        json,
        failure,
        carried.failure_callback.as_deref(),
        redaction,
    );
    json.key("maxRetries").integer(carried.max_retries.into());
    // One SDK reads the short name, the documentation has the long one.
    let expression = carried.retry_delay.as_ref().map(|delay| delay.as_str());
    parts::write_text(json, "retryDelayExpr", expression);
    parts::write_text(json, "retryDelayExpression", expression);
    parts::write_labels(json, &carried.labels);
    parts::write_flow_control(json, carried.flow_control.as_deref());
    parts::write_text(json, "callerIP", carried.caller_ip.as_deref());
}

/// Writes the headers under two names, because an SDK and the documentation differ.
fn write_response(json: &mut Json, row: &LogView) {
    let Some(response) = &row.response else {
        return;
    };
    json.key("responseStatus").integer(response.status.into());
    parts::write_base64(json, "responseBody", &response.body, None);
    parts::write_response_headers(json, "responseHeader", &response.headers);
    parts::write_response_headers(json, "responseHeaders", &response.headers);
}
