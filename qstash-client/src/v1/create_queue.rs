//! `POST /v1/queues`: creates a queue or changes its settings.

use std::time::Duration;

use http::{Method, StatusCode};
use serde::Serialize;

use crate::client::Client;
use crate::endpoint::{Operation, json};
use crate::error::Error;
use crate::timing::Seconds;
use crate::types::ids::QueueName;
use crate::v1::queue::{Backoff, OnAccepted, Queue};

/// A queue that was created or updated.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CreatedQueue {
    /// The queue as it is now.
    pub queue: Queue,
    /// Whether the queue is new. If not, it existed and was updated.
    pub created: bool,
}

/// A creation or an update of a queue. Settings that you do not give stay as they are; in a new queue they take the
/// server's defaults.
#[derive(Debug)]
#[must_use = "nothing is created until you `send` it"]
pub struct CreateQueue<'a> {
    client: &'a Client,
    body: Result<CreateBody, Error>,
}

impl<'a> CreateQueue<'a> {
    pub(crate) fn new(client: &'a Client, name: &str) -> Self {
        Self {
            client,
            body: QueueName::parse(name).map(CreateBody::new),
        }
    }
}

/// An absent setting is kept, a null is cleared.
#[derive(Debug, Serialize)]
struct CreateBody {
    name: QueueName,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_letter_queue: Option<Option<QueueName>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_url: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_retries: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_backoff: Option<Backoff>,
    #[serde(skip_serializing_if = "Option::is_none")]
    visibility_timeout_seconds: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_timeout_seconds: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallelism: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_accepted: Option<OnAccepted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paused: Option<bool>,
}

impl CreateBody {
    fn new(name: QueueName) -> Self {
        Self {
            name,
            dead_letter_queue: None,
            webhook_url: None,
            max_retries: None,
            retry_backoff: None,
            visibility_timeout_seconds: None,
            delivery_timeout_seconds: None,
            parallelism: None,
            on_accepted: None,
            paused: None,
        }
    }
}

impl CreateQueue<'_> {
    fn set(mut self, change: impl FnOnce(&mut CreateBody) -> Result<(), Error>) -> Self {
        self.body = self
            .body
            .and_then(|mut body| change(&mut body).map(|()| body));
        self
    }

    fn put(self, change: impl FnOnce(&mut CreateBody)) -> Self {
        self.set(|body| {
            change(body);
            Ok(())
        })
    }

    /// Moves messages that run out of retries to this queue, which the server creates if it does not exist.
    pub fn dead_letter_queue(self, name: impl AsRef<str>) -> Self {
        let name = QueueName::parse(name.as_ref());
        self.set(|body| {
            body.dead_letter_queue = Some(Some(name?));
            Ok(())
        })
    }

    /// Lets messages that run out of retries end in the state `failed`.
    pub fn no_dead_letter_queue(self) -> Self {
        self.put(|body| body.dead_letter_queue = Some(None))
    }

    /// Pushes each message to this http(s) URL.
    pub fn webhook_url(self, url: impl Into<String>) -> Self {
        let url = url.into();
        self.set(|body| {
            let scheme = url
                .split_once("://")
                .map(|(scheme, _)| scheme.to_ascii_lowercase());
            if !matches!(scheme.as_deref(), Some("http" | "https")) {
                return Err(Error::invalid(
                    "webhook URL must begin with http:// or https://",
                ));
            }
            body.webhook_url = Some(Some(url));
            Ok(())
        })
    }

    /// Pushes no message: consumers receive them.
    pub fn no_webhook(self) -> Self {
        self.put(|body| body.webhook_url = Some(None))
    }

    /// Sets how often the server retries a message after its first attempt failed, 0 to 100. Then it dead-letters the
    /// message.
    pub fn max_retries(self, retries: u32) -> Self {
        self.put(|body| body.max_retries = Some(retries))
    }

    /// Sets the waits between attempts.
    pub fn retry_backoff(self, backoff: Backoff) -> Self {
        self.put(|body| body.retry_backoff = Some(backoff))
    }

    /// Sets how long a message stays hidden after a consumer received it or a webhook answered 202, 1 s to 12 h.
    pub fn visibility_timeout(self, timeout: Duration) -> Self {
        self.put(|body| body.visibility_timeout_seconds = Some(Seconds(timeout)))
    }

    /// Sets how long a webhook may take to answer, 0.1 s to 12 h.
    pub fn delivery_timeout(self, timeout: Duration) -> Self {
        self.put(|body| body.delivery_timeout_seconds = Some(Seconds(timeout)))
    }

    /// Sets how many webhook calls may be in flight at once, 1 to 1,000. With 1, the queue is strictly first-in
    /// first-out.
    pub fn parallelism(self, calls: u32) -> Self {
        self.put(|body| body.parallelism = Some(calls))
    }

    /// Sets what it means that a webhook answers 202.
    pub fn on_accepted(self, meaning: OnAccepted) -> Self {
        self.set(|body| {
            if meaning == OnAccepted::Unknown {
                return Err(Error::invalid("`OnAccepted::Unknown` cannot be sent"));
            }
            body.on_accepted = Some(meaning);
            Ok(())
        })
    }

    /// Sets whether the queue is paused. A paused queue hands out nothing.
    pub fn paused(self, paused: bool) -> Self {
        self.put(|body| body.paused = Some(paused))
    }

    /// Creates or updates the queue.
    ///
    /// # Errors
    /// Besides those of every call, 400 `dead_letter_cycle` when the dead-letter queues would form a circle.
    ///
    /// # Cancel safety
    /// The call is safe to repeat.
    pub async fn send(self) -> Result<CreatedQueue, Error> {
        self.client.send(&create(&self.body?)?).await
    }
}

fn create(body: &CreateBody) -> Result<Operation<CreatedQueue>, Error> {
    let attempted = format!("create queue `{}`", body.name);
    Ok(Operation::new(
        "v1.queues.create",
        attempted,
        Method::POST,
        "/v1/queues",
        |response| {
            let created = response.status() == StatusCode::CREATED;
            Ok(CreatedQueue {
                queue: json(response)?,
                created,
            })
        },
    )
    .json(body)?
    .repeatable())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_create_sends_only_what_was_given() {
        let name = QueueName::parse("orders").expect("valid");
        let text = create(&CreateBody::new(name)).expect("builds").to_text();
        let head = "POST /v1/queues\ncontent-type: application/json\n\n";
        assert_eq!(text, format!("{head}{{\"name\":\"orders\"}}"));
    }

    #[test]
    fn a_create_with_every_setting() {
        let client = crate::Client::builder()
            .base_url("http://localhost")
            .build()
            .expect("valid");
        let call = client
            .v1()
            .queues()
            .create("orders")
            .dead_letter_queue("orders-dead")
            .no_webhook()
            .max_retries(2)
            .retry_backoff(Backoff::List {
                waits: vec![Duration::from_secs(1)],
            })
            .visibility_timeout(Duration::from_secs(30))
            .delivery_timeout(Duration::from_millis(100))
            .parallelism(1)
            .on_accepted(OnAccepted::Done)
            .paused(true);
        assert_eq!(
            create(&call.body.expect("valid"))
                .expect("builds")
                .to_text(),
            "POST /v1/queues\ncontent-type: application/json\n\n\
             {\"name\":\"orders\",\"dead_letter_queue\":\"orders-dead\",\"webhook_url\":null,\
             \"max_retries\":2,\"retry_backoff\":{\"kind\":\"list\",\"seconds\":[1]},\
             \"visibility_timeout_seconds\":30,\"delivery_timeout_seconds\":0.1,\"parallelism\":1,\
             \"on_accepted\":\"done\",\"paused\":true}"
        );
    }
}
