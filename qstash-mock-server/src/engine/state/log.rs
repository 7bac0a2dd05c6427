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
    bytes: usize,
    /// The number of the row that was written first. None if the log has no row yet, and a message counts towards it
    /// all the same.
    first_row: Option<u64>,
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
    /// The rows after one, within two times, in either direction.
    pub(crate) fn rows_from(
        &self,
        account: &AccountName,
        kind: LogKind,
        cursor: Option<RowId>,
        (from, to): (Timestamp, Timestamp),
        earliest_first: bool,
    ) -> Box<dyn Iterator<Item = &LogRow> + '_> {
        let log = self.logs.logs.get(&(account.clone(), kind));
        let (Some(log), true) = (log, from <= to) else {
            return Box::new(std::iter::empty());
        };
        let first = Bound::Included(RowId {
            at: from,
            sequence: 0,
        });
        let last = Bound::Included(RowId {
            at: to,
            sequence: u64::MAX,
        });
        let edge = cursor.map(Bound::Excluded);
        let range = if earliest_first {
            (later(first, edge), last)
        } else {
            (first, earlier(last, edge))
        };
        if is_empty(range) {
            return Box::new(std::iter::empty());
        }
        let rows = log.rows.range(range).map(|(_, row)| row);
        if earliest_first {
            Box::new(rows)
        } else {
            Box::new(rows.rev())
        }
    }

    /// The rows of a message, by time.
    pub(crate) fn rows_of(
        &self,
        account: &AccountName,
        kind: LogKind,
        message: Sequence,
    ) -> impl Iterator<Item = &LogRow> {
        let edge = move |sequence| {
            let at = if sequence == 0 {
                Timestamp::EPOCH
            } else {
                Timestamp::from_millis(u64::MAX)
            };
            (message, RowId { at, sequence })
        };
        let log = self.logs.logs.get(&(account.clone(), kind)).into_iter();
        log.flat_map(move |log| {
            let ids = log.by_message.range(edge(0)..=edge(u64::MAX));
            ids.filter_map(|(_, id)| log.rows.get(id))
        })
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
        if log.first_row.is_none() {
            log.first_row = Some(id.sequence);
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
        let Some(log) = self.logs.logs.get(key) else {
            return false;
        };
        let (Some((first, _)), Some((newest, _))) = (log.written.front(), log.written.back())
        else {
            return false;
        };
        *first + self.log_retention < *newest
            || log.rows.len() > self.limits.log_rows
            || log.bytes > self.limits.log_bytes
    }

    fn drop_first_row(&mut self, key: &(AccountName, LogKind)) {
        let Some(log) = self.logs.logs.get_mut(key) else {
            return;
        };
        let Some((_, id)) = log.written.pop_front() else {
            return;
        };
        let old = log.first_row.take();
        log.first_row = log.written.front().map(|(_, next)| next.sequence);
        let (first_row, row) = (log.first_row, log.rows.remove(&id));
        if let Some(row) = &row {
            log.by_message.remove(&(row.message, id));
        }
        if let Some(old) = old {
            self.logs.first_rows.remove(&old);
        }
        if let Some(first_row) = first_row {
            self.logs.first_rows.insert(first_row, key.clone());
        }
        if let Some(row) = row {
            self.note(EntityKey::Log(key.0.clone(), id));
            self.refund(&key.0, key.1, Shelf::Log, row.cost());
            self.hold_for_row(row.message, row.holds_body(), false);
        }
    }

    /// All rows, for the invariants.
    pub(crate) fn all_rows(&self) -> impl Iterator<Item = &LogRow> {
        let logs = self.logs.logs.values();
        logs.flat_map(|log| log.rows.values())
    }
}

fn later(first: Bound<RowId>, edge: Option<Bound<RowId>>) -> Bound<RowId> {
    match (first, edge) {
        (Bound::Included(first), Some(Bound::Excluded(edge))) if edge >= first => {
            Bound::Excluded(edge)
        }
        _ => first,
    }
}

fn earlier(last: Bound<RowId>, edge: Option<Bound<RowId>>) -> Bound<RowId> {
    match (last, edge) {
        (Bound::Included(last), Some(Bound::Excluded(edge))) if edge <= last => {
            Bound::Excluded(edge)
        }
        _ => last,
    }
}

/// Whether a range is empty. A map panics if it is asked for a range that runs backwards.
fn is_empty(range: (Bound<RowId>, Bound<RowId>)) -> bool {
    match range {
        (Bound::Included(a), Bound::Included(b)) => a > b,
        (Bound::Excluded(a), Bound::Excluded(b))
        | (Bound::Included(a), Bound::Excluded(b))
        | (Bound::Excluded(a), Bound::Included(b)) => a >= b,
        _ => false,
    }
}
