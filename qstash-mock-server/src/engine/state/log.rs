//! The logs of accounts. Rows are found by their time and by their message. They are forgotten in the order in which
//! they were written, because the time of a row may lie in the future.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;

use super::EngineState;
use super::held::Shelf;
use crate::engine::model::entity::{Entity, EntityKey};
use crate::engine::model::id::{AccountName, RowId};
use crate::engine::model::log_row::{LogKind, LogRow};
use crate::engine::model::message::Sequence;
use crate::engine::model::time::Timestamp;

/// All logs.
#[derive(Debug, Default)]
pub(super) struct Logs {
    logs: BTreeMap<(AccountName, LogKind), Log>,
    /// The logs, by the row of each that was written first.
    first_rows: BTreeMap<u64, (AccountName, LogKind)>,
}

/// One log.
#[derive(Debug, Default)]
struct Log {
    rows: BTreeMap<RowId, LogRow>,
    /// In the order in which they were written.
    written: VecDeque<(Timestamp, RowId)>,
    by_message: BTreeSet<(Sequence, RowId)>,
    /// Also the bytes of messages that only the log still needs. So a log may count bytes and have no row.
    bytes: usize,
}

/// A part of a log: the rows within two times, both inclusive, that come after a cursor in the direction of reading.
#[derive(Debug)]
pub(crate) struct Span {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) cursor: Option<RowId>,
    pub(crate) earliest_first: bool,
}

impl Span {
    /// The ids of the rows; none if there can be no row, for which asking a map would panic.
    fn range(&self) -> Option<(Bound<RowId>, Bound<RowId>)> {
        let mut first = Bound::Included(RowId {
            at: self.from,
            sequence: 0,
        });
        let mut last = Bound::Included(RowId {
            at: self.to,
            sequence: u64::MAX,
        });
        let (mut least, mut most) = (self.from, self.to);
        match self.cursor {
            Some(cursor) if self.earliest_first && cursor.at >= least => {
                (first, least) = (Bound::Excluded(cursor), cursor.at);
            }
            Some(cursor) if !self.earliest_first && cursor.at <= most => {
                (last, most) = (Bound::Excluded(cursor), cursor.at);
            }
            Some(_) | None => {}
        }
        (least <= most).then_some((first, last))
    }
}

impl Logs {
    pub(super) fn hold(&mut self, account: &AccountName, kind: LogKind, bytes: usize) {
        let log = self.logs.entry((account.clone(), kind)).or_default();
        log.bytes += bytes;
    }

    pub(super) fn let_go(&mut self, account: &AccountName, kind: LogKind, bytes: usize) {
        let key = (account.clone(), kind);
        if let Some(log) = self.logs.get_mut(&key) {
            log.bytes -= bytes;
            if log.bytes == 0 && log.rows.is_empty() {
                self.logs.remove(&key);
            }
        }
    }

    pub(super) fn entity(&self, account: &AccountName, id: RowId) -> Option<Entity> {
        let kinds = [LogKind::QueueRules, LogKind::CarriedRules];
        let row = kinds.into_iter().find_map(|kind| {
            let log = self.logs.get(&(account.clone(), kind))?;
            log.rows.get(&id)
        })?;
        Some(Entity::Log(Box::new(row.clone())))
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = EntityKey> {
        self.logs.iter().flat_map(|((account, _), log)| {
            let rows = log.rows.keys();
            rows.map(|id| EntityKey::Log(account.clone(), *id))
        })
    }
}

impl EngineState {
    /// The rows of a span, in its direction.
    pub(crate) fn rows(
        &self,
        account: &AccountName,
        kind: LogKind,
        span: &Span,
    ) -> impl Iterator<Item = &LogRow> {
        let log = self.logs.logs.get(&(account.clone(), kind));
        let range = log.zip(span.range());
        let rows = range.map(|(log, range)| log.rows.range(range).map(|(_, row)| row));
        in_direction(rows.into_iter().flatten(), span.earliest_first)
    }

    /// The rows of a span that tell of one message, in its direction.
    pub(crate) fn rows_of(
        &self,
        account: &AccountName,
        kind: LogKind,
        message: Sequence,
        span: &Span,
    ) -> impl Iterator<Item = &LogRow> {
        let log = self.logs.logs.get(&(account.clone(), kind));
        let rows = log.zip(span.range()).map(|(log, (first, last))| {
            let of_message = |id| (message, id);
            let ids = log
                .by_message
                .range((first.map(of_message), last.map(of_message)));
            ids.filter_map(|(_, id)| log.rows.get(id))
        });
        in_direction(rows.into_iter().flatten(), span.earliest_first)
    }

    /// Writes a row. Over a bound, the rows written first are forgotten.
    pub(crate) fn put_row(&mut self, row: LogRow) {
        let (account, kind, id) = (row.account.clone(), row.kind, row.id);
        self.note(EntityKey::Log(account.clone(), id));
        let (message, with_body, cost) = (row.message, row.holds_body(), row.cost());
        self.ledger.hold(Shelf::Log, cost);
        let log = self.logs.logs.entry((account.clone(), kind)).or_default();
        log.bytes += cost;
        log.written.push_back((row.written_at, id));
        log.by_message.insert((message, id));
        log.rows.insert(id, row);
        if log.written.len() == 1 {
            self.logs
                .first_rows
                .insert(id.sequence, (account.clone(), kind));
        }
        self.hold_for_row(message, with_body, true);
        self.trim_log(&account, kind);
    }

    /// Forgets the rows that are too old, over the log's bounds, or over the server's bound.
    pub(super) fn trim_log(&mut self, account: &AccountName, kind: LogKind) {
        if self.loading {
            return;
        }
        let key = (account.clone(), kind);
        while self.is_log_over(&key) {
            self.drop_first_row(&key);
        }
        // Nobody is shown rows that are too old, so some of them may stay a little longer.
        for _ in 0..self.limits.bulk_step {
            if !self.is_log_too_old(&key) {
                break;
            }
            self.drop_first_row(&key);
        }
        while self.bytes(Shelf::Log) > self.limits.all_log_bytes {
            let Some((_, key)) = self.logs.first_rows.first_key_value() else {
                return;
            };
            let key = key.clone();
            self.drop_first_row(&key);
        }
    }

    /// Forgets the rows that are over the bounds, in every log.
    pub(super) fn trim_logs(&mut self) {
        let keys: Vec<_> = self.logs.logs.keys().cloned().collect();
        for (account, kind) in keys {
            self.trim_log(&account, kind);
        }
    }

    fn is_log_over(&self, key: &(AccountName, LogKind)) -> bool {
        self.logs.logs.get(key).is_some_and(|log| {
            let over = log.rows.len() > self.limits.log_rows || log.bytes > self.limits.log_bytes;
            over && !log.rows.is_empty()
        })
    }

    /// Whether the row written first is older than the last one by more than logs go back.
    fn is_log_too_old(&self, key: &(AccountName, LogKind)) -> bool {
        self.logs.logs.get(key).is_some_and(|log| {
            let (first, newest) = (log.written.front(), log.written.back());
            let ages = first.zip(newest);
            ages.is_some_and(|((first, _), (newest, _))| *first + self.log_retention < *newest)
        })
    }

    fn drop_first_row(&mut self, key: &(AccountName, LogKind)) {
        let Some(log) = self.logs.logs.get_mut(key) else {
            return;
        };
        let first = log.written.pop_front();
        let Some(row) = first.and_then(|(_, id)| log.rows.remove(&id)) else {
            return;
        };
        log.by_message.remove(&(row.message, row.id));
        self.logs.first_rows.remove(&row.id.sequence);
        if let Some((_, next)) = log.written.front() {
            self.logs.first_rows.insert(next.sequence, key.clone());
        }
        self.note(EntityKey::Log(key.0.clone(), row.id));
        self.refund(&key.0, key.1, Shelf::Log, row.cost());
        self.hold_for_row(row.message, row.holds_body(), false);
    }

    /// The rows and the bytes of each log, for the invariants.
    pub(crate) fn log_sizes(&self) -> impl Iterator<Item = (usize, usize)> {
        let logs = self.logs.logs.values();
        logs.map(|log| (log.rows.len(), log.bytes))
    }

    /// All rows, for the invariants.
    pub(crate) fn all_rows(&self) -> impl Iterator<Item = &LogRow> {
        let logs = self.logs.logs.values();
        logs.flat_map(|log| log.rows.values())
    }
}

/// The entries as they are, or the last one first.
fn in_direction<T>(
    mut entries: impl DoubleEndedIterator<Item = T>,
    forwards: bool,
) -> impl Iterator<Item = T> {
    std::iter::from_fn(move || {
        if forwards {
            entries.next()
        } else {
            entries.next_back()
        }
    })
}
