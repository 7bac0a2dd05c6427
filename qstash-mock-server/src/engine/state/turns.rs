//! Gates that have something to let through, served in turn.

use std::collections::BTreeSet;
use std::ops::Bound;

/// The gates that the engine has yet to serve, by their key.
#[derive(Debug)]
pub(super) struct Turns<K> {
    waiting: BTreeSet<K>,
    /// The gate at which the last input stopped. The next one begins after it, so that a gate with much to let through
    /// does not keep back the others.
    last: Option<K>,
}

impl<K> Default for Turns<K> {
    fn default() -> Self {
        Self {
            waiting: BTreeSet::new(),
            last: None,
        }
    }
}

impl<K: Clone + Ord> Turns<K> {
    pub(super) fn add(&mut self, gate: K) {
        self.waiting.insert(gate);
    }

    pub(super) fn remove(&mut self, gate: &K) {
        self.waiting.remove(gate);
    }

    /// Takes the gate whose turn it is.
    pub(super) fn next(&mut self) -> Option<K> {
        let after = self.last.clone().map_or(Bound::Unbounded, Bound::Excluded);
        let next = self.waiting.range((after, Bound::Unbounded)).next();
        let next = next.or_else(|| self.waiting.first()).cloned();
        match &next {
            Some(gate) => self.waiting.remove(gate),
            None => self.last.take().is_some(),
        };
        next
    }

    /// Leaves the rest of a gate to a later turn.
    pub(super) fn put_off(&mut self, gate: K) {
        self.last = Some(gate.clone());
        self.waiting.insert(gate);
    }
}
