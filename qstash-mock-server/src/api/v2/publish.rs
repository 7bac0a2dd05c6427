//! Publish, enqueue, batch (v2.md section 2.3).

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use serde_json::value::RawValue;

use super::super::decode::{Object, array, or_null, text};
use super::super::limits::{BATCH_ITEMS, Expected};
use super::Answer;
use super::call::{Call, unexpected};
use super::destination::Destination;
use super::error::Refusal;
use super::lines::Lines;
use super::settings::{Place, Settings};
use super::wire;
use crate::engine::{self, Action, GroupName, QueueName, Reply, Send, UrlGroupAction};

/// One message, perhaps through a queue.
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
    let decoder = Decoder {
        call: &call,
        place: Place::Message,
    };
    let settings = decoder
        .settings(&destination, queue.as_ref(), &lines)
        .await?;
    let send = Send {
        destination: named(destination, &settings)?,
        queue,
        body: Bytes::clone(&body),
        settings,
    };
    match call.ask(Action::Send(Box::new(send))).await? {
        Reply::Sent(sent) => Ok(wire::sent(&sent)),
        _ => Err(unexpected()),
    }
}

/// Many messages; one that is refused does not stop the others.
pub(super) async fn batch(call: Call, body: Body) -> Answer {
    let body = call.body(body, Expected::Batch).await?;
    let whole =
        std::str::from_utf8(&body).map_err(|_| Refusal::invalid("the body is not UTF-8"))?;
    let whole: &RawValue = serde_json::from_str(whole)
        .map_err(|error| Refusal::invalid(format!("the body is not JSON: {error}")))?;
    let items = array(whole, BATCH_ITEMS).map_err(|error| error.under("the body"))?;
    let decoder = Decoder {
        call: &call,
        place: Place::Message,
    };
    let (mut good, mut refused) = (Vec::new(), Vec::with_capacity(items.len()));
    for item in items {
        refused.push(match decoder.item(item).await {
            Ok(send) => {
                good.push(send);
                None
            }
            Err(error) => Some(error),
        });
    }
    let Reply::SentBatch(results) = call.ask(Action::SendBatch(good)).await? else {
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
    Ok(batch_answer(outcomes))
}

fn batch_answer(outcomes: impl Iterator<Item = Result<engine::Sent, Refusal>>) -> Response {
    wire::batch(outcomes)
}

/// Reads settings that may need the defaults of a URL group.
pub(super) struct Decoder<'a> {
    pub(super) call: &'a Call,
    pub(super) place: Place,
}

impl Decoder<'_> {
    /// What `lines` say, and where they are silent, the defaults of the URL group that is the destination.
    pub(super) async fn settings(
        &self,
        destination: &Destination,
        queue: Option<&QueueName>,
        lines: &Lines,
    ) -> Result<engine::Settings, Refusal> {
        self.read(destination, queue, lines)
            .await?
            .into_engine(self.place, self.call.caller_ip())
    }

    pub(super) async fn read(
        &self,
        destination: &Destination,
        queue: Option<&QueueName>,
        lines: &Lines,
    ) -> Result<Settings, Refusal> {
        let with_defaults;
        let all = match destination {
            Destination::UrlGroup(name) => {
                // A schedule names its queue in a header.
                let named = Settings::read(lines, self.place)?.queue;
                let defaults = self.defaults(name, queue.cloned().or(named)).await?;
                with_defaults = lines.clone().or(&defaults);
                &with_defaults
            }
            Destination::Url(_) | Destination::Api(_) => lines,
        };
        let mut settings = Settings::read(all, self.place)?;
        settings.forward_incoming(lines, self.call.token());
        Ok(settings)
    }

    async fn defaults(&self, group: &str, queue: Option<QueueName>) -> Result<Lines, Refusal> {
        let name = GroupName::parse(group).ok_or_else(|| Refusal::not_found("topic", group))?;
        match self
            .call
            .ask(Action::UrlGroups(UrlGroupAction::GetToSend(name, queue)))
            .await?
        {
            Reply::UrlGroup(group) => Ok(Lines::of_pairs(&group.headers)),
            _ => Err(unexpected()),
        }
    }

    async fn item(&self, item: &RawValue) -> Result<Send, Refusal> {
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
        let lines = headers.or(&query);
        let settings = self.settings(&destination, queue.as_ref(), &lines).await?;
        Ok(Send {
            destination: named(destination, &settings)?,
            queue,
            body: body.into(),
            settings,
        })
    }
}

/// Where the hosted service serves what it has built in. Without a route to somewhere else, a delivery there is
/// refused like any other that leaves the machine.
const APIS: &str = "https://qstash.upstash.io";

/// The destination as the engine names it.
pub(super) fn named(
    destination: Destination,
    settings: &engine::Settings,
) -> Result<engine::Destination, Refusal> {
    Ok(match destination {
        Destination::Url(url) => engine::Destination::Url(url.into()),
        Destination::UrlGroup(name) => {
            let known = GroupName::parse(&name);
            engine::Destination::Group(known.ok_or_else(|| Refusal::not_found("topic", &name))?)
        }
        Destination::Api(name) => {
            if name == "llm" && settings.callback.is_none() {
                return Err(Refusal::of("Upstash-Callback", "must be set for `api/llm`"));
            }
            let path = match name.as_str() {
                "llm" => "llm/v1/chat/completions".to_owned(),
                other => format!("api/{other}"),
            };
            engine::Destination::Api {
                name: name.into(),
                url: format!("{APIS}/{path}").into(),
            }
        }
    })
}

pub(super) fn queue_name(text: &str) -> Result<QueueName, Refusal> {
    QueueName::parse(text).ok_or_else(|| {
        Refusal::of(
            "queueName",
            "must be 1 to 256 letters, digits, `_`, `.` or `-`",
        )
    })
}
