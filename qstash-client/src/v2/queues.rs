//! `/v2/queues`: queues, which keep order or limit parallelism.

use http::Method;
use serde::Serialize;

use crate::call::Call;
use crate::client::Client;
use crate::endpoint::{json, nothing, segment};
use crate::error::Error;
use crate::timing::Timestamp;
use crate::types::ids::QueueName;
use crate::types::other::Other;
use crate::v2::fields::{Fields, Missing, read_by_fields};
use crate::v2::limits::at_least_one;
use crate::v2::list::{List, Listed};
use crate::v2::operation;

/// The operations on queues.
#[derive(Clone, Copy, Debug)]
pub struct Queues<'a> {
    client: &'a Client,
}

impl<'a> Queues<'a> {
    pub(crate) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Creates a queue or updates an existing one. Both settings are always written: parallelism 1 and not paused,
    /// unless you say otherwise.
    pub fn upsert(self, name: impl AsRef<str>) -> UpsertQueue<'a> {
        UpsertQueue {
            client: self.client,
            name: QueueName::parse(name.as_ref()),
            parallelism: 1,
            paused: false,
        }
    }

    /// Reads one queue.
    pub fn get(self, name: impl AsRef<str>) -> Call<'a, Queue> {
        let make = |name: QueueName| {
            let attempted = format!("read queue `{name}`");
            let path = format!("/v2/queues/{}", segment(&name));
            operation::new("v2.queues.get", attempted, Method::GET, path, json)
        };
        Call::new(self.client, QueueName::parse(name.as_ref()).map(make))
    }

    /// Lists all queues.
    pub fn list(self) -> List<'a, Queue> {
        List::new(self.client)
    }

    /// Deletes a queue.
    pub fn delete(self, name: impl AsRef<str>) -> Call<'a, ()> {
        self.act(
            "v2.queues.delete",
            "delete",
            Method::DELETE,
            name.as_ref(),
            "",
        )
    }

    /// Pauses a queue: it delivers no messages, but still accepts them.
    pub fn pause(self, name: impl AsRef<str>) -> Call<'a, ()> {
        self.act(
            "v2.queues.pause",
            "pause",
            Method::POST,
            name.as_ref(),
            "/pause",
        )
    }

    /// Resumes a queue, which continues with its oldest message. This may take up to a minute.
    pub fn resume(self, name: impl AsRef<str>) -> Call<'a, ()> {
        self.act(
            "v2.queues.resume",
            "resume",
            Method::POST,
            name.as_ref(),
            "/resume",
        )
    }

    fn act(
        self,
        span: &'static str,
        verb: &str,
        method: Method,
        name: &str,
        suffix: &str,
    ) -> Call<'a, ()> {
        let make = |name: QueueName| {
            let attempted = format!("{verb} queue `{name}`");
            let path = format!("/v2/queues/{}{suffix}", segment(&name));
            operation::new(span, attempted, method, path, nothing).repeatable()
        };
        Call::new(self.client, QueueName::parse(name).map(make))
    }
}

/// The settings of a queue to create or update.
#[derive(Debug)]
#[must_use = "nothing is set until you `send` it"]
pub struct UpsertQueue<'a> {
    client: &'a Client,
    name: Result<QueueName, Error>,
    parallelism: u32,
    paused: bool,
}

impl UpsertQueue<'_> {
    /// Sets how many deliveries may be in flight at once, at least 1. The order is kept only with 1. The plan has a
    /// maximum.
    pub fn parallelism(mut self, parallelism: u32) -> Self {
        self.parallelism = parallelism;
        self
    }

    /// Sets whether the queue is paused.
    pub fn paused(mut self, paused: bool) -> Self {
        self.paused = paused;
        self
    }

    /// Writes the settings.
    ///
    /// # Errors
    /// See [`Call::send`]; [`Rejected`](crate::ErrorKind::Rejected) with the status 412 when the plan does not allow
    /// another queue or so much parallelism.
    pub async fn send(self) -> Result<(), Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Body {
            queue_name: QueueName,
            parallelism: u32,
            paused: bool,
        }
        let queue_name = self.name?;
        let attempted = format!("set queue `{queue_name}`");
        let body = Body {
            queue_name,
            parallelism: at_least_one("parallelism", self.parallelism)?,
            paused: self.paused,
        };
        let name = "v2.queues.upsert";
        let operation = operation::new(name, attempted, Method::POST, "/v2/queues", nothing);
        let operation = operation.repeatable().json(&body)?;
        self.client.send(&operation).await
    }
}

/// A queue and its settings.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Queue {
    /// The queue's name.
    pub name: QueueName,
    /// How many deliveries may be in flight at once.
    pub parallelism: Option<u32>,
    /// Whether the queue is paused.
    pub paused: bool,
    /// How many messages wait in the queue.
    pub lag: Option<u64>,
    /// When the queue was created.
    pub created_at: Option<Timestamp>,
    /// When the queue was last changed.
    pub updated_at: Option<Timestamp>,
    /// Fields that this version does not know or could not read.
    pub other: Other,
}

impl Queue {
    fn read(mut fields: Fields) -> Result<Self, Missing> {
        Ok(Self {
            name: fields.need("name")?,
            parallelism: fields.number("parallelism"),
            paused: fields.flag("paused").unwrap_or(false),
            lag: fields.number("lag"),
            created_at: fields.time("createdAt"),
            updated_at: fields.time("updatedAt"),
            other: fields.rest(),
        })
    }
}

read_by_fields!(Queue);

impl Listed for Queue {
    const NAME: &'static str = "v2.queues.list";
    const ATTEMPTED: &'static str = "list queues";
    const PATH: &'static str = "/v2/queues";
    const ARRAYS: &'static [&'static str] = &["queues"];
}
