//! `/v1/messages` and `/v1/queues/{name}/messages`: reads, lists and cancels messages, and ends leases by id.

use std::time::Duration;

use futures_util::stream::Stream;
use http::Method;
use serde::Deserialize;

use crate::call::{Call, pages};
use crate::client::Client;
use crate::endpoint::{Operation, Query, json, nothing, segment};
use crate::error::{BoxError, Error};
use crate::timing::{Seconds, Timestamp};
use crate::types::ids::{LeaseId, MessageId, QueueName};
use crate::types::page::Page;
use crate::v1::message::{MessageState, MessageView};
use crate::v1::wire::{ExtendAnswer, SettleBody};

/// The outcome of a cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Cancelled {
    /// False if the message was already finished.
    pub cancelled: bool,
}

/// The operations on messages by id.
#[derive(Clone, Copy, Debug)]
pub struct Messages<'a> {
    client: &'a Client,
}

impl<'a> Messages<'a> {
    pub(crate) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Reads one message. A finished message stays readable for 10 minutes.
    pub fn get(self, id: impl AsRef<str>) -> Call<'a, MessageView> {
        Call::new(
            self.client,
            by_id(
                "v1.messages.get",
                "read",
                Method::GET,
                id.as_ref(),
                "",
                json,
            ),
        )
    }

    /// Cancels a message. If it is already finished, nothing happens, and the answer says so.
    pub fn cancel(self, id: impl AsRef<str>) -> Call<'a, Cancelled> {
        let operation = by_id(
            "v1.messages.cancel",
            "cancel",
            Method::DELETE,
            id.as_ref(),
            "",
            json,
        );
        Call::new(self.client, operation.map(Operation::repeatable))
    }

    /// Lists the messages of a queue, without leasing them.
    pub fn list(self, queue: impl AsRef<str>) -> ListMessages<'a> {
        let queue = QueueName::parse(queue.as_ref());
        ListMessages {
            client: self.client,
            queue,
            state: None,
            limit: None,
            cursor: None,
        }
    }

    /// Keeps a message hidden for `visibility` from now, up to 12 h; with zero it becomes visible at once. Works under
    /// any lease and while a webhook call is in flight. Returns when the lease ends.
    pub fn extend(self, id: impl AsRef<str>, visibility: Duration) -> OnLease<'a, Timestamp> {
        let body = Settle {
            visibility: Some(visibility),
            ..Settle::new(id.as_ref())
        };
        OnLease {
            client: self.client,
            body,
            make: extend,
        }
    }

    /// Acknowledges a message: it is processed.
    pub fn ack(self, id: impl AsRef<str>) -> OnLease<'a, ()> {
        OnLease {
            client: self.client,
            body: Settle::new(id.as_ref()),
            make: ack,
        }
    }

    /// Releases a message: it was not processed, and becomes visible again after `delay`. This counts as a failed
    /// attempt.
    pub fn release(self, id: impl AsRef<str>, delay: Duration) -> OnLease<'a, ()> {
        let body = Settle {
            delay: Some(delay),
            ..Settle::new(id.as_ref())
        };
        OnLease {
            client: self.client,
            body,
            make: release,
        }
    }
}

fn by_id<T>(
    span: &'static str,
    verb: &str,
    method: Method,
    id: &str,
    suffix: &str,
    decode: fn(&http::Response<bytes::Bytes>) -> Result<T, BoxError>,
) -> Result<Operation<T>, Error> {
    let id = MessageId::parse(id)?;
    let path = format!("/v1/messages/{}{suffix}", segment(&id));
    Ok(Operation::new(
        span,
        format!("{verb} message `{id}`"),
        method,
        path,
        decode,
    ))
}

/// What extending, acknowledging and releasing need.
#[derive(Debug)]
pub(crate) struct Settle {
    id: String,
    visibility: Option<Duration>,
    delay: Option<Duration>,
    lease: Result<Option<LeaseId>, Error>,
}

impl Settle {
    fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            visibility: None,
            delay: None,
            lease: Ok(None),
        }
    }
}

/// A call that extends, acknowledges or releases a message by its id.
#[must_use = "nothing happens until you `send` it"]
pub struct OnLease<'a, T> {
    client: &'a Client,
    body: Settle,
    make: fn(Settle) -> Result<Operation<T>, Error>,
}

impl<T> OnLease<'_, T> {
    /// Works only while this lease is the current one; otherwise the server answers 409 `lease_lost`. A webhook finds
    /// its lease in the header `QStash-Lease-Id`. Without a lease the call may end another consumer's lease, so the
    /// client then tries again only if the call certainly did nothing.
    pub fn lease_id(mut self, lease: impl AsRef<str>) -> Self {
        self.body.lease = LeaseId::parse(lease.as_ref()).map(Some);
        self
    }

    /// Sends the call.
    ///
    /// # Errors
    /// Besides those of every call, [`Conflict`](crate::ErrorKind::Conflict) with the code `lease_lost` or
    /// `not_leased`, and [`NotFound`](crate::ErrorKind::NotFound). After a retry, `lease_lost` may also mean that the
    /// first try had worked.
    ///
    /// # Cancel safety
    /// Dropping the future leaves open whether the server handled the call.
    pub async fn send(self) -> Result<T, Error> {
        self.client.send(&(self.make)(self.body)?).await
    }
}

impl<T> std::fmt::Debug for OnLease<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.body.fmt(f)
    }
}

fn settle<T>(
    span: &'static str,
    verb: &str,
    settle: Settle,
    decode: fn(&http::Response<bytes::Bytes>) -> Result<T, BoxError>,
) -> Result<Operation<T>, Error> {
    let lease = settle.lease?;
    by_id(
        span,
        verb,
        Method::POST,
        &settle.id,
        &format!("/{verb}"),
        decode,
    )?
    .repeatable_if(lease.is_some())
    .json(&SettleBody {
        visibility_seconds: settle.visibility.map(Seconds),
        delay_seconds: settle.delay.map(Seconds),
        lease_id: lease.as_ref(),
    })
}

fn extend(body: Settle) -> Result<Operation<Timestamp>, Error> {
    settle("v1.messages.extend", "extend", body, |response| {
        json::<ExtendAnswer>(response).map(|answer| answer.lease_expires_at)
    })
}

fn ack(body: Settle) -> Result<Operation<()>, Error> {
    settle("v1.messages.ack", "ack", body, nothing)
}

fn release(body: Settle) -> Result<Operation<()>, Error> {
    settle("v1.messages.release", "release", body, nothing)
}

/// A list of messages to ask for.
#[derive(Debug)]
#[must_use = "nothing is listed until you `send` or `stream` it"]
pub struct ListMessages<'a> {
    client: &'a Client,
    queue: Result<QueueName, Error>,
    state: Option<MessageState>,
    limit: Option<u32>,
    cursor: Option<String>,
}

impl<'a> ListMessages<'a> {
    /// Lists only messages in this state.
    pub fn state(mut self, state: MessageState) -> Self {
        self.state = Some(state);
        self
    }

    /// Limits how many messages a page holds.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Continues where an earlier page ended.
    pub fn cursor(mut self, cursor: impl Into<String>) -> Self {
        self.cursor = Some(cursor.into());
        self
    }

    /// Reads one page.
    ///
    /// # Errors
    /// See [`Call::send`].
    pub async fn send(self) -> Result<Page<MessageView>, Error> {
        let operation = list(&self.queue?, self.state, self.limit, self.cursor.as_deref());
        self.client.send(&operation).await
    }

    /// Streams all messages from here on, with one page in memory at a time. Ends after the first error, which may be
    /// that the queue's name is not valid.
    pub fn stream(self) -> impl Stream<Item = Result<MessageView, Error>> + Send + 'a {
        let Self {
            client,
            queue,
            state,
            limit,
            cursor,
        } = self;
        pages(queue, cursor, move |queue, cursor| {
            let operation = list(queue, state, limit, cursor.as_deref());
            async move { client.send(&operation).await }
        })
    }
}

fn list(
    queue: &QueueName,
    state: Option<MessageState>,
    limit: Option<u32>,
    cursor: Option<&str>,
) -> Operation<Page<MessageView>> {
    let mut query = Query::default();
    query.push_some("state", state.map(MessageState::wire_name));
    query.push_some("limit", limit);
    query.push_some("cursor", cursor);
    let path = format!("/v1/queues/{}/messages{}", segment(queue), query.as_str());
    let attempted = format!("list messages of queue `{queue}`");
    Operation::new(
        "v1.messages.list",
        attempted,
        Method::GET,
        path,
        |response| {
            #[derive(Deserialize)]
            struct Answer {
                messages: Vec<MessageView>,
                #[serde(default)]
                cursor: Option<String>,
            }
            json::<Answer>(response).map(|answer| Page::new(answer.messages, answer.cursor))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Safety;

    fn lease(body: Settle) -> Settle {
        Settle {
            lease: LeaseId::parse("l-1").map(Some),
            ..body
        }
    }

    #[test]
    fn settling_is_fenced_and_repeatable_only_with_a_lease() {
        let head = |verb: &str| {
            format!("POST /v1/messages/m-1/{verb}\ncontent-type: application/json\n\n")
        };
        let body = Settle {
            visibility: Some(Duration::from_secs(60)),
            ..Settle::new("m-1")
        };
        let fenced = extend(lease(body)).expect("builds");
        assert_eq!(
            fenced.to_text(),
            head("extend") + "{\"visibility_seconds\":60,\"lease_id\":\"l-1\"}"
        );
        assert_eq!(fenced.safety, Safety::Repeatable);

        let open = ack(Settle::new("m-1")).expect("builds");
        assert_eq!(open.to_text(), head("ack") + "{}");
        assert_eq!(open.safety, Safety::Once);

        let body = Settle {
            delay: Some(Duration::ZERO),
            ..Settle::new("m-1")
        };
        let released = release(lease(body)).expect("builds");
        assert_eq!(
            released.to_text(),
            head("release") + "{\"delay_seconds\":0,\"lease_id\":\"l-1\"}"
        );
    }

    #[test]
    fn ids_cannot_reach_another_route() {
        for bad in ["", ".", "..", " "] {
            assert!(ack(Settle::new(bad)).is_err(), "{bad:?}");
        }
        let path = ack(Settle::new("a/../b?c")).expect("builds").path;
        assert_eq!(path, "/v1/messages/a%2F..%2Fb%3Fc/ack");
    }

    #[test]
    fn a_list_names_its_filters() {
        let queue = QueueName::parse("q").expect("valid");
        let all = list(&queue, None, None, None);
        assert_eq!(all.to_text(), "GET /v1/queues/q/messages\n");
        let some = list(&queue, Some(MessageState::InFlight), Some(10), Some("5"));
        assert_eq!(
            some.to_text(),
            "GET /v1/queues/q/messages?state=in_flight&limit=10&cursor=5\n"
        );
    }
}
