//! A call without options, and the stream over the pages of a list.

use std::future::Future;

use futures_util::stream::{Stream, try_unfold};

use crate::client::Client;
use crate::endpoint::Operation;
use crate::error::Error;
use crate::types::page::Page;

/// A call that is ready to be sent.
#[must_use = "a call does nothing until you `send` it"]
pub struct Call<'a, T> {
    client: &'a Client,
    operation: Result<Operation<T>, Error>,
}

impl<'a, T> Call<'a, T> {
    pub(crate) fn new(client: &'a Client, operation: Result<Operation<T>, Error>) -> Self {
        Self { client, operation }
    }

    /// Sends the call and returns its answer.
    ///
    /// # Errors
    /// When an argument breaks a rule (then nothing is sent), when the client cannot connect, when no answer comes in
    /// time, and when the server refuses the call.
    ///
    /// # Cancel safety
    /// Dropping the future stops the wait; the server may still handle what was sent.
    pub async fn send(self) -> Result<T, Error> {
        self.client.send(&self.operation?).await
    }
}

impl<T> std::fmt::Debug for Call<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.operation {
            Ok(operation) => f.debug_tuple("Call").field(&operation.name).finish(),
            Err(error) => f.debug_tuple("Call").field(error).finish(),
        }
    }
}

/// Streams the items of all pages, with one page in memory at a time. Ends after the first error. `fetch` reads a page
/// of `list` from a cursor on. If `list` is an error, the stream yields that error and ends.
pub(crate) fn pages<L, T, F, Fut>(
    list: Result<L, Error>,
    cursor: Option<String>,
    fetch: F,
) -> impl Stream<Item = Result<T, Error>> + Send
where
    L: Send,
    T: Send,
    F: Fn(&L, Option<String>) -> Fut + Send,
    Fut: Future<Output = Result<Page<T>, Error>> + Send,
{
    /// What to do when the items at hand are used up.
    enum Next<L> {
        Fetch(Result<L, Error>, Option<String>),
        End,
    }
    let state = (Vec::new().into_iter(), Next::Fetch(list, cursor), fetch);
    try_unfold(state, |(mut items, mut next, fetch)| async move {
        loop {
            if let Some(item) = items.next() {
                return Ok(Some((item, (items, next, fetch))));
            }
            let Next::Fetch(list, cursor) = next else {
                return Ok(None);
            };
            let list = list?;
            let page = fetch(&list, cursor.clone()).await?;
            // A cursor that leads to itself would never end.
            next = match page.cursor {
                Some(more) if cursor.as_ref() != Some(&more) => Next::Fetch(Ok(list), Some(more)),
                _ => Next::End,
            };
            items = page.items.into_iter();
        }
    })
}
