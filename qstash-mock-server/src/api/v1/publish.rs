//! Publishing: `POST /v1/publish` and `POST /v1/publish/batch`.

use std::time::Duration;

use axum::extract::{Request, State};
use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use serde_json::value::RawValue;

use super::super::ApiState;
use super::super::auth::Identity;
use super::super::decode::{Object, array, integer, is_deeper, queue_name, seconds, text};
use super::super::error::ApiError;
use super::super::limits::{
    BATCH_ITEMS, Expected, HEADER_BYTES, HEADERS, IDEMPOTENCY_KEY_BYTES, Limits, MESSAGE_DEPTH,
};
use super::{Answer, wire};
use crate::engine::{self, Action, Headers, Reply, ToQueue};

pub(in crate::api) async fn one(
    State(api): State<ApiState>,
    Identity(caller): Identity,
    request: Request,
) -> Answer {
    let trace = trace(request.headers());
    let body = api.body(request, Expected::Publish).await?;
    let mut publish = decode(&Object::of_body(&body, FIELDS)?, &body, api.limits())?;
    if let Some(trace) = &trace {
        join(&mut publish, trace);
    }
    match api.call(caller, publish.into_engine()).await? {
        Reply::Published(engine::Published::One(published)) => Ok(wire::published(&published)),
        _ => Err(ApiError::unexpected_reply()),
    }
}

pub(in crate::api) async fn batch(
    State(api): State<ApiState>,
    Identity(caller): Identity,
    request: Request,
) -> Answer {
    let trace = trace(request.headers());
    let body = api.body(request, Expected::Batch).await?;
    let (mut good, refused) = decode_batch(&body, api.limits())?;
    drop(body);
    if let Some(trace) = &trace {
        good.iter_mut().for_each(|publish| join(publish, trace));
    }
    match api
        .call(
            caller,
            Action::PublishBatch(good.into_iter().map(Publish::into_engine).collect()),
        )
        .await?
    {
        Reply::Batch { results, .. } => Ok(wire::batch(results, refused)),
        _ => Err(ApiError::unexpected_reply()),
    }
}

/// Decodes one message.
pub(super) struct Publish {
    to: ToQueue,
    body: Bytes,
}

impl Publish {
    pub(super) fn into_engine(self) -> engine::Publish {
        engine::Publish::to_queue(self.to, self.body)
    }
}

const TRACEPARENT: &str = "traceparent";

/// The trace that a request belongs to, in the form of W3C Trace Context. A malformed one is ignored.
fn trace(headers: &HeaderMap) -> Option<String> {
    let given = headers.get(TRACEPARENT)?.to_str().ok()?;
    let mut parts = given.split('-');
    let mut part = |length| {
        let part = parts.next().filter(|part| part.len() == length);
        part.filter(|part| {
            part.bytes()
                .all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
        })
    };
    let (version, trace, parent, _flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
    let named = |id: &str| id.bytes().any(|it| it != b'0');
    let whole = version != "ff" && named(trace) && named(parent) && parts.next().is_none();
    whole.then(|| given.to_owned())
}

/// Adds the headers of `trace` to a message, unless its publisher has given other ones.
fn join(publish: &mut Publish, trace: &str) {
    if publish
        .to
        .headers
        .iter()
        .all(|(name, _)| name != TRACEPARENT)
    {
        let context = (TRACEPARENT.to_owned(), trace.to_owned());
        let headers = publish.to.headers.iter().cloned();
        publish.to.headers = headers.chain([context]).collect();
    }
}

pub(super) const FIELDS: &[&str] = &[
    "queue",
    "message",
    "delay_seconds",
    "idempotency_key",
    "max_retries",
    "headers",
];

/// The valid items of a batch, in order, and for each item of the batch the refusal, if it is not valid.
type Batch = (Vec<Publish>, Vec<Option<ApiError>>);

fn decode_batch(body: &Bytes, limits: &Limits) -> Result<Batch, ApiError> {
    let object = Object::of_body(body, &["messages"])?;
    let items = object.required("messages", |value| array(value, BATCH_ITEMS))?;
    let (mut good, mut refused) = (Vec::new(), Vec::with_capacity(items.len()));
    for (index, item) in items.into_iter().enumerate() {
        let decoded =
            Object::of_value(item, FIELDS).and_then(|object| decode(&object, body, limits));
        refused.push(match decoded {
            Ok(publish) => {
                good.push(publish);
                None
            }
            Err(error) => Some(error.under(&format!("messages[{index}]"))),
        });
    }
    Ok((good, refused))
}

/// Decodes a message from `object`, which is a part of `body`.
pub(super) fn decode(
    object: &Object<'_>,
    body: &Bytes,
    limits: &Limits,
) -> Result<Publish, ApiError> {
    let queue = object.required("queue", queue_name)?;
    let delay = object.optional("delay_seconds", seconds(0.0..=7_776_000.0))?;
    let idempotency_key = object.nullable("idempotency_key", key)?;
    let max_retries = object.nullable("max_retries", integer(0..=100))?;
    let headers = object.nullable("headers", headers)?;
    let Some(message) = object.get("message") else {
        return Err(ApiError::invalid_field("message", "is missing"));
    };
    Ok(Publish {
        body: kept(message, body, limits.message_bytes)?,
        to: ToQueue {
            queue,
            delay: delay.unwrap_or(Duration::ZERO),
            idempotency_key,
            max_retries,
            headers: headers.unwrap_or_default(),
        },
    })
}

/// The bytes of `message`, unchanged. They share the request's memory only if they are most of it.
fn kept(message: &RawValue, body: &Bytes, limit: usize) -> Result<Bytes, ApiError> {
    let text = message.get();
    if text.len() > limit {
        return Err(ApiError::message_too_large(limit));
    }
    if is_deeper(text, MESSAGE_DEPTH) {
        return Err(ApiError::too_deep());
    }
    Ok(if text.len() * 2 >= body.len() {
        body.slice_ref(text.as_bytes())
    } else {
        Bytes::copy_from_slice(text.as_bytes())
    })
}

fn key(value: &RawValue) -> Result<String, ApiError> {
    let key = text(value).unwrap_or_default();
    if (1..=IDEMPOTENCY_KEY_BYTES).contains(&key.len()) {
        return Ok(key);
    }
    let error = format!("must be a string of 1 to {IDEMPOTENCY_KEY_BYTES} bytes");
    Err(ApiError::invalid_value(error))
}

/// The publisher's headers, with their names in lower case.
fn headers(value: &RawValue) -> Result<Headers, ApiError> {
    let object = Object::of_any_fields(value)?;
    if object.len() > HEADERS {
        let error = format!("must be at most {HEADERS} headers");
        return Err(ApiError::invalid_value(error));
    }
    let mut found: Vec<(String, String)> = Vec::with_capacity(object.len());
    for (name, value) in object.fields() {
        let (lower, value) = header(name, value).map_err(|error| error.under(name))?;
        if found.iter().any(|(it, _)| *it == lower) {
            return Err(ApiError::invalid_field(name, "must not be given twice"));
        }
        found.push((lower, value));
    }
    if found
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum::<usize>()
        > HEADER_BYTES
    {
        let error = format!("must be at most {HEADER_BYTES} bytes, names and values together");
        return Err(ApiError::invalid_value(error));
    }
    Ok(found.into())
}

fn header(name: &str, value: &RawValue) -> Result<(String, String), ApiError> {
    let name = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| ApiError::invalid_value("is not the name of an HTTP header"))?;
    if is_reserved(name.as_str()) {
        return Err(ApiError::invalid_value(
            "cannot be sent along by a publisher",
        ));
    }
    let value = text(value)?;
    // `HeaderValue::from_str` would accept any UTF-8, which consumers read differently.
    if value.bytes().all(|it| matches!(it, b'\t' | b' '..=b'~')) {
        Ok((name.as_str().to_owned(), value))
    } else {
        Err(ApiError::invalid_value("must be visible ASCII text"))
    }
}

/// Headers that a publisher may not set, because they belong to the connection, to the server or to credentials.
fn is_reserved(name: &str) -> bool {
    const RESERVED: [&str; 11] = [
        "authorization",
        "connection",
        "content-length",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    RESERVED.contains(&name) || name.starts_with("proxy-") || name.starts_with("qstash-")
}
