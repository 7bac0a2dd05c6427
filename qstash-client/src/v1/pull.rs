//! `/v1/queues/{name}/receive`, and the leases that it hands out.

use std::marker::PhantomData;
use std::ops::Deref;
use std::time::Duration;

use http::Method;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::client::Client;
use crate::endpoint::{Operation, json, segment};
use crate::error::{Error, ErrorKind};
use crate::timing::{Seconds, Timestamp};
use crate::types::ids::{LeaseId, MessageId, QueueName};
use crate::types::json::RawJson;
use crate::v1::message::DeadLetter;
use crate::v1::messages::Messages;
use crate::v1::wire::{ReceiveAnswer, ReceiveBody, ReceivedMessage};

/// A request for messages of a queue.
#[derive(Debug)]
#[must_use = "nothing is received until you `send` it"]
pub struct Receive<'a, T> {
    client: &'a Client,
    queue: Result<QueueName, Error>,
    body: ReceiveBody,
    payload: PhantomData<fn() -> T>,
}

impl<'a, T: DeserializeOwned> Receive<'a, T> {
    pub(crate) fn new(client: &'a Client, queue: &str) -> Self {
        let body = ReceiveBody {
            max_messages: 1,
            wait_seconds: None,
            visibility_timeout_seconds: None,
        };
        Self {
            client,
            queue: QueueName::parse(queue),
            body,
            payload: PhantomData,
        }
    }

    /// Receives up to this many messages, 1 to 100. 1 by default.
    pub fn max_messages(mut self, max: u32) -> Self {
        self.body.max_messages = max;
        self
    }

    /// Waits this long for a message if none is visible, up to 20 s. Does not wait by default.
    pub fn wait(mut self, wait: Duration) -> Self {
        self.body.wait_seconds = Some(Seconds(wait));
        self
    }

    /// Keeps the messages hidden from other consumers for this long, 1 s to 12 h. By default as long as the queue says.
    pub fn visibility_timeout(mut self, timeout: Duration) -> Self {
        self.body.visibility_timeout_seconds = Some(Seconds(timeout));
        self
    }

    /// Receives the messages that are visible. It is no error if there are none.
    ///
    /// A message that cannot be read as `T` is released at once, which counts as a failed attempt: so it ends in the
    /// dead-letter queue and does not stop the others. It is reported as an error only if no other message came. To
    /// handle such messages yourself, receive [`RawJson`] and call [`Lease::decode`].
    ///
    /// # Errors
    /// Besides those of every call, 409 `queue_is_pushed` while the queue has a webhook, and
    /// [`Decode`](ErrorKind::Decode) as described above.
    ///
    /// # Cancel safety
    /// If the future is dropped during a long poll, the server takes back what it hands to that poll, and counts no
    /// attempt. Messages that were already on their way become visible again when their lease ends.
    pub async fn send(self) -> Result<Vec<Lease<T>>, Error> {
        let operation = receive(&self.queue?, &self.body)?;
        let answer = self.client.send(&operation).await?;
        let mut leases = Vec::with_capacity(answer.messages.len());
        let mut unreadable = None;
        for received in answer.messages {
            match Lease::new(self.client.clone(), received).decode::<T>() {
                Ok(lease) => leases.push(lease),
                Err(undecodable) => {
                    let Undecodable { lease, error } = *undecodable;
                    tracing::warn!(message_id = %lease.id(), %error, "released a message that could not be read");
                    if let Err(error) = lease.release(Duration::ZERO).await {
                        tracing::warn!(%error, "the message could not be released; it stays hidden until its lease ends");
                    }
                    unreadable.get_or_insert(error);
                }
            }
        }
        match unreadable {
            Some(error) if leases.is_empty() => Err(error),
            _ => Ok(leases),
        }
    }
}

fn receive(queue: &QueueName, body: &ReceiveBody) -> Result<Operation<ReceiveAnswer>, Error> {
    let path = format!("/v1/queues/{}/receive", segment(queue));
    let attempted = format!("receive from queue `{queue}`");
    let wait = body.wait_seconds.map_or(Duration::ZERO, |wait| wait.0);
    Ok(
        Operation::new("v1.receive", attempted, Method::POST, path, json)
            .json(body)?
            .patience(wait),
    )
}

/// A message under a lease: no other consumer gets it while the lease lasts. Dereferences to the payload.
///
/// Dropping the lease does not end it: the message becomes visible again when the lease runs out, which counts as a
/// failed attempt.
#[must_use = "a lease that is neither acknowledged nor released counts as a failed attempt when it ends"]
pub struct Lease<T> {
    client: Client,
    message: T,
    id: MessageId,
    queue: QueueName,
    attempt: u32,
    lease_id: LeaseId,
    expires_at: Timestamp,
    published_at: Timestamp,
    dead_letter: Option<DeadLetter>,
}

/// A message that does not have the expected shape. It is still leased.
#[derive(Debug)]
#[non_exhaustive]
pub struct Undecodable {
    /// The lease, with the payload as it came.
    pub lease: Lease<RawJson>,
    /// Why the payload cannot be read: an error of kind [`Decode`](ErrorKind::Decode).
    pub error: Error,
}

impl Lease<RawJson> {
    fn new(client: Client, received: ReceivedMessage) -> Self {
        Self {
            client,
            message: received.message,
            id: received.message_id,
            queue: received.queue,
            attempt: received.attempt,
            lease_id: received.lease_id,
            expires_at: received.lease_expires_at,
            published_at: received.published_at,
            dead_letter: received.dead_letter,
        }
    }

    /// Reads the payload as a type.
    ///
    /// # Errors
    /// When the payload does not have the shape of the type. The error gives the lease back.
    pub fn decode<T: DeserializeOwned>(self) -> Result<Lease<T>, Box<Undecodable>> {
        match self.message.decode() {
            Ok(message) => Ok(self.map(|_| message)),
            Err(source) => {
                let attempted = format!("read message `{}` of queue `{}`", self.id, self.queue);
                let reason = "its payload does not have the expected shape";
                let error = Error::new(ErrorKind::Decode, &attempted, reason).with_source(source);
                Err(Box::new(Undecodable { lease: self, error }))
            }
        }
    }
}

impl<T> Lease<T> {
    /// Returns the payload.
    pub fn message(&self) -> &T {
        &self.message
    }

    /// Returns the message's id, which is the same on every attempt.
    #[must_use]
    pub fn id(&self) -> &MessageId {
        &self.id
    }

    /// Returns the queue that the message was received from.
    #[must_use]
    pub fn queue(&self) -> &QueueName {
        &self.queue
    }

    /// Returns which attempt this is; the first is 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Returns the lease's id. The calls below work only while this lease is the current one.
    #[must_use]
    pub fn lease_id(&self) -> &LeaseId {
        &self.lease_id
    }

    /// Returns when the lease ends, by the server's clock and as far as this handle knows.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Returns when the message was published.
    #[must_use]
    pub fn published_at(&self) -> Timestamp {
        self.published_at
    }

    /// Returns why the message is a dead letter, if it is one.
    #[must_use]
    pub fn dead_letter(&self) -> Option<&DeadLetter> {
        self.dead_letter.as_ref()
    }

    /// Replaces the payload.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Lease<U> {
        Lease {
            client: self.client,
            message: change(self.message),
            id: self.id,
            queue: self.queue,
            attempt: self.attempt,
            lease_id: self.lease_id,
            expires_at: self.expires_at,
            published_at: self.published_at,
            dead_letter: self.dead_letter,
        }
    }

    /// Keeps the message hidden for `visibility` from now, up to 12 h. Returns when the lease ends.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) with the code `lease_lost` when the lease has ended: another consumer may hold
    /// the message.
    pub async fn extend(&mut self, visibility: Duration) -> Result<Timestamp, Error> {
        self.expires_at = self.holder().extend(visibility).await?;
        Ok(self.expires_at)
    }

    /// Acknowledges the message: it is processed.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) with the code `lease_lost` when the lease has ended: the server has handed the
    /// message out again, or will. After a retry it may also mean that the first try had worked.
    pub async fn ack(self) -> Result<(), Error> {
        Messages::new(&self.client)
            .ack(&self.id)
            .lease_id(&self.lease_id)
            .send()
            .await
    }

    /// Releases the message: it was not processed, and becomes visible again after `delay`. This counts as a failed
    /// attempt.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) with the code `lease_lost` when the lease has ended.
    pub async fn release(self, delay: Duration) -> Result<(), Error> {
        Messages::new(&self.client)
            .release(&self.id, delay)
            .lease_id(&self.lease_id)
            .send()
            .await
    }

    /// Runs `work` and extends the lease meanwhile: by `extend_by`, once in every period of `every`. `extend_by` should
    /// be at least twice as long as `every`.
    ///
    /// # Errors
    /// When the lease is lost before the work ends, or the server refuses to extend it for a reason that trying again
    /// does not change, such as 401 or 403. The work is then dropped, because another consumer may do it. After a
    /// failure that may pass, such as a broken connection or a 503, the client tries again after `every`.
    pub async fn keep_alive<F: Future>(
        &mut self,
        every: Duration,
        extend_by: Duration,
        work: F,
    ) -> Result<F::Output, Error> {
        let holder = self.holder();
        let (ends, mut last) = watch::channel(self.expires_at);
        let result = tokio::select! {
            biased;
            output = work => Ok(output),
            error = holder.keep(every, extend_by, &ends) => Err(error),
        };
        self.expires_at = *last.borrow_and_update();
        result
    }

    /// Starts a task that extends the lease by `extend_by`, once in every period of `every`. The task ends when the
    /// [`Heartbeat`] is dropped, and for the reasons for which [`keep_alive`](Self::keep_alive) returns an error. Needs
    /// a tokio runtime.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn heartbeat(&self, every: Duration, extend_by: Duration) -> Heartbeat {
        let holder = self.holder();
        let (ends, last) = watch::channel(self.expires_at);
        let task = tokio::spawn(async move {
            let error = holder.keep(every, extend_by, &ends).await;
            tracing::warn!(message_id = %holder.id, %error, "the lease cannot be extended; its heartbeat stops");
        });
        Heartbeat { task, last }
    }

    fn holder(&self) -> Holder {
        Holder {
            client: self.client.clone(),
            id: self.id.clone(),
            lease_id: self.lease_id.clone(),
        }
    }
}

impl<T> Deref for Lease<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.message
    }
}

/// Does not show the payload.
impl<T> std::fmt::Debug for Lease<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lease")
            .field("id", &self.id)
            .field("queue", &self.queue)
            .field("attempt", &self.attempt)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// What extending needs, without the payload.
struct Holder {
    client: Client,
    id: MessageId,
    lease_id: LeaseId,
}

impl Holder {
    async fn extend(&self, visibility: Duration) -> Result<Timestamp, Error> {
        Messages::new(&self.client)
            .extend(&self.id, visibility)
            .lease_id(&self.lease_id)
            .send()
            .await
    }

    /// Extends the lease again and again. Returns the first error that trying again does not change.
    async fn keep(
        &self,
        every: Duration,
        extend_by: Duration,
        ends: &watch::Sender<Timestamp>,
    ) -> Error {
        loop {
            self.client.wait(every).await;
            match self.extend(extend_by).await {
                Ok(end) => {
                    ends.send_replace(end);
                }
                Err(error) if error.is_retryable() => {
                    tracing::debug!(message_id = %self.id, %error, "could not extend the lease; trying again");
                }
                Err(error) => return error,
            }
        }
    }
}

/// Extends a lease in the background until it is dropped. [`Lease::heartbeat`] starts it.
#[derive(Debug)]
#[must_use = "the heartbeat stops when this is dropped"]
pub struct Heartbeat {
    task: tokio::task::JoinHandle<()>,
    last: watch::Receiver<Timestamp>,
}

impl Heartbeat {
    /// Returns when the lease ends, by the server's clock, after the last extension that worked.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        *self.last.borrow()
    }

    /// Returns whether the heartbeat has stopped, because the lease is lost or the server refuses to extend it. If it
    /// has, the work should stop.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.task.is_finished()
    }

    /// Completes when the heartbeat has stopped, as [`is_lost`](Self::is_lost) says. Dropping the future does no harm.
    pub async fn lost(&mut self) {
        while self.last.changed().await.is_ok() {}
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.task.abort();
    }
}
