//! The v2 protocol: Upstash's hosted QStash API.
//!
//! Everything starts at [`Client::v2`](crate::Client::v2), is set up by methods that take and return the
//! call, and ends with `.send().await`. Lists also end with `.stream()`.
//!
//! - A publish has exactly one destination: a URL as text, a [`Group`], an [`Api`], an [`Llm`] or an [`Email`].
//!   URLs are sent byte for byte; one that URL parsing would change is refused.
//! - Nothing destructive is reached by an empty id, list or filter: filters hold at least one condition, and
//!   everything is spelt [`All`].
//! - A publish carries a random deduplication id unless told otherwise, so that repeating it is safe; without one it is
//!   repeated only when it certainly did not arrive.
//! - What the service says and this version does not know is kept, in the field `other` of each answer.

mod batch;
mod callback;
mod destination;
mod dlq;
mod fields;
mod filter;
mod flow_control;
mod headers;
mod keys;
mod limits;
mod list;
mod llm;
mod logs;
mod message;
mod messages;
mod options;
mod publish;
mod published;
mod queues;
mod retry_delay;
mod schedule;
mod schedules;
mod setters;
mod settings;
mod url_groups;

pub use self::batch::Batch;
pub use self::callback::Callback;
pub use self::destination::{Api, Destination, Group, Target};
pub use self::dlq::{DeleteDlq, Deleted, Dlq, GetDeadLetter, Retried, RetryDeadLetter, RetryDlq};
pub use self::fields::{Headers, Other};
pub use self::filter::{All, DlqFilter, LogFilter, MessageFilter, Order};
pub use self::flow_control::{FlowControlState, FlowControls, GlobalParallelism, Pin, Unpin};
pub use self::keys::{Keys, SigningKeys};
pub use self::limits::FlowControl;
pub use self::list::{List, Listed, PagedList};
pub use self::llm::{Email, Llm};
pub use self::logs::{LogEntry, LogState};
pub use self::message::{DeadLetter, Message};
pub use self::messages::{CancelMessages, Messages};
pub use self::options::Redact;
pub use self::publish::{NewMessage, Publish};
pub use self::published::{Answer, GroupPublished, Published, Receipt};
pub use self::queues::{Queue, Queues, UpsertQueue};
pub use self::retry_delay::{RetryDelay, retried};
pub use self::schedule::Schedule;
pub use self::schedules::{CreateSchedule, Schedules};
pub use self::url_groups::{Endpoint, EndpointRef, EndpointView, SetDefaults, UrlGroup, UrlGroups};
pub use crate::call::Call;

use crate::client::Client;

/// The operations of v2. Cheap: a borrowed [`Client`].
#[derive(Clone, Copy, Debug)]
pub struct V2<'a> {
    client: &'a Client,
}

impl<'a> V2<'a> {
    pub(crate) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Publishes one message to one destination: an `http(s)://` URL as text, a [`Group`], an [`Api`], an
    /// [`Llm`] or an [`Email`]. To a URL group it answers [`GroupPublished`], else [`Published`].
    pub fn publish<D: Destination>(self, destination: D) -> Publish<'a, D::Answer> {
        Publish::new(self.client, NewMessage::to(destination))
    }

    /// Publishes one message through a queue, which delivers in order. The queue is created with parallelism 1 if
    /// there is none of that name.
    pub fn enqueue<D: Destination>(
        self,
        queue: impl AsRef<str>,
        destination: D,
    ) -> Publish<'a, D::Answer> {
        Publish::new(self.client, NewMessage::to(destination).queue(queue))
    }

    /// Publishes messages to any destinations in one request. Each fails or succeeds on its own.
    pub fn batch(self, messages: impl IntoIterator<Item = NewMessage>) -> Batch<'a> {
        Batch::new(self.client, messages)
    }

    /// Looks at pending messages and cancels them.
    #[must_use]
    pub fn messages(self) -> Messages<'a> {
        Messages::new(self.client)
    }

    /// Creates, looks at and manages queues.
    #[must_use]
    pub fn queues(self) -> Queues<'a> {
        Queues::new(self.client)
    }

    /// Manages URL groups.
    #[must_use]
    pub fn url_groups(self) -> UrlGroups<'a> {
        UrlGroups::new(self.client)
    }

    /// Manages schedules.
    #[must_use]
    pub fn schedules(self) -> Schedules<'a> {
        Schedules::new(self.client)
    }

    /// Looks at messages that ran out of retries, deletes them, publishes them anew.
    #[must_use]
    pub fn dlq(self) -> Dlq<'a> {
        Dlq::new(self.client)
    }

    /// What happened to messages, newest first.
    pub fn logs(self) -> PagedList<'a, LogEntry> {
        PagedList::new(self.client)
    }

    /// Looks at limits on deliveries and changes them.
    #[must_use]
    pub fn flow_control(self) -> FlowControls<'a> {
        FlowControls::new(self.client)
    }

    /// The keys that sign deliveries.
    #[must_use]
    pub fn keys(self) -> Keys<'a> {
        Keys::new(self.client)
    }
}
