//! `/v2/batch`.

use std::collections::BTreeMap;

use http::{HeaderMap, Method};
use serde::Serialize;
use serde_json::Value;

use crate::client::Client;
use crate::endpoint::{Operation, json};
use crate::error::{ApiError, Error, ErrorKind};
use crate::types::ids::QueueName;
use crate::v2::operation;
use crate::v2::publish::{Finished, NewMessage};
use crate::v2::published::{Receipt, receipt};

/// How many bytes the bodies of one batch may have together (changelog of the service, December 2024).
const BATCH_BYTES_MAX: usize = 100_000_000;

/// A publish of several messages in one request.
#[derive(Debug)]
#[must_use = "a batch does nothing until you `send` it"]
pub struct Batch<'a> {
    client: &'a Client,
    messages: Vec<NewMessage>,
}

#[derive(Serialize)]
struct Item<'a> {
    destination: &'a str,
    headers: BTreeMap<&'a str, HeaderValues<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    body: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<&'a QueueName>,
}

/// One value as text, several as an array: they must not be joined.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum HeaderValues<'a> {
    One(&'a str),
    Many(Vec<&'a str>),
}

/// Headers as JSON.
pub(crate) fn header_map(headers: &HeaderMap) -> BTreeMap<&str, HeaderValues<'_>> {
    let values = |name| -> Vec<&str> {
        let all = headers.get_all(name).iter();
        all.filter_map(|value| value.to_str().ok()).collect()
    };
    let entries = headers.keys().map(|name| {
        let values = match values(name)[..] {
            [one] => HeaderValues::One(one),
            ref many => HeaderValues::Many(many.to_vec()),
        };
        (name.as_str(), values)
    });
    entries.collect()
}

impl<'a> Batch<'a> {
    pub(crate) fn new(client: &'a Client, messages: impl IntoIterator<Item = NewMessage>) -> Self {
        Self {
            client,
            messages: messages.into_iter().collect(),
        }
    }

    /// Publishes the messages. The results are in the order of the messages, and a message that fails does not stop the
    /// others. An empty batch sends nothing.
    ///
    /// Each body must be UTF-8, because a batch is JSON. Publish other bodies one by one.
    ///
    /// # Errors
    /// When the batch as a whole fails, as [`Call::send`](crate::v2::Call::send) says. Nothing is sent when one of the
    /// messages is not valid or not UTF-8, or when the bodies have more than 100 MB together.
    ///
    /// # Cancel safety
    /// Dropping the future leaves open which messages were stored.
    pub async fn send(self) -> Result<Vec<Result<Receipt, ApiError>>, Error> {
        let client = self.client;
        let messages = self.messages.into_iter();
        let messages: Vec<Finished> = messages
            .map(|message| message.finish(|| client.trace_context()))
            .collect::<Result<_, _>>()?;
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        let operation = batch(&messages)?;
        let elements = client.send(&operation).await?;
        if elements.len() != messages.len() {
            let reason = format!(
                "the service answered {} results for {} messages",
                elements.len(),
                messages.len()
            );
            return Err(Error::new(ErrorKind::Decode, &operation.attempted, reason));
        }
        Ok(elements.into_iter().map(receipt).collect())
    }
}

fn batch(messages: &[Finished]) -> Result<Operation<Vec<Value>>, Error> {
    let bytes: usize = messages.iter().map(|m| m.content.body.len()).sum();
    if bytes > BATCH_BYTES_MAX {
        let reason =
            format!("a batch holds at most {BATCH_BYTES_MAX} bytes of bodies, not {bytes}");
        return Err(Error::invalid(reason));
    }
    let items: Vec<Item<'_>> = messages
        .iter()
        .enumerate()
        .map(|(n, message)| {
            let body = std::str::from_utf8(&message.content.body).map_err(|e| {
                let rule = "is not UTF-8, which a batch cannot carry: publish it by itself";
                Error::invalid(format!("the body of message {n} of the batch {rule}"))
                    .with_source(e)
            })?;
            Ok(Item {
                destination: &message.target.path,
                headers: header_map(&message.content.headers),
                body,
                queue: message.queue.as_ref(),
            })
        })
        .collect::<Result<_, Error>>()?;
    let attempted = format!("publish a batch of {}", messages.len());
    let safe = messages.iter().all(|message| message.content.repeatable);
    Ok(
        operation::new("v2.batch", attempted, Method::POST, "/v2/batch", json)
            .json(&items)?
            .repeatable_if(safe),
    )
}
