//! Where v2 begins: `Client::v2` and what it offers.

use crate::client::Client;
use crate::v2::batch::Batch;
use crate::v2::destination::Destination;
use crate::v2::dlq::Dlq;
use crate::v2::flow_control::FlowControls;
use crate::v2::keys::Keys;
use crate::v2::list::PagedList;
use crate::v2::logs::LogEntry;
use crate::v2::messages::Messages;
use crate::v2::publish::{NewMessage, Publish};
use crate::v2::queues::Queues;
use crate::v2::schedules::Schedules;
use crate::v2::url_groups::UrlGroups;

impl Client {
    /// Speaks the v2 dialect: Upstash's hosted API.
    #[must_use]
    pub fn v2(&self) -> V2<'_> {
        V2 { client: self }
    }
}

/// The operations of v2. It borrows the [`Client`], and copies are free.
#[derive(Clone, Copy, Debug)]
pub struct V2<'a> {
    client: &'a Client,
}

impl<'a> V2<'a> {
    /// Publishes one message to one destination: an `http(s)://` URL as text, a [`Group`](crate::v2::Group), an
    /// [`Api`](crate::v2::Api), an [`Llm`](crate::v2::Llm) or an [`Email`](crate::v2::Email). Returns
    /// [`GroupPublished`](crate::v2::GroupPublished) for a URL group, and [`Published`](crate::v2::Published) for
    /// anything else.
    pub fn publish<D: Destination>(self, destination: D) -> Publish<'a, D::Answer> {
        Publish::new(self.client, NewMessage::to(destination))
    }

    /// Publishes one message through a queue, which delivers in order. If no queue has that name, the service creates
    /// it with parallelism 1.
    pub fn enqueue<D: Destination>(
        self,
        queue: impl AsRef<str>,
        destination: D,
    ) -> Publish<'a, D::Answer> {
        Publish::new(self.client, NewMessage::to(destination).queue(queue))
    }

    /// Publishes messages to any destinations in one request. Each succeeds or fails on its own.
    pub fn batch(self, messages: impl IntoIterator<Item = NewMessage>) -> Batch<'a> {
        Batch::new(self.client, messages)
    }

    /// Reads and cancels messages that are not finished.
    #[must_use]
    pub fn messages(self) -> Messages<'a> {
        Messages::new(self.client)
    }

    /// Creates, reads, lists and manages queues.
    #[must_use]
    pub fn queues(self) -> Queues<'a> {
        Queues::new(self.client)
    }

    /// Creates, reads, lists and manages URL groups.
    #[must_use]
    pub fn url_groups(self) -> UrlGroups<'a> {
        UrlGroups::new(self.client)
    }

    /// Creates, reads, lists and manages schedules.
    #[must_use]
    pub fn schedules(self) -> Schedules<'a> {
        Schedules::new(self.client)
    }

    /// Reads, deletes and retries the messages that ran out of retries: the dead-letter list, which the service calls
    /// DLQ.
    #[must_use]
    pub fn dlq(self) -> Dlq<'a> {
        Dlq::new(self.client)
    }

    /// Lists the log: what happened to messages, newest first.
    pub fn logs(self) -> PagedList<'a, LogEntry> {
        PagedList::new(self.client)
    }

    /// Reads and changes the limits on deliveries that share a flow-control key.
    #[must_use]
    pub fn flow_control(self) -> FlowControls<'a> {
        FlowControls::new(self.client)
    }

    /// Reads and rotates the keys that sign deliveries.
    #[must_use]
    pub fn keys(self) -> Keys<'a> {
        Keys::new(self.client)
    }
}
