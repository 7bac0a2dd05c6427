//! All that the state stores of one message, and the bytes that it counts for.

use std::collections::VecDeque;

use bytes::Bytes;

use super::held::Shelf;
use crate::engine::model::id::RowId;
use crate::engine::model::message::{AttemptRecord, DeadLetter, MessageState, Stage};
use crate::engine::model::spec::MessageSpec;

/// One message, or the rest of it that the log and the dead-letter list need.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) spec: MessageSpec,
    /// None if the message is forgotten, and only the log or the dead-letter list still needs its spec.
    pub(super) state: Option<MessageState>,
    pub(super) past: Option<Box<Past>>,
    /// How many rows of the log are about the message.
    pub(super) rows: u32,
    /// How many of these rows show the body.
    pub(super) rows_with_body: u32,
}

/// The history of a message.
#[derive(Debug, Default)]
pub(crate) struct Past {
    /// The newest attempts that have ended, oldest first, each with the number of its lease.
    pub(super) records: VecDeque<(u32, AttemptRecord)>,
    /// The beginning of the newest answer, if the message follows its queue's rules.
    pub(super) answer: Bytes,
    pub(super) dead_letter: Option<Box<DeadLetter>>,
    /// The message's id in the account's dead-letter list.
    pub(super) listed: Option<RowId>,
}

impl Past {
    pub(crate) fn records(&self) -> impl Iterator<Item = &AttemptRecord> {
        self.records.iter().map(|(_, record)| record)
    }

    pub(super) fn numbered_records(&self) -> impl Iterator<Item = (u32, &AttemptRecord)> {
        let records = self.records.iter();
        records.map(|(number, record)| (*number, record))
    }

    pub(crate) const fn answer(&self) -> &Bytes {
        &self.answer
    }

    pub(crate) fn dead_letter(&self) -> Option<&DeadLetter> {
        self.dead_letter.as_deref()
    }

    pub(crate) const fn listed(&self) -> Option<RowId> {
        self.listed
    }

    fn cost(&self) -> usize {
        let records = self.records.iter().map(|(_, record)| record.cost());
        let dead_letter = self.dead_letter.as_ref().map_or(0, |it| it.cost());
        records.sum::<usize>() + self.answer.len() + dead_letter
    }
}

impl Entry {
    const fn listed(&self) -> bool {
        matches!(&self.past, Some(past) if past.listed.is_some())
    }

    /// Whether the body is kept: until the message is finished, after its delivery if it carries its rules (v2.md
    /// section 2.4), and as long as the log or the dead-letter list shows it.
    pub(super) fn keeps_body(&self) -> bool {
        let shown = self.rows_with_body > 0 || self.listed();
        shown
            || self.state.is_some_and(|state| match state.state.stage() {
                Stage::Failed | Stage::Cancelled => false,
                Stage::Delivered => self.spec.carried().is_some(),
                Stage::Delayed | Stage::Ready | Stage::InFlight | Stage::Leased => true,
            })
    }

    /// The bound that the message counts towards.
    pub(super) fn shelf(&self) -> Shelf {
        match self.state {
            Some(state) if !state.is_finished() => Shelf::Held,
            _ if self.listed() => Shelf::Held,
            Some(_) => Shelf::Finished,
            None => Shelf::Log,
        }
    }

    pub(super) fn cost(&self) -> usize {
        self.spec.cost() + self.changing_cost()
    }

    /// What it costs beside its spec, which walks through its headers and labels to know its own cost.
    pub(super) fn changing_cost(&self) -> usize {
        let body = if self.keeps_body() {
            self.spec.body.length()
        } else {
            0
        };
        body + self.past.as_ref().map_or(0, |past| past.cost())
    }

    pub(super) const fn is_needed(&self) -> bool {
        self.state.is_some() || self.rows > 0 || self.listed()
    }

    pub(super) fn past_mut(&mut self) -> &mut Past {
        self.past.get_or_insert_default()
    }
}
