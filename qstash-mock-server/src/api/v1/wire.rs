//! Encoding replies in v1's form.

use axum::response::Response;

use super::super::error::ApiError;
use super::super::json::Json;
use super::super::shown;
use super::query::cursor;
use crate::engine::{
    AttemptRecord, Backoff, DeadLetter, Error, LeaseId, MessageId, MessageView, OnAccepted,
    Published, PublishedMessage, QueueName, QueueView, Received, Sequence, SigningSecret, Stage,
    Timestamp,
};
use crate::text::{LEASE_PREFIX, lease_id};

pub(super) fn published(published: &PublishedMessage) -> Response {
    Json::object(|json| write_published(json, published)).into_ok()
}

fn write_published(json: &mut Json, published: &PublishedMessage) {
    write_message_id(json, published.id);
    if published.deduplicated {
        json.key("deduplicated").boolean(true);
    }
}

/// Encodes the results of a batch. `refused` has an entry for each item, `results` one for each item that was not
/// refused by the API.
pub(super) fn batch(
    results: Vec<Result<Published, Error>>,
    refused: Vec<Option<ApiError>>,
) -> Response {
    let mut results = results.into_iter();
    let mut next = || match results.next() {
        Some(result) => result.map_err(ApiError::from),
        None => Err(ApiError::unexpected_reply()),
    };
    let outcomes = refused
        .into_iter()
        .map(|refused| refused.map_or_else(&mut next, Err));
    let body = Json::object(|json| {
        json.key("results").items(outcomes, |json, outcome| {
            json.members(|json| match outcome {
                Ok(published) => {
                    for one in published.messages() {
                        write_published(json, one);
                    }
                }
                Err(error) => error.write(json),
            });
        });
    });
    body.into_ok()
}

pub(super) fn queue(queue: &QueueView) -> Json {
    Json::object(|json| write_queue(json, queue))
}

pub(super) fn queues(queues: &[QueueView], more: bool) -> Response {
    let body = Json::object(|json| {
        json.key("queues").items(queues, |json, queue| {
            json.members(|json| write_queue(json, queue));
        });
        if let Some(last) = queues.last().filter(|_| more) {
            json.key("cursor").text(&cursor(last.name.as_str()));
        }
    });
    body.into_ok()
}

fn write_queue(json: &mut Json, queue: &QueueView) {
    let settings = &queue.settings;
    json.key("name").text(queue.name.as_str());
    let dead_letter_queue = settings.dead_letter_queue.as_ref();
    json.key("dead_letter_queue")
        .maybe(dead_letter_queue, |json, it| json.text(it.as_str()));
    json.key("webhook_url")
        .maybe(settings.webhook_url.as_deref(), Json::text);
    json.key("max_retries").integer(settings.max_retries.into());
    json.key("retry_backoff")
        .members(|json| write_backoff(json, &settings.retry_backoff));
    json.key("visibility_timeout_seconds")
        .seconds(settings.visibility_timeout);
    json.key("delivery_timeout_seconds")
        .seconds(settings.delivery_timeout);
    json.key("parallelism").integer(settings.parallelism.into());
    json.key("on_accepted").text(match settings.on_accepted {
        OnAccepted::Pending => "pending",
        OnAccepted::Done => "done",
    });
    json.key("paused").boolean(settings.paused);
}

fn write_backoff(json: &mut Json, backoff: &Backoff) {
    match backoff {
        Backoff::Exponential {
            base,
            factor,
            max,
            jitter,
        } => {
            json.key("kind").text("exponential");
            json.key("base_seconds").seconds(*base);
            json.key("factor").number(*factor);
            json.key("max_seconds").seconds(*max);
            json.key("jitter").number(*jitter);
        }
        Backoff::Fixed(always) => {
            json.key("kind").text("fixed");
            json.key("seconds").seconds(*always);
        }
        Backoff::List(list) => {
            json.key("kind").text("list");
            json.key("seconds")
                .items(list.iter().copied(), Json::seconds);
        }
    }
}

/// Encodes the removal of a queue, with the number of unfinished messages that were removed.
pub(super) fn deleted(messages: usize) -> Response {
    let body = Json::object(|json| {
        json.key("deleted").boolean(true);
        json.key("purged").integer(messages as u64);
    });
    body.into_ok()
}

pub(super) fn count(name: &'static str, count: usize) -> Response {
    Json::object(|json| json.key(name).integer(count as u64)).into_ok()
}

pub(super) fn received(messages: &[Received]) -> Response {
    let body = Json::object(|json| {
        json.key("messages").items(messages, |json, message| {
            json.members(|json| write_received(json, message));
        });
    });
    body.into_ok()
}

fn write_received(json: &mut Json, message: &Received) {
    write_message_id(json, message.id);
    json.key("queue").text(message.queue.as_str());
    json.key("message").raw(message.body.bytes());
    json.key("attempt").integer(message.attempt.into());
    json.key("lease_id").text(&lease_id(message.lease));
    json.key("lease_expires_at").time(message.expires_at);
    json.key("published_at").time(message.published_at);
    json.key("dead_letter")
        .maybe(message.dead_letter.as_ref(), write_dead_letter);
}

pub(super) fn extended(id: MessageId, expires_at: Timestamp) -> Response {
    let body = Json::object(|json| {
        write_message_id(json, id);
        json.key("lease_expires_at").time(expires_at);
    });
    body.into_ok()
}

/// Encodes the state of a message that its consumer acknowledged or released.
pub(super) fn settled(message: &MessageView) -> Response {
    let body = Json::object(|json| {
        write_message_id(json, message.id);
        write_state(json, message);
    });
    body.into_ok()
}

pub(super) fn cancelled(id: MessageId, cancelled: bool) -> Response {
    let body = Json::object(|json| {
        write_message_id(json, id);
        json.key("cancelled").boolean(cancelled);
    });
    body.into_ok()
}

pub(super) fn message(message: &MessageView) -> Response {
    Json::object(|json| write_message(json, message)).into_ok()
}

pub(super) fn messages(messages: &[MessageView], next: Option<Sequence>) -> Response {
    let body = Json::object(|json| {
        json.key("messages").items(messages, |json, message| {
            json.members(|json| write_message(json, message));
        });
        if let Some(next) = next {
            json.key("cursor").text(&cursor(&next.0.to_string()));
        }
    });
    body.into_ok()
}

fn write_message(json: &mut Json, message: &MessageView) {
    write_message_id(json, message.id);
    json.key("queue")
        .maybe(message.queue.as_ref().map(QueueName::as_str), Json::text);
    write_state(json, message);
    if let Some(body) = &message.body {
        shown::write_body(json.key("message"), message, body.bytes());
    }
    json.key("published_at").time(message.published_at);
    json.key("attempt").integer(message.attempts.into());
    json.key("attempts")
        .items(message.history.iter(), |json, attempt| {
            json.members(|json| write_attempt(json, attempt));
        });
    json.key("headers")
        .members(|json| shown::write_headers(json, message));
    json.key("dead_letter")
        .maybe(message.dead_letter.as_ref(), write_dead_letter);
}

/// Writes the state, and the time that belongs to it.
fn write_state(json: &mut Json, message: &MessageView) {
    json.key("state").text(stage_name(message.stage));
    let (name, time) = match message.stage {
        Stage::Delayed | Stage::Ready => ("visible_at", message.next_at),
        Stage::Leased => ("lease_expires_at", message.next_at),
        Stage::InFlight => ("times_out_at", message.next_at),
        Stage::Delivered | Stage::Failed | Stage::Cancelled => ("finished_at", message.finished_at),
    };
    if let Some(time) = time {
        json.key(name).time(time);
    }
}

fn write_attempt(json: &mut Json, attempt: &AttemptRecord) {
    json.key("attempt").integer(attempt.number.into());
    json.key("queue")
        .maybe(attempt.queue.as_ref().map(QueueName::as_str), Json::text);
    json.key("started_at").time(attempt.started_at);
    json.key("finished_at")
        .maybe(attempt.finished_at, Json::time);
    json.key("status")
        .maybe(attempt.status, |json, it| json.integer(it.into()));
    json.key("error")
        .maybe(attempt.error.as_deref(), Json::text);
    let duration = attempt.finished_at.map(|it| it.since(attempt.started_at));
    json.key("duration_seconds").maybe(duration, Json::seconds);
}

fn write_dead_letter(json: &mut Json, dead: &DeadLetter) {
    json.members(|json| {
        json.key("source_queue").text(dead.source.as_str());
        json.key("time").time(dead.at);
        json.key("attempts").integer(dead.attempts.into());
        json.key("last_status")
            .maybe(dead.last_status, |json, it| json.integer(it.into()));
        json.key("last_error")
            .maybe(dead.last_error.as_deref(), Json::text);
        json.key("last_response_body")
            .text(&String::from_utf8_lossy(&dead.last_body));
    });
}

pub(super) fn signing_secret(secret: &SigningSecret) -> Response {
    let body = Json::object(|json| {
        json.key("current").text(&secret.current);
        json.key("previous")
            .maybe(secret.previous.as_deref(), Json::text);
    });
    body.into_ok()
}

pub(super) const fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Delayed => "delayed",
        Stage::Ready => "ready",
        Stage::InFlight => "in_flight",
        Stage::Leased => "leased",
        Stage::Delivered => "delivered",
        Stage::Failed => "failed",
        Stage::Cancelled => "cancelled",
    }
}

fn write_message_id(json: &mut Json, id: MessageId) {
    let mut spelling = uuid::Uuid::encode_buffer();
    json.key("message_id")
        .plain_text(id.0.hyphenated().encode_lower(&mut spelling));
}

pub(super) fn parse_lease_id(text: &str) -> Option<LeaseId> {
    let digits = text
        .strip_prefix(LEASE_PREFIX)
        .filter(|it| it.len() == 16)?;
    if !digits
        .bytes()
        .all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
    {
        return None;
    }
    u64::from_str_radix(digits, 16).ok().map(LeaseId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_id_has_one_spelling() {
        for lease in [0, 1, 0xabc, u64::MAX].map(LeaseId) {
            assert_eq!(parse_lease_id(&lease_id(lease)), Some(lease));
        }
        for text in [
            "",
            "lse_",
            "lse_1",
            "lse_00000000000000AB",
            "00000000000000ab",
            "lse_+00000000000000a",
        ] {
            assert_eq!(parse_lease_id(text), None, "{text}");
        }
    }
}
