//! A map by sequence. Sequences are given one after the other, so neighbours stand together in one slot of a tree. This
//! keeps the tree small: a tree that grows at its end leaves half of its slots empty.

use std::collections::BTreeMap;

use crate::engine::model::message::Sequence;

/// How many neighbours stand together. More would save little, and cost much where a single one is left.
const CHUNK: usize = 8;

/// An ordered map by sequence.
#[derive(Debug)]
pub(super) struct BySequence<T> {
    chunks: BTreeMap<u64, [Option<Box<T>>; CHUNK]>,
}

impl<T> Default for BySequence<T> {
    fn default() -> Self {
        let chunks = BTreeMap::new();
        Self { chunks }
    }
}

/// The chunk that a sequence stands in, and where in it.
#[expect(clippy::cast_possible_truncation, reason = "it is less than CHUNK")]
const fn place(sequence: Sequence) -> (u64, usize) {
    let size = CHUNK as u64;
    (sequence.0 / size, (sequence.0 % size) as usize)
}

impl<T> BySequence<T> {
    pub(super) fn get(&self, sequence: Sequence) -> Option<&T> {
        let (chunk, offset) = place(sequence);
        self.chunks.get(&chunk)?[offset].as_deref()
    }

    pub(super) fn get_mut(&mut self, sequence: Sequence) -> Option<&mut T> {
        let (chunk, offset) = place(sequence);
        self.chunks.get_mut(&chunk)?[offset].as_deref_mut()
    }

    pub(super) fn insert(&mut self, sequence: Sequence, value: T) {
        let (chunk, offset) = place(sequence);
        self.chunks.entry(chunk).or_default()[offset] = Some(Box::new(value));
    }

    pub(super) fn remove(&mut self, sequence: Sequence) -> Option<Box<T>> {
        let (key, offset) = place(sequence);
        let chunk = self.chunks.get_mut(&key)?;
        let removed = chunk[offset].take();
        if chunk.iter().all(Option::is_none) {
            self.chunks.remove(&key);
        }
        removed
    }

    /// Everything, in the order of the sequences.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Sequence, &T)> {
        self.chunks.iter().flat_map(|(key, chunk)| {
            let first = key * CHUNK as u64;
            let numbered = (first..).map(Sequence).zip(chunk);
            numbered.filter_map(|(sequence, slot)| Some((sequence, slot.as_deref()?)))
        })
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.iter().map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inserted_is_found_in_order_until_it_is_removed() {
        let mut map = BySequence::default();
        for number in [40, 7, 8, 9] {
            map.insert(Sequence(number), number);
        }
        let all: Vec<_> = map.iter().map(|(sequence, it)| (sequence.0, *it)).collect();
        assert_eq!(all, [(7, 7), (8, 8), (9, 9), (40, 40)]);
        assert_eq!(map.get(Sequence(10)), None);
        if let Some(value) = map.get_mut(Sequence(9)) {
            *value = 90;
        }
        assert_eq!(map.remove(Sequence(9)), Some(Box::new(90)));
        assert_eq!(map.remove(Sequence(9)), None);
        assert_eq!(map.values().collect::<Vec<_>>(), [&7, &8, &40]);
    }

    #[test]
    fn a_chunk_goes_with_its_last_one() {
        let mut map = BySequence::default();
        map.insert(Sequence(16), ());
        map.insert(Sequence(23), ());
        map.remove(Sequence(16));
        assert_eq!(map.chunks.len(), 1);
        map.remove(Sequence(23));
        assert!(map.chunks.is_empty());
    }
}
