//! The log: one row for each step in the life of a message that carries its own rules
//! (v2.md sections 2.6 and 3.13).

use std::sync::Arc;

use bytes::Bytes;

use crate::engine::command::{Headers, Reply};
use crate::engine::effect::Response;
use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::carried_rules::CarriedRules;
use crate::engine::model::id::{AccountName, MessageId, QueueName, RowId};
use crate::engine::model::message::Message;
use crate::engine::model::time::Timestamp;
use crate::engine::syntax::filter::Filter;

/// A step in the life of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It was accepted.
    Created,
    /// An attempt began.
    Active,
    /// An attempt failed.
    Error,
    /// Another attempt follows.
    Retry,
    /// Done.
    Delivered,
    /// Out of retries.
    Failed,
    /// Somebody asked for it to be cancelled.
    CancelRequested,
    /// It is cancelled: its next delivery time has come.
    Cancelled,
}

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRow {
    /// Its time, and its cursor.
    pub id: RowId,
    /// Whose it is.
    pub account: AccountName,
    /// The message it tells of.
    pub message: MessageId,
    /// What happened.
    pub event: Event,
    /// What the message carries.
    pub carried: Arc<CarriedRules>,
    /// The message's headers.
    pub headers: Headers,
    /// The queue it goes through.
    pub queue: Option<QueueName>,
    /// What was published; on [`Event::Created`] rows.
    pub body: Option<Bytes>,
    /// Why an attempt failed.
    pub error: Option<Arc<str>>,
    /// When the next attempt is due.
    pub next_delivery: Option<Timestamp>,
    /// What the consumer answered, if it answered and the attempt failed.
    pub response: Option<Arc<Response>>,
}

/// A look at the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogQuery {
    /// Which messages.
    pub filter: Filter,
    /// Which events; empty: all.
    pub events: Vec<Event>,
    /// From here on, this row not included.
    pub cursor: Option<RowId>,
    /// At most so many.
    pub count: usize,
    /// Oldest first instead of newest first.
    pub earliest_first: bool,
}

impl LogRow {
    /// What the row counts for in the bound on the log.
    pub(crate) fn cost(&self) -> usize {
        const OVERHEAD: usize = 256;
        let body = self.body.as_ref().map_or(0, Bytes::len);
        let response = self.response.as_ref().map_or(0, |it| it.cost());
        let error = self.error.as_ref().map_or(0, |it| it.len());
        OVERHEAD + body + response + error
    }
}

impl Engine {
    pub(crate) fn log_created(&mut self, now: Timestamp, message: &Message) {
        let Some(mut row) = self.log_row(now, message, Event::Created) else {
            return;
        };
        row.body = self.state.body(message.body).cloned();
        row.next_delivery = (message.due_at > now).then_some(message.due_at);
        self.append(now, row);
    }

    /// Notes a step of a message, if it is one that is logged.
    pub(crate) fn log(&mut self, now: Timestamp, message: &Message, event: Event) {
        self.log_at(now, now, message, event);
    }

    /// The same, of a step that is taken at `at`, perhaps in time to come.
    pub(crate) fn log_at(
        &mut self,
        now: Timestamp,
        at: Timestamp,
        message: &Message,
        event: Event,
    ) {
        if let Some(row) = self.log_row(at, message, event) {
            self.append(now, row);
        }
    }

    /// Notes a failed attempt and, if there is another one, when.
    pub(crate) fn log_failure(
        &mut self,
        now: Timestamp,
        message: &Message,
        error: Option<&str>,
        response: Option<&Arc<Response>>,
    ) {
        let Some(mut row) = self.log_row(now, message, Event::Error) else {
            return;
        };
        row.error = error.map(Into::into);
        row.response = response.cloned();
        self.append(now, row);
    }

    pub(crate) fn log_retry(&mut self, now: Timestamp, message: &Message, next: Timestamp) {
        if let Some(mut row) = self.log_row(now, message, Event::Retry) {
            row.next_delivery = Some(next);
            self.append(now, row);
        }
    }

    fn log_row(&mut self, at: Timestamp, message: &Message, event: Event) -> Option<LogRow> {
        let carried = Arc::clone(message.carried()?);
        let sequence = self.state.next_sequence();
        Some(LogRow {
            id: RowId { at, sequence },
            account: message.account.clone(),
            message: message.id,
            event,
            carried,
            headers: Arc::clone(&message.headers),
            queue: message.queue_name().cloned(),
            body: None,
            error: None,
            next_delivery: None,
            response: None,
        })
    }

    /// Adds a row and forgets the oldest over the bounds.
    fn append(&mut self, now: Timestamp, row: LogRow) {
        let oldest = now - self.config.quotas.log_retention;
        let account = row.account.clone();
        self.state.put_log_row(row);
        let limits = &self.config.limits;
        self.state
            .trim_log(&account, oldest, limits.log_rows, limits.log_bytes);
    }

    /// A page of the log. Rows that tell of a time to come are not there yet.
    pub(crate) fn list_log(
        &self,
        now: Timestamp,
        caller: &Caller,
        query: &LogQuery,
    ) -> Result<Reply, Error> {
        caller.check_unlimited(Permission::Manage)?;
        let oldest = now - self.config.quotas.log_retention;
        let rows = self.state.log(&caller.account);
        let rows = rows.filter(|row| row.id.at <= now && row.id.at >= oldest);
        let wanted = |row: &&LogRow| {
            let filter = &query.filter;
            (query.events.is_empty() || query.events.contains(&row.event))
                && filter.matches(row.message, row.id.at, &row.carried, row.queue.as_ref())
        };
        let after = |row: &&LogRow| match query.cursor {
            None => true,
            Some(cursor) if query.earliest_first => row.id > cursor,
            Some(cursor) => row.id < cursor,
        };
        let page: Vec<_> = if query.earliest_first {
            rows.filter(after)
                .filter(wanted)
                .take(query.count.saturating_add(1))
                .cloned()
                .collect()
        } else {
            let rows = rows.rev();
            rows.filter(after)
                .filter(wanted)
                .take(query.count.saturating_add(1))
                .cloned()
                .collect()
        };
        Ok(page_of(
            page,
            query.count,
            |row| row.id,
            |rows, next| Reply::Log { rows, next },
        ))
    }
}

/// The first `count` of a list that may hold one more, and the cursor if it does.
pub(crate) fn page_of<T>(
    mut items: Vec<T>,
    count: usize,
    id: impl Fn(&T) -> RowId,
    reply: impl FnOnce(Vec<T>, Option<RowId>) -> Reply,
) -> Reply {
    let more = items.len() > count;
    items.truncate(count);
    let next = items.last().map(id).filter(|_| more);
    reply(items, next)
}
