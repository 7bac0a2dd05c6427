//! `/v1/queues`.

use bytes::Bytes;
use futures_util::stream::Stream;
use http::{Method, Response};
use serde::{Deserialize, Serialize};

use crate::call::{Call, pages};
use crate::client::Client;
use crate::endpoint::{Operation, Query, json, nothing, segment};
use crate::error::{BoxError, Error};
use crate::types::ids::QueueName;
use crate::types::page::Page;
use crate::v1::create_queue::CreateQueue;
use crate::v1::queue::Queue;

/// The operations on queues.
#[derive(Clone, Copy, Debug)]
pub struct Queues<'a> {
    client: &'a Client,
}

impl<'a> Queues<'a> {
    pub(crate) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Creates a queue, or updates the settings that you give of an existing one.
    pub fn create(self, name: impl AsRef<str>) -> CreateQueue<'a> {
        CreateQueue::new(self.client, name.as_ref())
    }

    /// Reads one queue.
    pub fn get(self, name: impl AsRef<str>) -> Call<'a, Queue> {
        let queue = QueueName::parse(name.as_ref());
        let make = |queue| on_queue("v1.queues.get", "read", Method::GET, &queue, "", json);
        Call::new(self.client, queue.map(make))
    }

    /// Lists all queues by name.
    pub fn list(self) -> ListQueues<'a> {
        ListQueues {
            client: self.client,
            prefix: None,
            limit: None,
            cursor: None,
        }
    }

    /// Deletes a queue with its messages. The server answers 409 `queue_is_dead_letter_target` while another queue
    /// names it as its dead-letter queue.
    pub fn delete(self, name: impl AsRef<str>) -> Call<'a, ()> {
        let name = name.as_ref();
        self.act("v1.queues.delete", "delete", Method::DELETE, name, "")
    }

    /// Pauses a queue: it hands out no messages, but still accepts them.
    pub fn pause(self, name: impl AsRef<str>) -> Call<'a, ()> {
        let name = name.as_ref();
        self.act("v1.queues.pause", "pause", Method::POST, name, "/pause")
    }

    /// Resumes a queue after [`pause`](Self::pause).
    pub fn resume(self, name: impl AsRef<str>) -> Call<'a, ()> {
        let name = name.as_ref();
        self.act("v1.queues.resume", "resume", Method::POST, name, "/resume")
    }

    fn act(
        self,
        span: &'static str,
        verb: &str,
        method: Method,
        name: &str,
        suffix: &str,
    ) -> Call<'a, ()> {
        let make = |queue| on_queue(span, verb, method, &queue, suffix, nothing).repeatable();
        Call::new(self.client, QueueName::parse(name).map(make))
    }

    /// Removes all messages of a queue.
    pub fn purge(self, name: impl AsRef<str>) -> Purge<'a> {
        Purge {
            client: self.client,
            name: QueueName::parse(name.as_ref()),
            forget_deduplication: false,
        }
    }

    /// Moves the messages of a dead-letter queue back to the queues that they came from, with all their retries.
    pub fn redrive(self, name: impl AsRef<str>) -> Redrive<'a> {
        let name = QueueName::parse(name.as_ref());
        Redrive {
            client: self.client,
            name,
            to: Ok(None),
            max_messages: None,
        }
    }
}

fn on_queue<T>(
    span: &'static str,
    verb: &str,
    method: Method,
    queue: &QueueName,
    suffix: &str,
    decode: fn(&Response<Bytes>) -> Result<T, BoxError>,
) -> Operation<T> {
    let path = format!("/v1/queues/{}{suffix}", segment(queue));
    Operation::new(
        span,
        format!("{verb} queue `{queue}`"),
        method,
        path,
        decode,
    )
}

/// A list of queues to ask for.
#[derive(Clone, Debug)]
#[must_use = "nothing is listed until you `send` or `stream` it"]
pub struct ListQueues<'a> {
    client: &'a Client,
    prefix: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

impl<'a> ListQueues<'a> {
    /// Lists only queues whose name begins with this.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// Limits how many queues a page holds.
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
    pub async fn send(self) -> Result<Page<Queue>, Error> {
        self.client.send(&self.operation()).await
    }

    /// Streams all queues from here on, with one page in memory at a time. Ends after the first error.
    pub fn stream(self) -> impl Stream<Item = Result<Queue, Error>> + Send + 'a {
        let cursor = self.cursor.clone();
        pages(Ok(self), cursor, |list, cursor| {
            Self {
                cursor,
                ..list.clone()
            }
            .send()
        })
    }

    fn operation(&self) -> Operation<Page<Queue>> {
        let mut query = Query::default();
        query.push_some("prefix", self.prefix.as_ref());
        query.push_some("limit", self.limit);
        query.push_some("cursor", self.cursor.as_ref());
        let path = format!("/v1/queues{}", query.as_str());
        Operation::new(
            "v1.queues.list",
            "list queues",
            Method::GET,
            path,
            |response| {
                #[derive(Deserialize)]
                struct Answer {
                    queues: Vec<Queue>,
                    #[serde(default)]
                    cursor: Option<String>,
                }
                json::<Answer>(response).map(|answer| Page::new(answer.queues, answer.cursor))
            },
        )
    }
}

/// A removal of all messages of a queue.
#[derive(Debug)]
#[must_use = "nothing is removed until you `send` it"]
pub struct Purge<'a> {
    client: &'a Client,
    name: Result<QueueName, Error>,
    forget_deduplication: bool,
}

impl Purge<'_> {
    /// Makes the server forget the deduplication keys of the queue, too, so that the messages can be published again
    /// with the same keys at once. Without it the keys stay for their 10 minutes.
    pub fn forget_deduplication(mut self) -> Self {
        self.forget_deduplication = true;
        self
    }

    /// Removes the messages and returns how many. The client does not try again after a failure in which the server may
    /// have handled the call: that would remove messages published since.
    ///
    /// # Errors
    /// See [`Call::send`].
    ///
    /// # Cancel safety
    /// Dropping the future leaves open how many messages were removed.
    pub async fn send(self) -> Result<u64, Error> {
        let operation = purge(&self.name?, self.forget_deduplication);
        self.client.send(&operation).await
    }
}

fn purge(name: &QueueName, forget_deduplication: bool) -> Operation<u64> {
    let suffix = if forget_deduplication {
        "/purge?forget_deduplication=true"
    } else {
        "/purge"
    };
    let decode = |response: &Response<Bytes>| {
        #[derive(Deserialize)]
        struct Answer {
            purged: u64,
        }
        json::<Answer>(response).map(|answer| answer.purged)
    };
    on_queue(
        "v1.queues.purge",
        "purge",
        Method::POST,
        name,
        suffix,
        decode,
    )
}

/// A move of messages out of a dead-letter queue.
#[derive(Debug)]
#[must_use = "nothing is moved until you `send` it"]
pub struct Redrive<'a> {
    client: &'a Client,
    name: Result<QueueName, Error>,
    to: Result<Option<QueueName>, Error>,
    max_messages: Option<u64>,
}

#[derive(Serialize)]
struct RedriveBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a QueueName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_messages: Option<u64>,
}

impl Redrive<'_> {
    /// Moves all messages to this queue.
    pub fn to(mut self, queue: impl AsRef<str>) -> Self {
        self.to = QueueName::parse(queue.as_ref()).map(Some);
        self
    }

    /// Moves at most this many messages.
    pub fn max_messages(mut self, max: u64) -> Self {
        self.max_messages = Some(max);
        self
    }

    /// Moves the messages and returns how many. The client does not try again after a failure in which the server may
    /// have handled the call.
    ///
    /// # Errors
    /// See [`Call::send`].
    ///
    /// # Cancel safety
    /// Dropping the future leaves open how many messages were moved.
    pub async fn send(self) -> Result<u64, Error> {
        let operation = redrive(&self.name?, self.to?.as_ref(), self.max_messages)?;
        self.client.send(&operation).await
    }
}

fn redrive(
    name: &QueueName,
    to: Option<&QueueName>,
    max_messages: Option<u64>,
) -> Result<Operation<u64>, Error> {
    on_queue(
        "v1.queues.redrive",
        "redrive",
        Method::POST,
        name,
        "/redrive",
        |response| {
            #[derive(Deserialize)]
            struct Answer {
                redriven: u64,
            }
            json::<Answer>(response).map(|answer| answer.redriven)
        },
    )
    .json(&RedriveBody { to, max_messages })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> QueueName {
        QueueName::parse("orders").expect("valid")
    }

    #[test]
    fn a_redrive_names_only_what_differs_from_the_default() {
        let to = QueueName::parse("b").expect("valid");
        assert_eq!(
            redrive(&name(), None, None).expect("builds").to_text(),
            "POST /v1/queues/orders/redrive\ncontent-type: application/json\n\n{}"
        );
        assert_eq!(
            redrive(&name(), Some(&to), Some(5))
                .expect("builds")
                .to_text(),
            "POST /v1/queues/orders/redrive\ncontent-type: application/json\n\n\
             {\"to\":\"b\",\"max_messages\":5}"
        );
    }
}
