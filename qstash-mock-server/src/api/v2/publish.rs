//! Publish, enqueue, batch (v2.md section 2.3).

use axum::body::Body;
use bytes::Bytes;
use serde_json::value::RawValue;

use super::super::decode::{Object, array, or_null, text};
use super::super::limits::{BATCH_ITEMS, Expected, NAME_RULE};
use super::Answer;
use super::call::{Call, unexpected};
use super::destination::Destination;
use super::error::Refusal;
use super::lines::{Lines, names_in_query};
use super::settings::{self, RequestKind, Settings};
use super::{wire, workflow};
use crate::engine::{
    self, Action, GroupName, PartialSettings, Publish, QueueName, Reply, Target, ToDestination,
    ToGroup,
};

/// Publishes one message, through a queue if the path names one.
pub(super) async fn one(
    call: Call,
    body: Body,
    queue: Option<String>,
    destination: &str,
) -> Answer {
    let destination = Destination::parse(destination, call.query())?;
    let queue = queue.as_deref().map(queue_name).transpose()?;
    let lines = call.lines()?;
    let body = call.body(body, Expected::V2Message).await?;
    let given = settings(&call, &destination, &lines)?;
    let target = target(destination, queue, given)?;
    let publish = Publish::to_destination(target, Bytes::clone(&body));
    match call.ask(publish).await? {
        Reply::Published(published) => Ok(wire::published(&published)),
        _ => Err(unexpected()),
    }
}

/// Publishes many messages. If one is refused, the others are still published.
pub(super) async fn batch(call: Call, body: Body) -> Answer {
    tell_unknown(&call);
    let body = call.body(body, Expected::Batch).await?;
    let whole =
        std::str::from_utf8(&body).map_err(|_| Refusal::invalid("the body is not UTF-8"))?;
    let whole: &RawValue = serde_json::from_str(whole)
        .map_err(|error| Refusal::invalid(format!("the body is not JSON: {error}")))?;
    workflow::refuse_batch(whole)?;
    let items = array(whole, BATCH_ITEMS).map_err(|error| error.under("the body"))?;
    let (mut good, mut refused) = (Vec::new(), Vec::with_capacity(items.len()));
    for item in items {
        refused.push(match self::item(&call, item) {
            Ok(publish) => {
                good.push(publish);
                None
            }
            Err(error) => Some(error),
        });
    }
    let Reply::Batch { results, .. } = call.ask(Action::PublishBatch(good)).await? else {
        return Err(unexpected());
    };
    let mut results = results.into_iter();
    let outcomes = refused.into_iter().map(|refused| match refused {
        Some(error) => Err(error),
        None => match results.next() {
            Some(result) => result.map_err(Refusal::from),
            None => Err(unexpected()),
        },
    });
    Ok(wire::batch(outcomes))
}

/// Warns of settings of the request itself that nobody knows. A batch has its settings in its items: known ones of the
/// request are accepted and mean nothing.
fn tell_unknown(call: &Call) {
    for name in call.headers().keys() {
        settings::tell_unknown(name.as_str());
    }
    for name in names_in_query(call.query().unwrap_or_default()) {
        settings::tell_unknown(&name);
    }
}

fn item(call: &Call, item: &RawValue) -> Result<Publish, Refusal> {
    let object = Object::of_any_fields(item)?;
    let destination = object.required("destination", text)?;
    let (destination, query) = Destination::parse_whole(&destination)?;
    let headers = object
        .nullable("headers", Lines::of_json)?
        .unwrap_or_default();
    let body = object.nullable("body", text)?.unwrap_or_default();
    let queue = object.optional("queue", or_null(text))?.flatten();
    let queue = queue.filter(|name| !name.is_empty());
    let queue = queue.as_deref().map(queue_name).transpose()?;
    let query = Lines::of_query(query.unwrap_or_default())?;
    let given = settings(call, &destination, &headers.or(&query))?;
    let target = target(destination, queue, given)?;
    Ok(Publish::to_destination(target, body.into()))
}

/// The settings of a message, from `lines`.
fn settings(
    call: &Call,
    destination: &Destination,
    lines: &Lines,
) -> Result<PartialSettings, Refusal> {
    let mut settings = Settings::read(lines, RequestKind::Message)?;
    settings.take_incoming(destination, lines, call.token());
    let given = settings.given;
    Ok(PartialSettings {
        caller_ip: call.caller_ip(),
        ..given
    })
}

/// The base URL of the APIs that Upstash's service has built in. Without a route, a delivery to it is subject to
/// `--deliver` like every other.
const APIS: &str = "https://qstash.upstash.io";

/// The target of a message, with its settings. For a URL group the engine completes the settings with the group's
/// defaults; for all other destinations they must be complete.
pub(super) fn target(
    destination: Destination,
    queue: Option<QueueName>,
    given: PartialSettings,
) -> Result<Target, Refusal> {
    let name = match destination {
        Destination::Url(url) => {
            let to = ToDestination {
                destination: engine::Destination::Url(url.into()),
                queue,
                settings: given.complete()?,
            };
            return Ok(to.into());
        }
        Destination::UrlGroup(name) => {
            let group = GroupName::parse(&name);
            let to = ToGroup {
                group: group.ok_or_else(|| Refusal::not_found("topic", &name))?,
                queue,
                settings: given,
            };
            return Ok(to.into());
        }
        Destination::Api(name) => name,
    };
    let settings = given.complete()?;
    if name == "llm" && settings.callback.is_none() {
        return Err(Refusal::of("Upstash-Callback", "must be set for `api/llm`"));
    }
    let path = match name.as_str() {
        "llm" => "llm/v1/chat/completions".to_owned(),
        other => format!("api/{other}"),
    };
    let to = ToDestination {
        destination: engine::Destination::Api {
            name: name.into(),
            url: format!("{APIS}/{path}").into(),
        },
        queue,
        settings,
    };
    Ok(to.into())
}

pub(super) fn queue_name(text: &str) -> Result<QueueName, Refusal> {
    QueueName::parse(text).ok_or_else(|| Refusal::of("queueName", NAME_RULE))
}
