//! The v1 protocol: named queues, publishing, receiving under leases, metrics.
//!
//! Everything starts at [`Client::v1`](crate::Client::v1), is set up by methods that take and return the
//! call, and ends with `.send().await`.

mod create_queue;
mod message;
mod messages;
mod metrics;
mod publish;
mod pull;
mod queue;
mod queues;
mod signing;
mod wire;

pub use self::create_queue::{CreateQueue, CreatedQueue};
pub use self::message::{Attempt, DeadLetter, MessageState, MessageView};
pub use self::messages::{Cancelled, ListMessages, Messages, OnLease};
pub use self::metrics::{Latency, Metrics, QueueMetrics};
pub use self::publish::{NewMessage, Publish, PublishBatch, Published};
pub use self::pull::{Heartbeat, Lease, Receive, Undecodable};
pub use self::queue::{Backoff, OnAccepted, Queue};
pub use self::queues::{ListQueues, Queues, Redrive};
pub use self::signing::SigningSecret;
pub use crate::call::Call;
pub use crate::types::secret::Secret;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::Client;

/// The operations of v1. Cheap: a borrowed [`Client`].
#[derive(Clone, Copy, Debug)]
pub struct V1<'a> {
    client: &'a Client,
}

impl<'a> V1<'a> {
    pub(crate) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Publishes one message: any value that serializes to JSON.
    pub fn publish<T: Serialize + ?Sized>(
        self,
        queue: impl AsRef<str>,
        payload: &T,
    ) -> Publish<'a> {
        Publish::new(self.client, NewMessage::new(queue, payload))
    }

    /// Publishes one message whose JSON text is already there; its bytes are delivered unchanged.
    pub fn publish_raw(self, queue: impl AsRef<str>, json: impl AsRef<[u8]>) -> Publish<'a> {
        Publish::new(self.client, NewMessage::raw(queue, json))
    }

    /// Publishes up to 1,000 messages, to any queues, in one request. Each fails or succeeds on its own.
    pub fn publish_batch(self, messages: impl IntoIterator<Item = NewMessage>) -> PublishBatch<'a> {
        PublishBatch::new(self.client, messages)
    }

    /// Takes messages of a queue under a lease. `T` is what they are read as; take
    /// [`RawJson`](crate::RawJson) for the bytes.
    pub fn receive<T: DeserializeOwned>(self, queue: impl AsRef<str>) -> Receive<'a, T> {
        Receive::new(self.client, queue.as_ref())
    }

    /// Creates, looks at and manages queues.
    #[must_use]
    pub fn queues(self) -> Queues<'a> {
        Queues::new(self.client)
    }

    /// Looks at messages and settles them by id.
    #[must_use]
    pub fn messages(self) -> Messages<'a> {
        Messages::new(self.client)
    }

    /// All counters and gauges.
    pub fn metrics(self) -> Call<'a, Metrics> {
        Call::new(self.client, Ok(metrics::metrics()))
    }

    /// The same figures in the text format of Prometheus.
    pub fn prometheus(self) -> Call<'a, String> {
        Call::new(self.client, Ok(metrics::prometheus()))
    }

    /// The secrets that sign what is pushed to webhooks.
    pub fn signing_secret(self) -> Call<'a, SigningSecret> {
        Call::new(self.client, Ok(signing::get()))
    }

    /// Makes a fresh signing secret; the one in use becomes the previous one. Never repeated after an
    /// unclear failure: two rotations would lose the secret that consumers know.
    pub fn rotate_signing_secret(self) -> Call<'a, SigningSecret> {
        Call::new(self.client, Ok(signing::rotate()))
    }
}
