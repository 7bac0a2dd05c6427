//! Where v1 begins: `Client::v1` and what it offers.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::call::Call;
use crate::client::Client;
use crate::v1::messages::Messages;
use crate::v1::metrics::{self, Metrics};
use crate::v1::publish::{NewMessage, Publish, PublishBatch};
use crate::v1::pull::Receive;
use crate::v1::queues::Queues;
use crate::v1::signing::{self, SigningSecret};

impl Client {
    /// The v1 protocol: named queues, receiving, leases.
    #[must_use]
    pub fn v1(&self) -> V1<'_> {
        V1 { client: self }
    }
}

/// The operations of v1. Cheap: a borrowed [`Client`].
#[derive(Clone, Copy, Debug)]
pub struct V1<'a> {
    client: &'a Client,
}

impl<'a> V1<'a> {
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
