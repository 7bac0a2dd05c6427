//! Encoding replies in v2's form (v2.md section 2.15): empty fields are left out, times are in milliseconds since the
//! Unix epoch.

mod log;
mod message;
mod parts;
mod schedule;

use axum::response::Response;
use http::StatusCode;

use super::super::json::Json;
use super::error::Refusal;
use crate::engine::{
    FlowKeyView, Published, PublishedMessage, QueueView, RowId, ScheduleId, SigningKeys, Timestamp,
    UrlGroup,
};
use crate::text::v2_message_id;

pub(super) use log::{event_name, log};
pub(super) use message::{dead_letter, dead_letters, message};
pub(super) use schedule::{schedule, schedules};

/// The answer of operations that have no content to return.
pub(super) fn empty() -> Response {
    Json::object(|_| {}).into_ok()
}

pub(super) fn count(name: &'static str, count: usize) -> Response {
    Json::object(|json| json.key(name).integer(count as u64)).into_ok()
}

/// Encodes the result of a publish. The status is 201, and 202 if all messages were deduplicated.
pub(super) fn published(published: &Published) -> Response {
    let (json, status) = match published {
        Published::One(one) => {
            let json = Json::object(|json| write_one(json, one));
            (json, status_of(one.deduplicated))
        }
        Published::Group(all) => {
            let duplicates = !all.is_empty() && all.iter().all(|one| one.deduplicated);
            (
                Json::array(|json| write_group(json, all)),
                status_of(duplicates),
            )
        }
    };
    json.into_response(status)
}

fn status_of(duplicate: bool) -> StatusCode {
    if duplicate {
        StatusCode::ACCEPTED
    } else {
        StatusCode::CREATED
    }
}

/// Encodes the results of a batch: for each item an object, or an array for a URL group.
pub(super) fn batch(outcomes: impl Iterator<Item = Result<Published, Refusal>>) -> Response {
    let json = Json::array(|json| {
        for outcome in outcomes {
            match outcome {
                Ok(Published::One(one)) => json.members(|json| write_one(json, &one)),
                Ok(Published::Group(all)) => {
                    json.items(&all, |json, one| json.members(|json| write_to(json, one)));
                }
                Err(error) => json.members(|json| error.write(json)),
            }
        }
    });
    json.into_ok()
}

fn write_one(json: &mut Json, one: &PublishedMessage) {
    json.key("messageId").text(&v2_message_id(one.id));
    if one.deduplicated {
        json.key("deduplicated").boolean(true);
    }
}

fn write_group(json: &mut Json, all: &[PublishedMessage]) {
    for one in all {
        json.members(|json| write_to(json, one));
    }
}

fn write_to(json: &mut Json, one: &PublishedMessage) {
    json.key("messageId").text(&v2_message_id(one.id));
    if let Some(url) = &one.url {
        json.key("url").text(url);
    }
    if one.deduplicated {
        json.key("deduplicated").boolean(true);
    }
}

pub(super) fn retried(sent: &PublishedMessage) -> Response {
    Json::object(|json| write_one(json, sent)).into_response(StatusCode::CREATED)
}

/// Encodes the messages that dead letters became. On the last page the cursor is empty, not absent; Upstash's service
/// does so only here.
pub(super) fn all_retried(sent: &[PublishedMessage], next: Option<RowId>) -> Response {
    let json = Json::object(|json| {
        json.key("responses")
            .items(sent, |json, one| json.members(|json| write_one(json, one)));
        let cursor = next.map(|next| next.to_string()).unwrap_or_default();
        json.key("cursor").text(&cursor);
    });
    json.into_response(StatusCode::CREATED)
}

pub(super) fn deleted(count: usize, next: Option<RowId>) -> Response {
    let json = Json::object(|json| {
        json.key("deleted").integer(count as u64);
        parts::cursor(json, next);
    });
    json.into_ok()
}

pub(super) fn queue(queue: &QueueView) -> Response {
    Json::object(|json| write_queue(json, queue)).into_ok()
}

pub(super) fn queues(queues: &[QueueView]) -> Response {
    list(queues, write_queue)
}

fn write_queue(json: &mut Json, queue: &QueueView) {
    json.key("name").text(queue.name.as_str());
    json.key("createdAt").integer(queue.created_at.as_millis());
    json.key("updatedAt").integer(queue.updated_at.as_millis());
    json.key("parallelism")
        .integer(queue.settings.parallelism.into());
    json.key("paused").boolean(queue.settings.paused);
    json.key("lag").integer(queue.pending);
}

/// Encodes the result of creating a schedule. The status is 202 if the creation was deduplicated.
pub(super) fn schedule_put(id: &ScheduleId, deduplicated: bool) -> Response {
    let status = if deduplicated {
        StatusCode::ACCEPTED
    } else {
        StatusCode::OK
    };
    Json::object(|json| json.key("scheduleId").text(id.as_str())).into_response(status)
}

pub(super) fn url_group(group: &UrlGroup) -> Response {
    Json::object(|json| write_url_group(json, group)).into_ok()
}

pub(super) fn url_groups(groups: &[UrlGroup]) -> Response {
    list(groups, write_url_group)
}

fn write_url_group(json: &mut Json, group: &UrlGroup) {
    json.key("name").text(group.name.as_str());
    json.key("createdAt").integer(group.created_at.as_millis());
    json.key("updatedAt").integer(group.updated_at.as_millis());
    json.key("endpoints")
        .items(group.endpoints.iter(), |json, endpoint| {
            json.members(|json| {
                json.key("url").text(&endpoint.url);
                if let Some(name) = &endpoint.name {
                    json.key("name").text(name);
                }
            });
        });
}

pub(super) fn flow_key(key: &FlowKeyView) -> Response {
    Json::object(|json| write_flow_key(json, key)).into_ok()
}

pub(super) fn flow_keys(keys: &[FlowKeyView]) -> Response {
    list(keys, write_flow_key)
}

/// Encodes a flow-control key. All fields are present; 0 means no limit, or no window yet.
fn write_flow_key(json: &mut Json, view: &FlowKeyView) {
    let key = &view.key;
    json.key("flowControlKey").text(&key.id.key);
    json.key("waitListSize").integer(view.waiting as u64);
    json.key("parallelismMax")
        .integer(key.parallelism.unwrap_or(0).into());
    json.key("parallelismCount").integer(view.calls.into());
    json.key("rateMax").integer(key.rate.unwrap_or(0).into());
    json.key("rateCount").integer(key.rate_count.into());
    json.key("ratePeriod").integer(key.period.as_secs());
    let start = key.window_start.map_or(0, Timestamp::as_secs);
    json.key("ratePeriodStart").integer(start);
    json.key("isPaused").boolean(key.paused);
    json.key("isPinnedParallelism")
        .boolean(key.pinned_parallelism);
    json.key("isPinnedRate").boolean(key.pinned_rate);
}

/// Encodes the account's parallelism. No limit is written as the largest number that every SDK can hold.
pub(super) fn global_parallelism(max: Option<u64>, count: u32) -> Response {
    let json = Json::object(|json| {
        json.key("parallelismMax")
            .integer(max.unwrap_or(i32::MAX as u64));
        json.key("parallelismCount").integer(count.into());
    });
    json.into_ok()
}

pub(super) fn signing_keys(keys: &SigningKeys) -> Response {
    let json = Json::object(|json| {
        json.key("current").text(&keys.current);
        json.key("next").text(&keys.next);
    });
    json.into_ok()
}

/// A bare array.
fn list<T>(items: &[T], write: impl Fn(&mut Json, &T)) -> Response {
    let json = Json::array(|json| {
        for item in items {
            json.members(|json| write(json, item));
        }
    });
    json.into_ok()
}
