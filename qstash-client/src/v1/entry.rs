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
    /// Speaks the v1 dialect: named queues, receiving under leases, metrics.
    #[must_use]
    pub fn v1(&self) -> V1<'_> {
        V1 { client: self }
    }
}

/// The operations of v1. It borrows the [`Client`], and copies are free.
#[derive(Clone, Copy, Debug)]
pub struct V1<'a> {
    client: &'a Client,
}

impl<'a> V1<'a> {
    /// Publishes one message. Its payload is any value that serializes to JSON.
    pub fn publish<T: Serialize + ?Sized>(
        self,
        queue: impl AsRef<str>,
        payload: &T,
    ) -> Publish<'a> {
        Publish::new(self.client, NewMessage::new(queue, payload))
    }

    /// Publishes one message whose payload is JSON text. The consumer gets the same bytes.
    pub fn publish_raw(self, queue: impl AsRef<str>, json: impl AsRef<[u8]>) -> Publish<'a> {
        Publish::new(self.client, NewMessage::raw(queue, json))
    }

    /// Publishes up to 1,000 messages, to any queues, in one request. Each succeeds or fails on its own.
    pub fn publish_batch(self, messages: impl IntoIterator<Item = NewMessage>) -> PublishBatch<'a> {
        PublishBatch::new(self.client, messages)
    }

    /// Receives messages of a queue under leases and reads their payloads as `T`. Use [`RawJson`](crate::RawJson) to
    /// get the bytes.
    pub fn receive<T: DeserializeOwned>(self, queue: impl AsRef<str>) -> Receive<'a, T> {
        Receive::new(self.client, queue.as_ref())
    }

    /// Creates, reads, lists and manages queues.
    #[must_use]
    pub fn queues(self) -> Queues<'a> {
        Queues::new(self.client)
    }

    /// Reads, lists and cancels messages; extends, acknowledges and releases them by id.
    #[must_use]
    pub fn messages(self) -> Messages<'a> {
        Messages::new(self.client)
    }

    /// Reads all counters and gauges.
    pub fn metrics(self) -> Call<'a, Metrics> {
        Call::new(self.client, Ok(metrics::metrics()))
    }

    /// Reads the metrics in the text format of Prometheus.
    pub fn prometheus(self) -> Call<'a, String> {
        Call::new(self.client, Ok(metrics::prometheus()))
    }

    /// Reads the secrets that sign the server's calls to webhooks.
    pub fn signing_secret(self) -> Call<'a, SigningSecret> {
        Call::new(self.client, Ok(signing::get()))
    }

    /// Makes a new signing secret; the current one becomes the previous one. The client does not try again after a
    /// failure in which the server may have handled the call, because two rotations would discard the secret that
    /// consumers know.
    pub fn rotate_signing_secret(self) -> Call<'a, SigningSecret> {
        Call::new(self.client, Ok(signing::rotate()))
    }
}
