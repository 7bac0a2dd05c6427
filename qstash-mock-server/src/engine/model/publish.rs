//! What a publisher asks for, and the result.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::carried_rules::Settings;
use super::headers::Headers;
use super::id::{GroupName, MessageId, QueueName};
use super::partial_settings::PartialSettings;

/// A request to store a message for one or more endpoints.
#[derive(Clone, Debug, PartialEq)]
pub struct Publish {
    /// Where the message goes, and which rules it follows.
    pub to: To,
    /// The bytes to deliver, unchanged. The engine passes them to the body store and never reads them.
    pub body: Bytes,
}

/// Where a message goes, and which rules it follows.
#[derive(Clone, Debug, PartialEq)]
pub enum To {
    /// To a queue, whose rules it follows.
    Queue(Box<ToQueue>),
    /// To a destination, under rules that the message carries.
    Destination(Target),
}

/// The destination of a message that carries its rules.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// A destination, with complete settings.
    Destination(Box<ToDestination>),
    /// A URL group, whose defaults complete the publisher's settings.
    Group(Box<ToGroup>),
}

/// A message that follows the rules of its queue.
#[derive(Clone, Debug, PartialEq)]
pub struct ToQueue {
    /// The queue. The engine creates it if it does not exist.
    pub queue: QueueName,
    /// How long after the publish the message becomes due.
    pub delay: Duration,
    /// The publisher's key for this message. A second publish to the queue with the same key within
    /// [`Config::deduplication_window`](crate::engine::Config::deduplication_window) stores nothing.
    pub idempotency_key: Option<String>,
    /// The number of retries, instead of the queue's setting.
    pub max_retries: Option<u32>,
    /// Headers that pushes of the message have.
    pub headers: Headers,
}

/// A message that carries its rules, with complete settings.
#[derive(Clone, Debug, PartialEq)]
pub struct ToDestination {
    /// The destination that the publisher named.
    pub destination: Destination,
    /// The queue that orders the message. The engine creates it if it does not exist.
    pub queue: Option<QueueName>,
    /// The settings, in which the defaults of a URL group are already merged.
    pub settings: Settings,
}

/// A message to every endpoint of a URL group.
#[derive(Clone, Debug, PartialEq)]
pub struct ToGroup {
    /// The URL group.
    pub group: GroupName,
    /// The queue that orders the messages. The engine creates it if it does not exist.
    pub queue: Option<QueueName>,
    /// The publisher's settings. The engine completes them with the defaults that the group has when the publish
    /// arrives.
    pub settings: PartialSettings,
}

impl Target {
    /// The queue that orders the message, if the publisher named one.
    #[must_use]
    pub const fn queue(&self) -> Option<&QueueName> {
        match self {
            Self::Destination(to) => to.queue.as_ref(),
            Self::Group(to) => to.queue.as_ref(),
        }
    }
}

impl From<ToDestination> for Target {
    fn from(to: ToDestination) -> Self {
        Self::Destination(Box::new(to))
    }
}

impl From<ToGroup> for Target {
    fn from(to: ToGroup) -> Self {
        Self::Group(Box::new(to))
    }
}

/// The destination that the publisher named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// One URL, kept as the publisher wrote it.
    Url(Arc<str>),
    /// Every endpoint of a URL group.
    Group(GroupName),
    /// An API that the service has built in.
    Api {
        /// The API's name, for example `llm`.
        name: Arc<str>,
        /// The URL at which it is served.
        url: Arc<str>,
    },
}

impl Publish {
    /// A publish to a queue.
    #[must_use]
    pub fn to_queue(to: ToQueue, body: Bytes) -> Self {
        let to = To::Queue(Box::new(to));
        Self { to, body }
    }

    /// A publish to a destination.
    #[must_use]
    pub fn to_destination(to: impl Into<Target>, body: Bytes) -> Self {
        let to = To::Destination(to.into());
        Self { to, body }
    }
}

/// The result of a publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// The result for a queue, a URL or an API.
    One(PublishedMessage),
    /// The results for a URL group, in the order of its endpoints.
    Group(Vec<PublishedMessage>),
}

/// The result of a publish for one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedMessage {
    /// The id of the new message; after deduplication, that of the first one.
    pub id: MessageId,
    /// The URL of the endpoint, if the message carries its rules.
    pub url: Option<Arc<str>>,
    /// Whether nothing was stored, because an earlier publish of the same message is remembered.
    pub deduplicated: bool,
}

impl Published {
    /// The results, in the order of the endpoints.
    #[must_use]
    pub fn messages(&self) -> &[PublishedMessage] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Group(many) => many,
        }
    }
}
