//! The log: an observer of every step of every message (v2.md sections 2.6 and 3.13).

use std::sync::Arc;

use crate::engine::deliver::finish::Failure;
use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::id::RowId;
use crate::engine::model::log_row::{Event, LogKind, LogQuery, LogRow, LogView};
use crate::engine::model::message::{MessageState, Sequence, State};
use crate::engine::model::time::Timestamp;
use crate::engine::reply::Reply;

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
            kind: match spec.carried() {
                Some(_) => LogKind::CarriedRules,
                None => LogKind::QueueRules,
            },
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
        let from = filter.from.map_or(oldest, |from| from.max(oldest));
        let to = filter.to.map_or(now, |to| to.min(now));
        let (rows, next) = if filter.messages.is_empty() {
            let rows = self.state.rows_from(
                &caller.account,
                query.kind,
                query.cursor,
                (from, to),
                query.earliest_first,
            );
            self.page_of_rows(rows, query)
        } else {
            let mut rows = self.rows_of_messages(caller, query, (from, to));
            rows.sort_by_key(|row| row.id);
            if !query.earliest_first {
                rows.reverse();
            }
            self.page_of_rows(rows.into_iter(), query)
        };
        Ok(Reply::Log { rows, next })
    }

    /// The rows of the messages that a query names, for which there is an index.
    fn rows_of_messages(
        &self,
        caller: &Caller,
        query: &LogQuery,
        (from, to): (Timestamp, Timestamp),
    ) -> Vec<&LogRow> {
        let is_in = |row: &&LogRow| {
            let at = row.id.at;
            let after = query.cursor.is_none_or(|cursor| {
                if query.earliest_first {
                    row.id > cursor
                } else {
                    row.id < cursor
                }
            });
            at >= from && at <= to && after
        };
        let named = query.filter.messages.iter();
        let named = named.filter_map(|id| self.state.sequence_of(*id));
        let rows =
            named.flat_map(|sequence| self.state.rows_of(&caller.account, query.kind, sequence));
        rows.filter(is_in).collect()
    }

    /// Filters a page of rows. Looks at a bounded number, so the page may be short and have a cursor all the same.
    fn page_of_rows<'a>(
        &self,
        rows: impl Iterator<Item = &'a LogRow>,
        query: &LogQuery,
    ) -> (Vec<LogView>, Option<RowId>) {
        let mut rows = rows.peekable();
        let mut page = vec![];
        let mut last = None;
        let mut room = self.config.limits.list_scan;
        while let Some(row) = rows.next_if(|_| room > 0) {
            last = Some(row.id);
            room -= 1;
            let wanted = query.events.is_empty() || query.events.contains(&row.event);
            if wanted && let Some(view) = self.row_view(row) {
                let effort = query.filter.effort(view.carried.as_deref());
                room = room.saturating_sub(effort - 1);
                page.extend(Some(view).filter(|view| view.matches(query)));
            }
            if page.len() >= query.count {
                break;
            }
        }
        let next = last.filter(|_| rows.peek().is_some());
        (page, next)
    }

    fn row_view(&self, row: &LogRow) -> Option<LogView> {
        let spec = self.state.spec(row.message)?;
        Some(LogView {
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
        })
    }
}

impl LogView {
    fn matches(&self, query: &LogQuery) -> bool {
        let filter = &query.filter;
        match &self.carried {
            Some(carried) => filter.matches(self.message, self.id.at, carried, self.queue.as_ref()),
            None => filter.matches_queued(self.message, self.id.at, self.queue.as_ref()),
        }
    }
}
