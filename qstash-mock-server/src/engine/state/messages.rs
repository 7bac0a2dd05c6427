//! Messages: their specs, states and records, their owners, and the bytes that they count for.
//!
//! A spec stays as long as the message, a row of the log or a listed dead letter needs it. Its body stays as long as
//! one of them shows it.

use std::collections::{BTreeMap, BTreeSet};

use super::EngineState;
use super::by_sequence::BySequence;
use super::entry::{Entry, Past};
use super::held::Shelf;
use crate::engine::model::entity::EntityKey;
use crate::engine::model::id::{AccountName, BodyId, MessageId, RowId};
use crate::engine::model::message::{MessageState, Sequence};
use crate::engine::model::spec::MessageSpec;
use crate::engine::model::time::Timestamp;

/// All that the engine stores of messages.
#[derive(Debug, Default)]
pub(super) struct Messages {
    pub(super) entries: BySequence<Entry>,
    /// The messages by the first half of their ids, which holds the time: whole ids would take twice the room, and
    /// those that share a half are told apart by their specs.
    ids: BTreeSet<(u64, Sequence)>,
    /// How many specs and schedules have a body, if it is more than one.
    pub(super) shared: BTreeMap<BodyId, u32>,
    /// The messages of an account that carry their rules and are not forgotten.
    carried: BTreeMap<AccountName, BTreeSet<Sequence>>,
    /// Finished messages, the oldest first, by [`LogKind`](crate::engine::LogKind): those that follow their queue's
    /// rules, and those that carry their rules.
    pub(super) finished: [BTreeSet<(Timestamp, Sequence)>; 2],
    /// Messages whose state will change without a further command: see
    /// [`State::goes_on`](crate::engine::State::goes_on).
    pub(super) going_on: usize,
}

impl EngineState {
    // ----- looking -----

    pub(crate) fn sequence_of(&self, id: MessageId) -> Option<Sequence> {
        let half = first_half(id);
        let alike = (half, Sequence(0))..=(half, Sequence(u64::MAX));
        let mut alike = self
            .messages
            .ids
            .range(alike)
            .map(|(_, sequence)| *sequence);
        alike.find(|sequence| self.spec(*sequence).is_some_and(|spec| spec.id == id))
    }

    /// The spec of a message. It stays when the message is forgotten, as long as the log or the dead-letter list
    /// needs it.
    pub(crate) fn spec(&self, sequence: Sequence) -> Option<&MessageSpec> {
        let entry = self.messages.entries.get(sequence)?;
        Some(&entry.spec)
    }

    /// The state of a message, unless the message is forgotten.
    pub(crate) fn message(&self, sequence: Sequence) -> Option<MessageState> {
        self.messages.entries.get(sequence)?.state
    }

    /// The spec and the state of a message, unless the message is forgotten.
    pub(crate) fn whole(&self, sequence: Sequence) -> Option<(&MessageSpec, MessageState)> {
        let entry = self.messages.entries.get(sequence)?;
        Some((&entry.spec, entry.state?))
    }

    pub(crate) fn past(&self, sequence: Sequence) -> Option<&Past> {
        self.messages.entries.get(sequence)?.past.as_deref()
    }

    /// The number of bytes that a message counts for, with what is kept of its attempts.
    pub(crate) fn cost_of(&self, sequence: Sequence) -> usize {
        let entry = self.messages.entries.get(sequence);
        entry.map_or(0, Entry::cost)
    }

    pub(crate) fn keeps_body(&self, sequence: Sequence) -> bool {
        let entry = self.messages.entries.get(sequence);
        entry.is_some_and(Entry::keeps_body)
    }

    /// The account's messages that carry their rules, after another one, in the order of publishing.
    pub(crate) fn carried_after(
        &self,
        account: &AccountName,
        after: Option<Sequence>,
    ) -> impl Iterator<Item = Sequence> {
        use std::ops::Bound;
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let carried = self.messages.carried.get(account).into_iter();
        carried
            .flat_map(move |all| all.range((start, Bound::Unbounded)))
            .copied()
    }

    /// How many messages' state will change without a further command. Messages that wait for the next window of a
    /// flow-control key are not counted.
    pub(crate) const fn going_on(&self) -> usize {
        self.messages.going_on
    }

    /// All messages that are not forgotten, for the invariants.
    pub(crate) fn messages(&self) -> impl Iterator<Item = (&MessageSpec, MessageState)> {
        let entries = self.messages.entries.values();
        entries.filter_map(|entry| Some((&entry.spec, entry.state?)))
    }

    /// All entries, for the invariants.
    pub(crate) fn all_sequences(&self) -> impl Iterator<Item = Sequence> {
        self.messages.entries.iter().map(|(sequence, _)| sequence)
    }

    // ----- changing -----

    /// Adds a message whose body is stored.
    pub(crate) fn insert_message(&mut self, spec: MessageSpec, state: MessageState) {
        let sequence = spec.sequence;
        self.insert_spec(spec);
        self.insert_state(sequence, state);
    }

    /// Adds a spec that nothing needs yet.
    pub(crate) fn insert_spec(&mut self, spec: MessageSpec) {
        let sequence = spec.sequence;
        self.note(EntityKey::Spec(sequence));
        self.messages.ids.insert((first_half(spec.id), sequence));
        let entry = Entry {
            spec,
            state: None,
            past: None,
            rows: 0,
            rows_with_body: 0,
        };
        let (shelf, cost) = (entry.shelf(), entry.cost());
        self.charge(&entry.spec.account, entry.spec.log_kind(), shelf, cost);
        self.messages.entries.insert(sequence, entry);
    }

    /// Adds the state of a spec that has none.
    pub(crate) fn insert_state(&mut self, sequence: Sequence, state: MessageState) {
        self.note(EntityKey::State(sequence));
        self.change_entry(sequence, |entry| entry.state = Some(state));
        let Some(entry) = self.messages.entries.get(sequence) else {
            return;
        };
        if entry.spec.carried().is_some() {
            let account = entry.spec.account.clone();
            let carried = self.messages.carried.entry(account).or_default();
            carried.insert(sequence);
        }
        self.enter(sequence, state);
    }

    /// Changes the state of a message, and its indices, timer and body accordingly.
    pub(crate) fn update(&mut self, sequence: Sequence, change: impl FnOnce(&mut MessageState)) {
        let Some(entry) = self.messages.entries.get(sequence) else {
            return;
        };
        let Some(before) = entry.state else {
            return;
        };
        let mut after = before;
        change(&mut after);
        if after == before {
            return;
        }
        let old = self.footprint(&entry.spec, &before);
        let new = self.footprint(&entry.spec, &after);
        if before.is_finished() == after.is_finished() {
            if let Some(entry) = self.messages.entries.get_mut(sequence) {
                entry.state = Some(after);
            }
        } else {
            self.change_entry(sequence, |entry| entry.state = Some(after));
        }
        self.move_footprint(sequence, &old, &new);
        self.note(EntityKey::State(sequence));
    }

    /// Forgets the state of a message. What the log and the dead-letter list need of it stays.
    pub(crate) fn forget_message(&mut self, sequence: Sequence) {
        let Some((spec, state)) = self.whole(sequence) else {
            return;
        };
        let carries = spec.carried().is_some();
        let (account, kind) = (spec.account.clone(), spec.log_kind());
        self.set_dead_letter(sequence, None);
        self.leave(sequence, state);
        if carries && let Some(all) = self.messages.carried.get_mut(&account) {
            all.remove(&sequence);
            if all.is_empty() {
                self.messages.carried.remove(&account);
            }
        }
        self.note(EntityKey::State(sequence));
        self.note_past(sequence);
        let is_needed = self.change_entry(sequence, |entry| {
            entry.state = None;
            let listed = entry.past.take().and_then(|past| past.listed);
            if listed.is_some() {
                entry.past_mut().listed = listed;
            }
        });
        if !is_needed {
            self.drop_unneeded(sequence);
        }
        // The rest of the message may count towards the log from now on.
        self.trim_log(&account, kind);
    }

    /// Counts one more or one less row of the log about a message.
    pub(super) fn hold_for_row(&mut self, sequence: Sequence, with_body: bool, holds: bool) {
        let change = |count: &mut u32| {
            if holds {
                *count += 1;
            } else {
                *count -= 1;
            }
        };
        let is_needed = self.change_entry(sequence, |entry| {
            change(&mut entry.rows);
            if with_body {
                change(&mut entry.rows_with_body);
            }
        });
        if !is_needed {
            self.drop_unneeded(sequence);
        }
    }

    /// Notes that a message is in the dead-letter list, or no longer is.
    pub(super) fn hold_for_list(&mut self, sequence: Sequence, listed: Option<RowId>) {
        let is_needed = self.change_entry(sequence, |entry| entry.past_mut().listed = listed);
        let Some(entry) = self.messages.entries.get(sequence) else {
            return;
        };
        let (account, kind) = (entry.spec.account.clone(), entry.spec.log_kind());
        if !is_needed {
            self.drop_unneeded(sequence);
        }
        if listed.is_none() {
            // The rest of the message may count towards the log from now on.
            self.trim_log(&account, kind);
        }
    }

    /// Drops a spec that nothing needs.
    pub(crate) fn drop_unneeded(&mut self, sequence: Sequence) {
        let entries = &mut self.messages.entries;
        let needed = entries.get(sequence).is_none_or(Entry::is_needed);
        if needed || self.loading {
            return;
        }
        if let Some(entry) = entries.remove(sequence) {
            self.messages
                .ids
                .remove(&(first_half(entry.spec.id), sequence));
            self.note(EntityKey::Spec(sequence));
            let cost = entry.cost();
            self.refund(
                &entry.spec.account,
                entry.spec.log_kind(),
                entry.shelf(),
                cost,
            );
        }
    }

    /// Drops every spec that nothing needs.
    pub(super) fn drop_unneeded_specs(&mut self) {
        let entries = self.messages.entries.iter();
        let unneeded = entries.filter(|(_, entry)| !entry.is_needed());
        let unneeded: Vec<_> = unneeded.map(|(sequence, _)| sequence).collect();
        for sequence in unneeded {
            self.drop_unneeded(sequence);
        }
    }

    /// Changes an entry, and its bytes and the owners of its body accordingly. Returns whether anybody still needs it.
    pub(super) fn change_entry(
        &mut self,
        sequence: Sequence,
        change: impl FnOnce(&mut Entry),
    ) -> bool {
        let Some(entry) = self.messages.entries.get_mut(sequence) else {
            return true;
        };
        let before = (entry.shelf(), entry.changing_cost(), entry.keeps_body());
        change(entry);
        let after = (entry.shelf(), entry.changing_cost(), entry.keeps_body());
        let is_needed = entry.is_needed();
        if before == after {
            return is_needed;
        }
        let fixed = entry.spec.cost();
        let (kind, body) = (entry.spec.log_kind(), entry.spec.body.stored());
        // Only the log counts by account.
        let account = if before.0 == Shelf::Log || after.0 == Shelf::Log {
            Some(entry.spec.account.clone())
        } else {
            None
        };
        match &account {
            Some(account) => {
                self.refund(account, kind, before.0, fixed + before.1);
                self.charge(account, kind, after.0, fixed + after.1);
            }
            None => {
                self.ledger.let_go(before.0, fixed + before.1);
                self.ledger.hold(after.0, fixed + after.1);
            }
        }
        match (before.2, after.2) {
            (false, true) => self.hold_body(body),
            (true, false) => self.let_go_body(body),
            (true, true) | (false, false) => {}
        }
        is_needed
    }
}

fn first_half(id: MessageId) -> u64 {
    id.0.as_u64_pair().0
}
