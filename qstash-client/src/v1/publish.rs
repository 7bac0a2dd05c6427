//! `/v1/publish` and `/v1/publish/batch`.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use serde::Serialize;

use crate::client::Client;
use crate::endpoint::{Operation, json};
use crate::error::{ApiError, Error, ErrorKind};
use crate::timing::Seconds;
use crate::types::ids::{IdempotencyKey, QueueName};
use crate::types::json::RawJson;
use crate::types::trace::TraceContext;
use crate::v1::published::{BatchAnswer, BatchItemAnswer, Published};
use crate::v1::wire::{BatchBody, PublishBody};

/// The most messages that a batch may hold.
const BATCH_MESSAGES_MAX: usize = 1_000;

/// A message to publish. If several settings are wrong, `send` reports the first.
#[derive(Debug)]
#[must_use = "a message does nothing until it is published"]
pub struct NewMessage(Result<PublishBody, Error>);

impl NewMessage {
    /// Makes a message for a queue. Its payload is any value that serializes to JSON. It carries a random idempotency
    /// key unless you give another.
    pub fn new<T: Serialize + ?Sized>(queue: impl AsRef<str>, payload: &T) -> Self {
        Self::with(
            queue.as_ref(),
            serde_json::value::to_raw_value(payload).map(RawJson::from),
        )
    }

    /// Makes a message for a queue. Its payload is JSON text, and the consumer gets the same bytes.
    pub fn raw(queue: impl AsRef<str>, json: impl AsRef<[u8]>) -> Self {
        Self::with(queue.as_ref(), RawJson::parse(json.as_ref()))
    }

    fn with(queue: &str, payload: Result<RawJson, serde_json::Error>) -> Self {
        Self(QueueName::parse(queue).and_then(|queue| {
            let message = payload.map_err(|e| {
                let attempted = format!("publish to queue `{queue}`");
                let reason = "the payload could not be written as JSON";
                Error::new(ErrorKind::Serialize, &attempted, reason).with_source(e)
            })?;
            Ok(PublishBody {
                queue,
                message,
                delay_seconds: None,
                idempotency_key: Some(IdempotencyKey::random()),
                max_retries: None,
                headers: BTreeMap::new(),
            })
        }))
    }

    fn set(mut self, change: impl FnOnce(&mut PublishBody) -> Result<(), Error>) -> Self {
        self.0 = self.0.and_then(|mut body| change(&mut body).map(|()| body));
        self
    }

    /// Keeps the message invisible for this long, up to 90 days. The delay is sent as a floating-point number of
    /// seconds.
    pub fn delay(self, delay: Duration) -> Self {
        self.set(|body| {
            body.delay_seconds = Some(Seconds(delay));
            Ok(())
        })
    }

    /// Sets the idempotency key, 1 to 256 bytes. If a publish to the same queue had the same key in the last 10
    /// minutes, the server stores nothing. Without this call the key is a random UUID, so that a retry by the client
    /// never stores the message twice.
    pub fn idempotency_key(self, key: impl Into<String>) -> Self {
        let key = IdempotencyKey::parse(key);
        self.set(|body| {
            body.idempotency_key = Some(key?);
            Ok(())
        })
    }

    /// Sends no key. The client then tries again only if the publish certainly did nothing.
    pub fn without_idempotency_key(self) -> Self {
        self.set(|body| {
            body.idempotency_key = None;
            Ok(())
        })
    }

    /// Sets how often the server retries the message after its first attempt failed, 0 to 100, instead of as often as
    /// the queue says.
    pub fn max_retries(self, retries: u32) -> Self {
        self.set(|body| {
            body.max_retries = Some(retries);
            Ok(())
        })
    }

    /// Adds a header for the webhook that gets the message. The value is one line of visible ASCII. A second value for
    /// the same name replaces the first. The server refuses names that belong to its own call, such as `Host`,
    /// `Authorization` and `QStash-*`.
    pub fn header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        self.set(|body| {
            if HeaderName::from_bytes(name.as_bytes()).is_err() {
                return Err(Error::invalid_input(
                    "header name",
                    &name,
                    "cannot be sent by HTTP",
                ));
            }
            // Beyond ASCII, some HTTP implementations read Latin-1 and others UTF-8.
            if HeaderValue::from_str(&value).is_err() || !value.is_ascii() {
                let reason =
                    format!("the value of header {name:?} must be one line of visible ASCII");
                return Err(Error::invalid(reason));
            }
            body.headers
                .retain(|known, _| !known.eq_ignore_ascii_case(&name));
            body.headers.insert(name, value);
            Ok(())
        })
    }

    /// Makes the message as it goes out. It belongs to the trace that `trace` returns, unless it names one itself.
    fn finish(self, trace: impl FnOnce() -> Option<TraceContext>) -> Result<PublishBody, Error> {
        let mut body = self.0?;
        let mut names = body.headers.keys();
        if !names.any(|name| name.eq_ignore_ascii_case("traceparent"))
            && let Some(trace) = trace()
        {
            body.headers.extend(trace.into_lines());
        }
        Ok(body)
    }
}

/// A publish of one message.
#[derive(Debug)]
#[must_use = "a publish does nothing until you `send` it"]
pub struct Publish<'a> {
    client: &'a Client,
    message: NewMessage,
}

impl<'a> Publish<'a> {
    pub(crate) fn new(client: &'a Client, message: NewMessage) -> Self {
        Self { client, message }
    }

    /// See [`NewMessage::delay`].
    pub fn delay(mut self, delay: Duration) -> Self {
        self.message = self.message.delay(delay);
        self
    }

    /// See [`NewMessage::idempotency_key`].
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.message = self.message.idempotency_key(key);
        self
    }

    /// See [`NewMessage::without_idempotency_key`].
    pub fn without_idempotency_key(mut self) -> Self {
        self.message = self.message.without_idempotency_key();
        self
    }

    /// See [`NewMessage::max_retries`].
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.message = self.message.max_retries(retries);
        self
    }

    /// See [`NewMessage::header`].
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.message = self.message.header(name, value);
        self
    }

    /// Publishes the message. When this returns, the server holds it.
    ///
    /// # Errors
    /// Besides those of every call, [`TooLarge`](ErrorKind::TooLarge) when the message is over the server's limit (1
    /// MiB), and [`Serialize`](ErrorKind::Serialize) when the payload cannot be written as JSON.
    ///
    /// # Cancel safety
    /// Dropping the future leaves open whether the message was stored. To find out, publish it again with the same
    /// idempotency key.
    pub async fn send(self) -> Result<Published, Error> {
        let client = self.client;
        let operation = publish(&self.message.finish(|| client.trace_context())?)?;
        client.send(&operation).await
    }
}

fn publish(body: &PublishBody) -> Result<Operation<Published>, Error> {
    let attempted = format!("publish to queue `{}`", body.queue);
    Ok(
        Operation::new("v1.publish", attempted, Method::POST, "/v1/publish", json)
            .json(body)?
            .repeatable_if(body.idempotency_key.is_some()),
    )
}

/// A publish of several messages in one request.
#[derive(Debug)]
#[must_use = "a batch does nothing until you `send` it"]
pub struct PublishBatch<'a> {
    client: &'a Client,
    messages: Result<Vec<PublishBody>, Error>,
}

impl<'a> PublishBatch<'a> {
    pub(crate) fn new(client: &'a Client, messages: impl IntoIterator<Item = NewMessage>) -> Self {
        Self {
            client,
            messages: messages
                .into_iter()
                .map(|message| message.finish(|| client.trace_context()))
                .collect(),
        }
    }

    /// Publishes the messages. The results are in the order of the messages, and a message that fails does not stop the
    /// others. An empty batch sends nothing.
    ///
    /// # Errors
    /// When the batch as a whole fails, as [`Call::send`](crate::v1::Call::send) says. Nothing is sent when one of the
    /// messages is not valid or there are more than 1,000.
    ///
    /// # Cancel safety
    /// Dropping the future leaves open which messages were stored.
    pub async fn send(self) -> Result<Vec<Result<Published, ApiError>>, Error> {
        let messages = self.messages?;
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        let operation = publish_batch(&messages)?;
        let answer = self.client.send(&operation).await?;
        if answer.results.len() != messages.len() {
            let reason = format!(
                "the server answered {} results for {} messages",
                answer.results.len(),
                messages.len()
            );
            return Err(Error::new(ErrorKind::Decode, &operation.attempted, reason));
        }
        let results = answer.results.into_iter();
        Ok(results.map(BatchItemAnswer::into_result).collect())
    }
}

fn publish_batch(messages: &[PublishBody]) -> Result<Operation<BatchAnswer>, Error> {
    let count = messages.len();
    if count > BATCH_MESSAGES_MAX {
        let reason = format!("a batch holds at most {BATCH_MESSAGES_MAX} messages, not {count}");
        return Err(Error::invalid(reason));
    }
    let attempted = format!("publish a batch of {count}");
    let safe = messages
        .iter()
        .all(|message| message.idempotency_key.is_some());
    Ok(Operation::new(
        "v1.publish_batch",
        attempted,
        Method::POST,
        "/v1/publish/batch",
        json,
    )
    .json(&BatchBody { messages })?
    .repeatable_if(safe))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Safety;

    fn operation(message: NewMessage) -> Operation<Published> {
        publish(&message.0.expect("valid")).expect("builds")
    }

    #[test]
    fn a_publish_with_every_option() {
        let message = NewMessage::new("order-events", &serde_json::json!({"order_id": 42}))
            .delay(Duration::from_millis(1500))
            .idempotency_key("k-1")
            .max_retries(5)
            .header("X-Tenant", "6")
            .header("x-tenant", "7");
        assert_eq!(
            operation(message).to_text(),
            "POST /v1/publish\ncontent-type: application/json\n\n\
             {\"queue\":\"order-events\",\"message\":{\"order_id\":42},\"delay_seconds\":1.5,\
             \"idempotency_key\":\"k-1\",\"max_retries\":5,\"headers\":{\"x-tenant\":\"7\"}}"
        );
    }

    #[test]
    fn a_message_joins_a_trace_unless_it_names_one_itself() {
        const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let trace = || {
            let trace = TraceContext::parse(TRACE).and_then(|trace| trace.with_state("v=1"));
            Some(trace.expect("valid"))
        };
        let message = NewMessage::new("q", &1).without_idempotency_key();
        let body = message.finish(trace).expect("valid");
        assert_eq!(
            publish(&body).expect("builds").to_text(),
            format!(
                "POST /v1/publish\ncontent-type: application/json\n\n{{\"queue\":\"q\",\"message\":1,\
                 \"headers\":{{\"traceparent\":\"{TRACE}\",\"tracestate\":\"v=1\"}}}}"
            )
        );
        let message = NewMessage::new("q", &1).header("TraceParent", "mine");
        let headers = message.finish(trace).expect("valid").headers;
        assert_eq!(
            headers,
            BTreeMap::from([("TraceParent".into(), "mine".into())])
        );
        let untraced = NewMessage::new("q", &1).finish(|| None).expect("valid");
        assert!(untraced.headers.is_empty());
    }

    #[test]
    fn raw_bytes_stay_as_they_are() {
        let message = NewMessage::raw("q", r#"{"b": 1.50, "a":null}"#).without_idempotency_key();
        assert_eq!(
            operation(message).to_text(),
            "POST /v1/publish\ncontent-type: application/json\n\n\
             {\"queue\":\"q\",\"message\":{\"b\": 1.50, \"a\":null}}"
        );
    }

    #[test]
    fn only_a_publish_with_a_key_may_be_repeated() {
        let keyed = NewMessage::new("q", &1);
        assert_eq!(operation(keyed).safety, Safety::Repeatable);
        let keyless = NewMessage::new("q", &1).without_idempotency_key();
        assert_eq!(operation(keyless).safety, Safety::Once);
    }

    #[test]
    fn the_first_mistake_is_the_one_reported() {
        let message = NewMessage::new("no such name!", &1).header("bad name", "x");
        let error = message.0.expect_err("bad queue name");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("queue name"), "{error}");
        assert!(NewMessage::new("q", &1).header("a", "b\r\nc: d").0.is_err());
        let beyond_ascii = NewMessage::new("q", &1).header("X-Name", "Müller");
        let error = beyond_ascii.0.expect_err("beyond ASCII");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("X-Name"), "{error}");
        assert!(NewMessage::new("q", &1).idempotency_key("").0.is_err());
        assert!(NewMessage::raw("q", "{").0.is_err());
    }

    #[test]
    fn a_batch_is_bounded() {
        let bodies = |n| -> Vec<PublishBody> {
            (0..n)
                .map(|_| NewMessage::new("q", &1).0.expect("valid"))
                .collect()
        };
        assert!(publish_batch(&bodies(1_000)).is_ok());
        assert!(publish_batch(&bodies(1_001)).is_err());
    }
}
