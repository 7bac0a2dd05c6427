//! `/v2/messages`: reads and cancels messages that are not finished.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{Method, Response};

use crate::call::Call;
use crate::client::Client;
use crate::endpoint::{Query, json, segment};
use crate::error::{BoxError, Error};
use crate::types::ids::MessageId;
use crate::v2::fields::Fields;
use crate::v2::filter::{All, Conditions, MessageFilter};
use crate::v2::message::Message;
use crate::v2::operation;

/// The most ids in one bulk operation. They travel in the URL.
pub(crate) const IDS_MAX: usize = 100;

/// The highest limit that a cancellation may have.
const COUNT_MAX: u32 = 500;

/// The operations on messages that are not finished.
#[derive(Clone, Copy, Debug)]
pub struct Messages<'a> {
    client: &'a Client,
}

impl<'a> Messages<'a> {
    pub(crate) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Reads one message while it is delayed, waiting, in flight or waiting for a retry. Soon after its end the service
    /// answers 404.
    pub fn get(self, id: impl AsRef<str>) -> Call<'a, Message> {
        let make = |id: MessageId| {
            let attempted = format!("read message `{id}`");
            let path = format!("/v2/messages/{}", segment(&id));
            operation::new("v2.messages.get", attempted, Method::GET, path, json).about(id)
        };
        Call::new(self.client, MessageId::parse(id.as_ref()).map(make))
    }

    /// Cancels one message. Returns how many messages were cancelled, which is 1. The service answers 404 if it no
    /// longer has the message. A delivery in flight may still arrive.
    pub fn cancel(self, id: impl AsRef<str>) -> Call<'a, u64> {
        let make = |id: MessageId| {
            let path = format!("/v2/messages/{}", segment(&id));
            // An older service answered a single cancellation with text; its status says it all.
            let decode = |response: &Response<Bytes>| match cancelled(response) {
                Err(_) if !response.body().starts_with(b"{") => Ok(1),
                result => result,
            };
            let attempted = format!("cancel message `{id}`");
            operation::new(CANCEL, attempted, Method::DELETE, path, decode)
                .repeatable()
                .about(id)
        };
        Call::new(self.client, MessageId::parse(id.as_ref()).map(make))
    }

    /// Cancels up to 100 messages. Returns how many were cancelled; ids that do not exist are not counted. Without any
    /// id nothing is sent.
    pub fn cancel_many<I: AsRef<str>>(
        self,
        ids: impl IntoIterator<Item = I>,
    ) -> CancelMessages<'a> {
        self.cancel_by(many("messageIds", ids, |id| {
            MessageId::parse(id).map(String::from)
        }))
    }

    /// Cancels the messages that match the filter. Returns how many were cancelled. The client does not try again after
    /// a failure in which the service may have handled the call: that would cancel messages published since.
    pub fn cancel_matching(self, filter: MessageFilter) -> CancelMessages<'a> {
        self.cancel_by(matching(filter.0))
    }

    /// Cancels all messages of the account that are not finished. Returns how many were cancelled.
    pub fn cancel_all(self, _: All) -> CancelMessages<'a> {
        self.cancel_by(Ok(Selection::All))
    }

    fn cancel_by(self, selection: Result<Selection, Error>) -> CancelMessages<'a> {
        CancelMessages {
            client: self.client,
            selection,
            count: None,
        }
    }
}

/// What a bulk operation selects. None of these is empty.
#[derive(Debug)]
pub(crate) enum Selection {
    Nothing,
    Ids(Query),
    Matching(Query),
    All,
}

impl Selection {
    /// Whether a second request selects nothing that the first did not.
    pub(crate) fn is_fixed(&self) -> bool {
        matches!(self, Self::Ids(_) | Self::Nothing)
    }

    /// Returns the query of the first request, or `None` if there is nothing to do.
    pub(crate) fn query(&self) -> Option<Query> {
        match self {
            Self::Nothing => None,
            Self::Ids(query) | Self::Matching(query) => Some(query.clone()),
            Self::All => Some(Query::default()),
        }
    }
}

/// Checks each id and puts it in the query, not in a body: a proxy that drops the body of a DELETE would make "these"
/// into "all".
pub(crate) fn many<I: AsRef<str>>(
    name: &'static str,
    ids: impl IntoIterator<Item = I>,
    check: impl Fn(&str) -> Result<String, Error>,
) -> Result<Selection, Error> {
    let ids: BTreeSet<String> = ids
        .into_iter()
        .map(|id| check(id.as_ref()))
        .collect::<Result<_, _>>()?;
    if ids.len() > IDS_MAX {
        let reason = format!(
            "at most {IDS_MAX} ids are allowed in one call, not {}",
            ids.len()
        );
        return Err(Error::invalid(reason));
    }
    if let Some(id) = ids.iter().find(|id| id.contains(',')) {
        let rule = "holds a comma, so the service would read it as several ids";
        return Err(Error::invalid_input("id", id, rule));
    }
    if ids.is_empty() {
        return Ok(Selection::Nothing);
    }
    let mut query = Query::default();
    for id in &ids {
        query.push(name, id);
    }
    Ok(Selection::Ids(query))
}

pub(crate) fn matching(conditions: Conditions) -> Result<Selection, Error> {
    conditions.into_query().map(Selection::Matching)
}

/// A cancellation of several messages.
#[derive(Debug)]
#[must_use = "nothing is cancelled until you `send` it"]
pub struct CancelMessages<'a> {
    client: &'a Client,
    selection: Result<Selection, Error>,
    count: Option<u32>,
}

impl CancelMessages<'_> {
    /// Cancels at most this many messages, 1 to 500. Without a limit, all that are selected.
    pub fn count(mut self, count: u32) -> Self {
        self.count = Some(count);
        self
    }

    /// Cancels the messages and returns how many were cancelled.
    ///
    /// # Errors
    /// When an id, the filter or the count is not valid (then nothing is sent); otherwise see [`Call::send`].
    ///
    /// # Cancel safety
    /// Dropping the future leaves open how many messages were cancelled.
    pub async fn send(self) -> Result<u64, Error> {
        let selection = self.selection?;
        let Some(mut query) = selection.query() else {
            return Ok(0);
        };
        if let Some(count) = self.count {
            if !(1..=COUNT_MAX).contains(&count) {
                return Err(Error::invalid(format!("count must be 1 to {COUNT_MAX}")));
            }
            query.push("count", &count);
        }
        let path = format!("/v2/messages{}", query.as_str());
        let attempted = "cancel messages";
        let operation = operation::new(CANCEL, attempted, Method::DELETE, path, cancelled);
        let operation = operation.repeatable_if(selection.is_fixed() && self.count.is_none());
        self.client.send(&operation).await
    }
}

const CANCEL: &str = "v2.messages.cancel";

fn cancelled(response: &Response<Bytes>) -> Result<u64, BoxError> {
    let mut fields: Fields = json(response)?;
    fields
        .number("cancelled")
        .ok_or_else(|| "the field `cancelled` is missing or not a number".into())
}
