//! `/v2/dlq`: the dead-letter list.

use http::Method;

use crate::call::Call;
use crate::client::Client;
use crate::endpoint::{Operation, Query, json, nothing, segment};
use crate::error::{ApiError, Error};
use crate::types::ids::DlqId;
use crate::types::other::Other;
use crate::v2::destination::answer;
use crate::v2::fields::Fields;
use crate::v2::filter::{All, DlqFilter};
use crate::v2::list::PagedList;
use crate::v2::message::{DeadLetter, DeadLetterWithoutId};
use crate::v2::messages::{Selection, many, matching};
use crate::v2::operation;
use crate::v2::options::Options;
use crate::v2::published::{Answer as _, GroupPublished, Published, entry};
use crate::v2::setters::delivery_setters;

/// The most entries that one request deletes or retries.
const COUNT_MAX: u32 = 100;

/// The operations on the dead-letter list: the messages that ran out of retries.
#[derive(Clone, Copy, Debug)]
pub struct Dlq<'a> {
    client: &'a Client,
}

impl<'a> Dlq<'a> {
    pub(crate) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Lists the entries, in pages of up to 100.
    pub fn list(self) -> PagedList<'a, DeadLetter> {
        PagedList::new(self.client)
    }

    /// Reads one entry.
    pub fn get(self, id: impl AsRef<str>) -> GetDeadLetter<'a> {
        GetDeadLetter {
            client: self.client,
            id: DlqId::parse(id.as_ref()),
        }
    }

    /// Deletes one entry. The service answers 404 if it does not exist.
    pub fn delete(self, id: impl AsRef<str>) -> Call<'a, ()> {
        let make = |id| {
            let attempted = format!("delete dead letter `{id}`");
            let path = format!("/v2/dlq/{}", segment(&id));
            let name = "v2.dlq.delete";
            operation::new(name, attempted, Method::DELETE, path, nothing).repeatable()
        };
        Call::new(self.client, DlqId::parse(id.as_ref()).map(make))
    }

    /// Deletes up to 100 entries. Ids that do not exist are not counted. Without any id nothing is sent.
    pub fn delete_many<I: AsRef<str>>(self, ids: impl IntoIterator<Item = I>) -> DeleteDlq<'a> {
        self.delete_by(by_ids(ids))
    }

    /// Deletes the entries that match the filter, up to 100 in each request.
    pub fn delete_matching(self, filter: DlqFilter) -> DeleteDlq<'a> {
        self.delete_by(matching(filter.0))
    }

    /// Deletes all entries, up to 100 in each request.
    pub fn delete_all(self, _: All) -> DeleteDlq<'a> {
        self.delete_by(Ok(Selection::All))
    }

    fn delete_by(self, selection: Result<Selection, Error>) -> DeleteDlq<'a> {
        DeleteDlq {
            client: self.client,
            bulk: Bulk::new(selection),
        }
    }

    /// Publishes the message of one entry again, with the stored body and headers and under a new id. The entry is
    /// removed.
    pub fn retry(self, id: impl AsRef<str>) -> RetryDeadLetter<'a> {
        RetryDeadLetter {
            client: self.client,
            id: DlqId::parse(id.as_ref()),
            options: Options::without_deduplication(),
        }
    }

    /// Publishes the messages of up to 100 entries again. Without any id nothing is sent.
    pub fn retry_many<I: AsRef<str>>(self, ids: impl IntoIterator<Item = I>) -> RetryDlq<'a> {
        self.retry_by(by_ids(ids))
    }

    /// Publishes the messages of the entries that match the filter again, up to 100 in each request.
    pub fn retry_matching(self, filter: DlqFilter) -> RetryDlq<'a> {
        self.retry_by(matching(filter.0))
    }

    /// Publishes the messages of all entries again, up to 100 in each request.
    pub fn retry_all(self, _: All) -> RetryDlq<'a> {
        self.retry_by(Ok(Selection::All))
    }

    fn retry_by(self, selection: Result<Selection, Error>) -> RetryDlq<'a> {
        RetryDlq {
            client: self.client,
            bulk: Bulk::new(selection),
            options: Options::without_deduplication(),
        }
    }
}

impl PagedList<'_, DeadLetter> {
    /// Lists only entries that match the filter. A second call replaces the first.
    pub fn filter(self, filter: DlqFilter) -> Self {
        self.by(filter.0)
    }
}

fn by_ids<I: AsRef<str>>(ids: impl IntoIterator<Item = I>) -> Result<Selection, Error> {
    many("dlqIds", ids, |id| DlqId::parse(id).map(String::from))
}

/// A request for one entry.
#[derive(Debug)]
#[must_use = "nothing is read until you `send` it"]
pub struct GetDeadLetter<'a> {
    client: &'a Client,
    id: Result<DlqId, Error>,
}

impl GetDeadLetter<'_> {
    /// Reads the entry.
    ///
    /// # Errors
    /// See [`Call::send`].
    pub async fn send(self) -> Result<DeadLetter, Error> {
        let id = self.id?;
        let attempted = format!("read dead letter `{id}`");
        let path = format!("/v2/dlq/{}", segment(&id));
        let operation: Operation<DeadLetterWithoutId> =
            operation::new("v2.dlq.get", attempted, Method::GET, path, json);
        let read = self.client.send(&operation).await?;
        Ok(read.with_id(id))
    }
}

/// What a bulk operation on the dead-letter list selects, and how far it has come.
#[derive(Debug)]
struct Bulk {
    selection: Result<Selection, Error>,
    count: Option<u32>,
    cursor: Option<String>,
}

impl Bulk {
    fn new(selection: Result<Selection, Error>) -> Self {
        Self {
            selection,
            count: None,
            cursor: None,
        }
    }

    /// Returns the query of the next request, or `None` if there is nothing to do.
    fn query(&self) -> Result<Option<Query>, Error> {
        let selection = self.selection.as_ref().map_err(Error::clone)?;
        if self
            .count
            .is_some_and(|count| !(1..=COUNT_MAX).contains(&count))
        {
            return Err(Error::invalid(format!("count must be 1 to {COUNT_MAX}")));
        }
        Ok(selection.query().map(|mut query| {
            query.push_some("count", self.count);
            query.push_some("cursor", self.cursor.as_ref());
            query
        }))
    }

    fn is_fixed(&self) -> bool {
        self.selection.as_ref().is_ok_and(Selection::is_fixed)
    }

    /// Continues after a request. Returns false when all is done.
    fn advance(&mut self, cursor: Option<&String>) -> bool {
        // A cursor that leads to itself would never end.
        let goes_on = cursor.is_some() && cursor != self.cursor.as_ref();
        self.cursor = cursor.cloned();
        goes_on
    }
}

/// The outcome of one request that deletes entries.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deleted {
    /// How many entries the request deleted.
    pub deleted: u64,
    /// The cursor of the next request; `None` when all is done.
    pub cursor: Option<String>,
    /// Fields that this version does not know.
    pub other: Other,
}

/// A deletion of several entries.
#[derive(Debug)]
#[must_use = "nothing is deleted until you `send` it"]
pub struct DeleteDlq<'a> {
    client: &'a Client,
    bulk: Bulk,
}

impl DeleteDlq<'_> {
    /// Limits how many entries each request deletes, 1 to 100. 100 by default.
    pub fn count(mut self, count: u32) -> Self {
        self.bulk.count = Some(count);
        self
    }

    /// Continues where an earlier request ended.
    pub fn cursor(mut self, cursor: impl Into<String>) -> Self {
        self.bulk.cursor = Some(cursor.into());
        self
    }

    /// Sends one request, which deletes as many entries as one request can.
    ///
    /// # Errors
    /// When an id, the filter or the count is not valid (then nothing is sent); otherwise see [`Call::send`].
    ///
    /// # Cancel safety
    /// Dropping the future leaves open how many entries were deleted.
    pub async fn send(self) -> Result<Deleted, Error> {
        self.step().await
    }

    /// Deletes all selected entries, request by request. Returns how many were deleted.
    ///
    /// # Errors
    /// Stops at the first error. What was deleted before it stays deleted.
    ///
    /// # Cancel safety
    /// Dropping the future leaves open how many entries were deleted.
    pub async fn send_all(mut self) -> Result<u64, Error> {
        let mut deleted = 0;
        loop {
            let step = self.step().await?;
            deleted += step.deleted;
            if !self.bulk.advance(step.cursor.as_ref()) {
                return Ok(deleted);
            }
        }
    }

    async fn step(&self) -> Result<Deleted, Error> {
        let Some(query) = self.bulk.query()? else {
            return Ok(Deleted {
                deleted: 0,
                cursor: None,
                other: Other::new(),
            });
        };
        let path = format!("/v2/dlq{}", query.as_str());
        let name = "v2.dlq.delete";
        let operation = operation::new(name, "delete dead letters", Method::DELETE, path, |r| {
            let mut fields: Fields = json(r)?;
            Ok(Deleted {
                deleted: fields
                    .number("deleted")
                    .ok_or("the field `deleted` is missing or not a number")?,
                cursor: fields.text("cursor").filter(|cursor| !cursor.is_empty()),
                other: fields.rest(),
            })
        });
        let operation = operation.repeatable_if(self.bulk.is_fixed());
        self.client.send(&operation).await
    }
}

/// A retry of one entry. Each option replaces what is stored with the message.
#[derive(Debug)]
#[must_use = "nothing is retried until you `send` it"]
pub struct RetryDeadLetter<'a> {
    client: &'a Client,
    id: Result<DlqId, Error>,
    options: Options,
}

impl RetryDeadLetter<'_> {
    delivery_setters!(options);

    /// Publishes the message again. The client does not try again after a failure in which the service may have handled
    /// the call.
    ///
    /// # Errors
    /// See [`Call::send`]; [`NotFound`](crate::ErrorKind::NotFound) when the entry does not exist.
    ///
    /// # Cancel safety
    /// Dropping the future leaves open whether the message was published.
    pub async fn send(self) -> Result<Published, Error> {
        let id = self.id?;
        let attempted = format!("retry dead letter `{id}`");
        let path = format!("/v2/dlq/retry/{}", segment(&id));
        let headers = self.options.into_headers()?;
        let name = "v2.dlq.retry";
        let mut operation =
            operation::new(name, attempted, Method::POST, path, answer::<Published>);
        operation.headers = headers;
        operation.told_id = Published::message_id;
        self.client.send(&operation).await
    }
}

/// The outcome of one request that retries entries.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Retried {
    /// The outcome for each entry.
    pub responses: GroupPublished,
    /// The cursor of the next request; `None` when all is done.
    pub cursor: Option<String>,
    /// Fields that this version does not know.
    pub other: Other,
}

/// A retry of several entries. Each option replaces what is stored with the messages.
#[derive(Debug)]
#[must_use = "nothing is retried until you `send` it"]
pub struct RetryDlq<'a> {
    client: &'a Client,
    bulk: Bulk,
    options: Options,
}

impl RetryDlq<'_> {
    delivery_setters!(options);

    /// Limits how many entries each request retries, 1 to 100. 100 by default.
    pub fn count(mut self, count: u32) -> Self {
        self.bulk.count = Some(count);
        self
    }

    /// Continues where an earlier request ended.
    pub fn cursor(mut self, cursor: impl Into<String>) -> Self {
        self.bulk.cursor = Some(cursor.into());
        self
    }

    /// Sends one request, which publishes as many messages again as one request can. The client does not try again
    /// after a failure in which the service may have handled the call.
    ///
    /// # Errors
    /// When an id, the filter, the count or an option is not valid (then nothing is sent); otherwise see
    /// [`Call::send`].
    ///
    /// # Cancel safety
    /// Dropping the future leaves open which messages were published.
    pub async fn send(self) -> Result<Retried, Error> {
        self.step().await
    }

    /// Publishes the messages of all selected entries again, request by request.
    ///
    /// # Errors
    /// Stops at the first error. Messages that were published before it stay published; their ids are only in the log.
    ///
    /// # Cancel safety
    /// Dropping the future leaves open which messages were published.
    pub async fn send_all(mut self) -> Result<Vec<Result<Published, ApiError>>, Error> {
        let mut responses = Vec::new();
        loop {
            let step = self.step().await?;
            responses.extend(step.responses);
            if !self.bulk.advance(step.cursor.as_ref()) {
                return Ok(responses);
            }
        }
    }

    async fn step(&self) -> Result<Retried, Error> {
        let headers = self.options.clone().into_headers()?;
        let Some(query) = self.bulk.query()? else {
            return Ok(Retried {
                responses: Vec::new(),
                cursor: None,
                other: Other::new(),
            });
        };
        let path = format!("/v2/dlq/retry{}", query.as_str());
        let name = "v2.dlq.retry";
        let mut operation = operation::new(name, "retry dead letters", Method::POST, path, |r| {
            let mut fields: Fields = json(r)?;
            let responses = fields
                .array("responses")
                .ok_or("the field `responses` is missing or not an array")?;
            Ok(Retried {
                responses: responses.into_iter().map(entry).collect(),
                cursor: fields.text("cursor").filter(|cursor| !cursor.is_empty()),
                other: fields.rest(),
            })
        });
        operation.headers = headers;
        self.client.send(&operation).await
    }
}
