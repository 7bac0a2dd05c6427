//! The history of a message: each record is appended once, and the oldest is forgotten first.

use bytes::Bytes;

use super::EngineState;
use super::held::Shelf;
use crate::engine::model::entity::EntityKey;
use crate::engine::model::message::{AttemptRecord, DeadLetter, Sequence};

impl EngineState {
    /// Notes that all this is gone.
    pub(super) fn note_past(&mut self, sequence: Sequence) {
        let Some(past) = self.past(sequence) else {
            return;
        };
        let numbers: Vec<_> = past.records.iter().map(|(number, _)| *number).collect();
        let answered = !past.answer.is_empty();
        for number in numbers {
            self.note(EntityKey::Record(sequence, number));
        }
        if answered {
            self.note(EntityKey::Answer(sequence));
        }
    }

    /// Adds the record of an attempt. Over the bound the oldest records are forgotten. While the bound on held bytes
    /// is reached, only the newest record is kept: attempts go on, and memory does not grow.
    pub(crate) fn append_record(&mut self, sequence: Sequence, number: u32, record: AttemptRecord) {
        self.note(EntityKey::Record(sequence, number));
        let limit = if self.is_full() {
            1
        } else {
            self.limits.history
        };
        let mut gone = Vec::new();
        self.change_entry(sequence, |entry| {
            let past = entry.past_mut();
            past.records.push_back((number, record));
            let over = past.records.len().saturating_sub(limit);
            gone.extend(past.records.drain(..over).map(|(number, _)| number));
        });
        for number in gone {
            self.note(EntityKey::Record(sequence, number));
        }
    }

    /// Whether the bound on held bytes is reached.
    fn is_full(&self) -> bool {
        self.bytes(Shelf::Held) >= self.limits.held_bytes
    }

    /// Keeps the beginning of the newest answer. While the bound on held bytes is reached, none is kept.
    pub(crate) fn set_answer(&mut self, sequence: Sequence, answer: Bytes) {
        let answer = if self.is_full() { Bytes::new() } else { answer };
        let known = self.past(sequence).map(|past| &past.answer);
        if known.map_or(answer.is_empty(), |known| *known == answer) {
            return;
        }
        self.note(EntityKey::Answer(sequence));
        self.change_entry(sequence, |entry| entry.past_mut().answer = answer);
    }

    /// Notes why a message is in a dead-letter queue, or that it no longer is.
    pub(crate) fn set_dead_letter(&mut self, sequence: Sequence, letter: Option<DeadLetter>) {
        let known = self.past(sequence).and_then(|past| past.dead_letter());
        if known.is_none() && letter.is_none() {
            return;
        }
        let gone = known.map(|known| known.source.clone());
        let come = letter.as_ref().map(|letter| letter.source.clone());
        self.note(EntityKey::DeadLetter(sequence));
        self.change_entry(sequence, |entry| {
            entry.past_mut().dead_letter = letter.map(Box::new);
        });
        let state = self.message(sequence);
        let queue = state
            .filter(|state| state.state.waits())
            .and_then(|state| state.queue);
        let Some(index) = queue.and_then(|queue| self.indices.get_mut(&queue)) else {
            return;
        };
        if let Some(source) = gone {
            index.count_dead(&source, false);
        }
        if let Some(source) = come {
            index.count_dead(&source, true);
        }
    }
}
