//! `/v2/publish` and `/v2/enqueue`.

use std::marker::PhantomData;

use http::Method;

use crate::client::Client;
use crate::endpoint::{Operation, segment};
use crate::error::Error;
use crate::types::ids::QueueName;
use crate::types::trace::TraceContext;
use crate::v2::destination::{Destination, Target, answer};
use crate::v2::operation;
use crate::v2::options::{Content, Options};
use crate::v2::published::{Answer, Published};
use crate::v2::setters::{content_setters, delivery_setters, publish_setters};

/// A message to publish: a destination, a body, options. If several settings are wrong, sending the message reports the
/// first.
#[derive(Debug)]
#[must_use = "a message does nothing until it is published"]
pub struct NewMessage {
    target: Result<Target, Error>,
    queue: Option<Result<QueueName, Error>>,
    options: Options,
}

impl NewMessage {
    /// Makes a message to exactly one destination: a URL, [`Group`](crate::v2::Group), [`Api`](crate::v2::Api),
    /// [`Llm`](crate::v2::Llm) or [`Email`](crate::v2::Email).
    pub fn to(destination: impl Destination) -> Self {
        Self {
            target: destination.into_target(),
            queue: None,
            options: Options::of_publish(),
        }
    }

    /// Sends the message through a queue, which delivers in order. If no queue has that name, the service creates it
    /// with parallelism 1.
    pub fn queue(mut self, queue: impl AsRef<str>) -> Self {
        self.queue = Some(QueueName::parse(queue.as_ref()));
        self
    }

    delivery_setters!(options);
    content_setters!(options);
    publish_setters!(options);

    /// Checks the message, its destination and its queue.
    pub(crate) fn finish(
        self,
        trace: impl FnOnce() -> Option<TraceContext>,
    ) -> Result<Finished, Error> {
        let mut target = self.target?;
        let queue = self.queue.transpose()?;
        let content = self.options.finish(&mut target, trace)?;
        Ok(Finished {
            target,
            queue,
            content,
        })
    }
}

/// A message that is ready to go out.
pub(crate) struct Finished {
    pub(crate) target: Target,
    pub(crate) queue: Option<QueueName>,
    pub(crate) content: Content,
}

/// A publish of one message. `A` is what it returns: [`Published`], or [`GroupPublished`](crate::v2::GroupPublished)
/// for a URL group.
#[must_use = "a publish does nothing until you `send` it"]
pub struct Publish<'a, A = Published> {
    client: &'a Client,
    message: NewMessage,
    answer: PhantomData<fn() -> A>,
}

impl<'a, A: Answer> Publish<'a, A> {
    pub(crate) fn new(client: &'a Client, message: NewMessage) -> Self {
        Self {
            client,
            message,
            answer: PhantomData,
        }
    }

    delivery_setters!(message.options);
    content_setters!(message.options);
    publish_setters!(message.options);

    /// Publishes the message. When this returns, the service holds it.
    ///
    /// # Errors
    /// Besides those of every call, [`NotFound`](crate::ErrorKind::NotFound) for an unknown URL group,
    /// [`Rejected`](crate::ErrorKind::Rejected) for what the service refuses or the plan does not allow,
    /// [`RateLimited`](crate::ErrorKind::RateLimited) with [`Error::rate_limit`], and
    /// [`Serialize`](crate::ErrorKind::Serialize) when the payload cannot be written as JSON.
    ///
    /// # Cancel safety
    /// Dropping the future leaves open whether the message was stored. To find out, publish it again with the same
    /// deduplication id.
    pub async fn send(self) -> Result<A, Error> {
        let client = self.client;
        let message = self.message.finish(|| client.trace_context())?;
        client.send(&publish(message)).await
    }
}

impl<A> std::fmt::Debug for Publish<'_, A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.message.fmt(f)
    }
}

fn publish<A: Answer>(message: Finished) -> Operation<A> {
    let Finished {
        target,
        queue,
        content,
    } = message;
    let (name, attempted, path) = match queue {
        None => (
            "v2.publish",
            format!("publish to {}", target.shown),
            // As it is: the destination must arrive byte for byte.
            format!("/v2/publish/{}", target.path),
        ),
        Some(queue) => (
            "v2.enqueue",
            format!("enqueue to {} in queue `{queue}`", target.shown),
            format!("/v2/enqueue/{}/{}", segment(&queue), target.path),
        ),
    };
    let mut operation = operation::new(name, attempted, Method::POST, path, answer::<A>)
        .repeatable_if(content.repeatable);
    operation.headers = content.headers;
    operation.body = content.body;
    operation.told_id = A::message_id;
    operation
}
