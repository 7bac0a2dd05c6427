//! The log: an observer of every step of every message (v2.md sections 2.6 and 3.13).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::deliver::finish::Failure;
use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::manage::page::{Seen, page};
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::filter::Filter;
use crate::engine::model::id::{AccountName, RowId};
use crate::engine::model::log_row::{Event, LogKind, LogQuery, LogRow, LogView};
use crate::engine::model::message::{MessageState, Sequence, State};
use crate::engine::model::spec::MessageSpec;
use crate::engine::model::time::Timestamp;
use crate::engine::reply::Reply;
use crate::engine::state::Span;

impl Engine {
    pub(crate) fn log_created(&mut self, now: Timestamp, sequence: Sequence) {
        let Some(due_at) = self.state.message(sequence).map(|state| state.due_at) else {
            return;
        };
        if let Some(mut row) = self.row(now, now, sequence, Event::Created) {
            row.next_delivery = (due_at > now).then_some(due_at);
            self.state.put_row(row);
        }
    }

    /// Notes a step of a message.
    pub(crate) fn log(&mut self, now: Timestamp, sequence: Sequence, event: Event) {
        self.log_at(now, now, sequence, event);
    }

    /// Notes a step of a message that is taken at `at`, which may be in the future.
    fn log_at(&mut self, now: Timestamp, at: Timestamp, sequence: Sequence, event: Event) {
        if let Some(row) = self.row(now, at, sequence, event) {
            self.state.put_row(row);
        }
    }

    /// Notes a failed attempt.
    pub(crate) fn log_failure(&mut self, now: Timestamp, sequence: Sequence, failure: &Failure) {
        if let Some(mut row) = self.row(now, now, sequence, Event::Error) {
            row.error.clone_from(&failure.error);
            if row.kind == LogKind::CarriedRules {
                row.response.clone_from(&failure.response);
            }
            self.state.put_row(row);
        }
    }

    /// Notes that a callback was not made, because a bound of the server is reached.
    pub(crate) fn log_refused_callback(
        &mut self,
        now: Timestamp,
        sequence: Sequence,
        why: Arc<str>,
    ) {
        if let Some(mut row) = self.row(now, now, sequence, Event::Error) {
            row.error = Some(why);
            self.state.put_row(row);
        }
    }

    /// Notes when the next attempt is due.
    pub(crate) fn log_retry(&mut self, now: Timestamp, sequence: Sequence, next: Timestamp) {
        if let Some(mut row) = self.row(now, now, sequence, Event::Retry) {
            row.next_delivery = Some(next);
            self.state.put_row(row);
        }
    }

    /// Notes that a message is cancelled: the request now, the cancellation at the time of the next attempt (v2.md
    /// section 3.13).
    pub(crate) fn log_cancelled(
        &mut self,
        now: Timestamp,
        sequence: Sequence,
        before: &MessageState,
    ) {
        self.log(now, sequence, Event::CancelRequested);
        let next = match before.state {
            State::Delayed { until } => until,
            _ => now,
        };
        self.log_at(now, next, sequence, Event::Cancelled);
    }

    fn row(
        &mut self,
        now: Timestamp,
        at: Timestamp,
        sequence: Sequence,
        event: Event,
    ) -> Option<LogRow> {
        let number = self.state.next_row();
        let (spec, state) = self.state.whole(sequence)?;
        Some(LogRow {
            id: RowId {
                at,
                sequence: number,
            },
            account: spec.account.clone(),
            kind: spec.log_kind(),
            written_at: now,
            message: sequence,
            event,
            queue: self.state.queue_name(state.queue).cloned(),
            error: None,
            next_delivery: None,
            response: None,
        })
    }

    /// A page of the log, without rows whose time is in the future.
    pub(crate) fn list_log(
        &self,
        now: Timestamp,
        caller: &Caller,
        query: &LogQuery,
    ) -> Result<Reply, Error> {
        caller.check_account(Permission::Manage)?;
        let filter = &query.filter;
        let oldest = now - self.config.quotas.log_retention;
        let span = Span {
            from: filter.from.map_or(oldest, |from| from.max(oldest)),
            to: filter.to.map_or(now, |to| to.min(now)),
            cursor: query.cursor,
            earliest_first: query.earliest_first,
        };
        let (rows, next) = if filter.messages.is_empty() {
            let rows = self.state.rows(&caller.account, query.kind, &span);
            self.page_of_rows(rows, query)
        } else {
            let rows = self.rows_of_messages(&caller.account, query, &span);
            self.page_of_rows(rows, query)
        };
        Ok(Reply::Log { rows, next })
    }

    /// The rows of the messages that a query names, in one order. Each message has an index of its rows, of which only
    /// as much is read as the page needs.
    fn rows_of_messages<'a>(
        &'a self,
        account: &AccountName,
        query: &LogQuery,
        span: &Span,
    ) -> impl Iterator<Item = &'a LogRow> {
        let mut heads = BTreeMap::new();
        for id in &query.filter.messages {
            let message = self.state.sequence_of(*id);
            let rows = message.map(|it| self.state.rows_of(account, query.kind, it, span));
            let mut rows = rows.into_iter().flatten().peekable();
            if let Some(head) = rows.peek() {
                heads.insert(head.id, rows);
            }
        }
        let earliest_first = span.earliest_first;
        std::iter::from_fn(move || {
            let next = if earliest_first {
                heads.pop_first()
            } else {
                heads.pop_last()
            };
            let (_, mut rows) = next?;
            let row = rows.next();
            if let Some(head) = rows.peek() {
                heads.insert(head.id, rows);
            }
            row
        })
    }

    fn page_of_rows<'a>(
        &self,
        rows: impl Iterator<Item = &'a LogRow>,
        query: &LogQuery,
    ) -> (Vec<LogView>, Option<RowId>) {
        let is_wanted = |row: &LogRow| query.events.is_empty() || query.events.contains(&row.event);
        page(rows, query.count, self.config.limits.list_scan, |row| {
            let spec = self.state.spec(row.message).filter(|_| is_wanted(row));
            Seen {
                cursor: row.id,
                effort: spec.map_or(1, |spec| query.filter.effort(spec.carried())),
                shown: spec
                    .filter(|spec| matches(row, spec, &query.filter))
                    .map(|spec| view(row, spec)),
            }
        })
    }
}

fn matches(row: &LogRow, spec: &MessageSpec, filter: &Filter) -> bool {
    let queue = row.queue.as_ref();
    match spec.carried() {
        Some(carried) => filter.matches(spec.id, row.id.at, carried, queue),
        None => filter.matches_queued(spec.id, row.id.at, queue),
    }
}

fn view(row: &LogRow, spec: &MessageSpec) -> LogView {
    LogView {
        id: row.id,
        message: spec.id,
        event: row.event,
        carried: spec.carried().cloned(),
        headers: Arc::clone(&spec.headers),
        queue: row.queue.clone(),
        body: row.holds_body().then(|| spec.body.source()),
        error: row.error.clone(),
        next_delivery: row.next_delivery,
        response: row.response.clone(),
    }
}
