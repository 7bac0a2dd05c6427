//! What a publisher asks for, and what comes of it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::carried_rules::Settings;
use super::headers::Headers;
use super::id::{GroupName, MessageId, QueueName};
use super::partial_settings::PartialSettings;

/// A message to be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Publish {
    /// Where to, and by whose rules.
    pub to: To,
    /// The bytes to deliver, unchanged. The engine hands them on to the body store and never looks inside.
    pub body: Bytes,
}

/// Where a message goes, and by whose rules.
#[derive(Clone, Debug, PartialEq)]
pub enum To {
    /// Into a queue, by whose rules it is delivered or received.
    Queue(Box<ToQueue>),
    /// To a destination, by the rules that it carries.
    Destination(Target),
}

/// Where a message goes that carries its rules.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// By settings to which nothing is added.
    Destination(Box<ToDestination>),
    /// By settings to which a URL group adds its own.
    Group(Box<ToGroup>),
}

/// A message that follows the rules of its queue.
#[derive(Clone, Debug, PartialEq)]
pub struct ToQueue {
    /// Where to; made if absent.
    pub queue: QueueName,
    /// Invisible for so long.
    pub delay: Duration,
    /// Names the logical operation: a second publish with it inside the window stores nothing.
    pub idempotency_key: Option<String>,
    /// Instead of the queue's own setting.
    pub max_retries: Option<u32>,
    /// Sent along with the webhook.
    pub headers: Headers,
}

/// A message that carries its rules, with nothing left to be said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ToDestination {
    /// Where to.
    pub destination: Destination,
    /// Through this queue; made if absent.
    pub queue: Option<QueueName>,
    /// What else was said, the defaults of a URL group among it.
    pub settings: Settings,
}

/// A message to every endpoint of a URL group.
#[derive(Clone, Debug, PartialEq)]
pub struct ToGroup {
    /// Where to.
    pub group: GroupName,
    /// Through this queue; made if absent.
    pub queue: Option<QueueName>,
    /// What else the publisher said. Where it is silent, the group's defaults of that moment speak.
    pub settings: PartialSettings,
}

impl Target {
    /// The queue that the message goes through.
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

/// What the publisher named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// One URL, kept as it was given.
    Url(Arc<str>),
    /// Every endpoint of a URL group.
    Group(GroupName),
    /// A built-in API.
    Api {
        /// Its name, for example `llm`.
        name: Arc<str>,
        /// Where it is served.
        url: Arc<str>,
    },
}

impl Publish {
    /// A message for a queue.
    #[must_use]
    pub fn to_queue(to: ToQueue, body: Bytes) -> Self {
        let to = To::Queue(Box::new(to));
        Self { to, body }
    }

    /// A message for a destination.
    #[must_use]
    pub fn to_destination(to: impl Into<Target>, body: Bytes) -> Self {
        let to = To::Destination(to.into());
        Self { to, body }
    }
}

/// What became of a publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// To a queue, a URL or an API.
    One(PublishedMessage),
    /// To each endpoint of a URL group, in their order.
    Group(Vec<PublishedMessage>),
}

/// A message for one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedMessage {
    /// The new message, or the first one of its kind.
    pub id: MessageId,
    /// Where to, if it carries its rules.
    pub url: Option<Arc<str>>,
    /// Whether nothing was stored, because the first one is remembered.
    pub deduplicated: bool,
}

impl Published {
    /// The messages, in the order of their endpoints.
    #[must_use]
    pub fn messages(&self) -> &[PublishedMessage] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Group(many) => many,
        }
    }
}
