//! The numbers of messages, of bodies, and of rows of the log and of dead-letter lists.
//!
//! Each kind has its own count: rows that deliveries write do not change the ids of messages that are published
//! meanwhile, and bodies that are published together have adjacent numbers. Numbers are reserved in blocks, so that
//! only one input in many stores the counts.

use crate::engine::model::entity::Meta;
use crate::engine::model::id::BodyId;
use crate::engine::model::message::Sequence;

/// How many numbers a block has.
const BLOCK: u64 = 1 << 16;

/// The three counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    /// What is stored: at least the next number of each count.
    pub(super) reserved: Meta,
    sequence: u64,
    body: u64,
    row: u64,
}

impl Numbers {
    pub(super) const fn new(meta: Meta) -> Self {
        Self {
            reserved: meta,
            sequence: meta.next_sequence,
            body: meta.next_body,
            row: meta.next_row,
        }
    }

    /// The next number of the order in which messages and queues are made; true if more were reserved.
    pub(super) const fn next_sequence(&mut self) -> (Sequence, bool) {
        let (number, more) = next(&mut self.sequence, &mut self.reserved.next_sequence);
        (Sequence(number), more)
    }

    pub(super) const fn next_body(&mut self) -> (BodyId, bool) {
        let (number, more) = next(&mut self.body, &mut self.reserved.next_body);
        (BodyId(number), more)
    }

    pub(super) const fn next_row(&mut self) -> (u64, bool) {
        next(&mut self.row, &mut self.reserved.next_row)
    }

    pub(super) const fn newest_sequence(&self) -> Sequence {
        Sequence(self.sequence - 1)
    }

    /// Gives no number that `other` has given.
    pub(super) fn continue_from(&mut self, other: &Self) {
        self.sequence = self.sequence.max(other.sequence);
        self.body = self.body.max(other.body);
        self.row = self.row.max(other.row);
        let (mine, others) = (&mut self.reserved, &other.reserved);
        mine.next_sequence = mine.next_sequence.max(others.next_sequence);
        mine.next_body = mine.next_body.max(others.next_body);
        mine.next_row = mine.next_row.max(others.next_row);
    }
}

const fn next(count: &mut u64, reserved: &mut u64) -> (u64, bool) {
    let more = *count >= *reserved;
    if more {
        *reserved = *count + BLOCK;
    }
    *count += 1;
    (*count - 1, more)
}
