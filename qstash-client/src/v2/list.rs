//! Lists: one page, or a stream over all of them.

use std::marker::PhantomData;

use bytes::Bytes;
use futures_util::stream::Stream;
use http::{Method, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::call::pages;
use crate::client::Client;
use crate::endpoint::{Operation, Query, json};
use crate::error::{BoxError, Error};
use crate::types::other::Other;
use crate::types::page::Page;
use crate::v2::fields::Fields;
use crate::v2::filter::{Conditions, Order};
use crate::v2::operation;

/// A type that the service lists, and how. You need not implement it.
pub trait Listed: DeserializeOwned + Send + 'static {
    /// The operation's name in the span of the call.
    const NAME: &'static str;
    /// What the call does, for errors: "could not list queues".
    const ATTEMPTED: &'static str;
    /// The path of the list.
    const PATH: &'static str;
    /// The names under which an answer may hold the array. Empty if the answer is the array itself.
    const ARRAYS: &'static [&'static str];
}

/// A list to ask for, which the service answers in one piece.
#[derive(Debug)]
#[must_use = "nothing is listed until you `send` or `stream` it"]
pub struct List<'a, T> {
    client: &'a Client,
    search: Option<String>,
    item: PhantomData<fn() -> T>,
}

impl<'a, T: Listed> List<'a, T> {
    pub(crate) fn new(client: &'a Client) -> Self {
        Self {
            client,
            search: None,
            item: PhantomData,
        }
    }

    pub(crate) fn search_for(mut self, text: String) -> Self {
        self.search = Some(text);
        self
    }

    /// Reads the whole list. The service has no pages here, so [`Page::cursor`] is `None`.
    ///
    /// # Errors
    /// See [`Call::send`](crate::v2::Call::send).
    pub async fn send(self) -> Result<Page<T>, Error> {
        let mut query = Query::default();
        query.push_some("search", self.search);
        self.client.send(&operation(&query)).await
    }

    /// Streams the items of the list. Ends after the first error.
    pub fn stream(self) -> impl Stream<Item = Result<T, Error>> + Send + 'a {
        let Self { client, search, .. } = self;
        pages(Ok(search), None, move |search, _| {
            let list = Self {
                client,
                search: search.clone(),
                item: PhantomData,
            };
            list.send()
        })
    }
}

/// A list to ask for, which the service answers in pages.
#[derive(Debug)]
#[must_use = "nothing is listed until you `send` or `stream` it"]
pub struct PagedList<'a, T> {
    client: &'a Client,
    filter: Option<Conditions>,
    count: Option<u32>,
    order: Option<Order>,
    cursor: Option<String>,
    item: PhantomData<fn() -> T>,
}

impl<T> Clone for PagedList<'_, T> {
    fn clone(&self) -> Self {
        Self {
            client: self.client,
            filter: self.filter.clone(),
            count: self.count,
            order: self.order,
            cursor: self.cursor.clone(),
            item: PhantomData,
        }
    }
}

impl<'a, T: Listed> PagedList<'a, T> {
    pub(crate) fn new(client: &'a Client) -> Self {
        Self {
            client,
            filter: None,
            count: None,
            order: None,
            cursor: None,
            item: PhantomData,
        }
    }

    pub(crate) fn by(mut self, conditions: Conditions) -> Self {
        self.filter = Some(conditions);
        self
    }

    /// Limits how many items a page holds. The service's maximum is also its default: 100 for the dead-letter list,
    /// 1,000 for the log.
    pub fn count(mut self, count: u32) -> Self {
        self.count = Some(count);
        self
    }

    /// Sets the order of the items. By default the newest come first.
    pub fn order(mut self, order: Order) -> Self {
        self.order = Some(order);
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
    /// When the filter is not valid (then nothing is sent); otherwise see [`Call::send`](crate::v2::Call::send).
    pub async fn send(self) -> Result<Page<T>, Error> {
        let mut query = Query::default();
        if let Some(filter) = &self.filter {
            filter.write(&mut query)?;
        }
        query.push_some("count", self.count);
        query.push_some("order", self.order.map(Order::wire_name));
        query.push_some("cursor", self.cursor);
        self.client.send(&operation(&query)).await
    }

    /// Streams all items from here on, with one page in memory at a time. Ends after the first error.
    pub fn stream(self) -> impl Stream<Item = Result<T, Error>> + Send + 'a {
        let cursor = self.cursor.clone();
        pages(Ok(self), cursor, |list, cursor| {
            Self {
                cursor,
                ..list.clone()
            }
            .send()
        })
    }
}

fn operation<T: Listed>(query: &Query) -> Operation<Page<T>> {
    let path = format!("{}{}", T::PATH, query.as_str());
    operation::new(T::NAME, T::ATTEMPTED, Method::GET, path, page::<T>)
}

fn page<T: Listed>(response: &Response<Bytes>) -> Result<Page<T>, BoxError> {
    let mut answer: Value = json(response)?;
    let (mut cursor, mut other) = (None, Other::new());
    if let Value::Object(object) = &mut answer {
        // The log comes under two names; the second is the same again.
        let arrays: Vec<Value> = T::ARRAYS
            .iter()
            .filter_map(|name| object.remove(*name))
            .collect();
        let mut fields: Fields = serde_json::from_value(answer)?;
        cursor = fields.text("cursor");
        other = fields.rest();
        answer = arrays
            .into_iter()
            .next()
            .ok_or("the answer holds no list")?;
    }
    let items = match answer {
        // The service should answer `[]`; `null` has been seen from servers written in Go.
        Value::Null => Vec::new(),
        answer => serde_json::from_value(answer)?,
    };
    Ok(Page::new(items, cursor).with_other(other))
}
