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
    /// The v2 protocol: Upstash's hosted API.
    #[must_use]
    pub fn v2(&self) -> V2<'_> {
        V2 { client: self }
    }
}

/// The operations of v2. Cheap: a borrowed [`Client`].
#[derive(Clone, Copy, Debug)]
pub struct V2<'a> {
    client: &'a Client,
}

impl<'a> V2<'a> {
    /// Publishes one message to one destination: an `http(s)://` URL as text, a
    /// [`Group`](crate::v2::Group), an [`Api`](crate::v2::Api), an [`Llm`](crate::v2::Llm) or an
    /// [`Email`](crate::v2::Email). To a URL group it answers [`GroupPublished`](crate::v2::GroupPublished), else
    /// [`Published`](crate::v2::Published).
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
