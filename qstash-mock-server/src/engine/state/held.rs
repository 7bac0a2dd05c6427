//! What the server keeps on somebody's behalf, in bytes: everything goes through [`Ledger::hold`] and
//! [`Ledger::let_go`], and the invariants count it again.

/// Which bound some bytes count for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shelf {
    /// Kept until somebody or something ends it: over the bound, what would add is refused.
    Held,
    /// Finished, and kept to be looked at: over the bound, the oldest goes.
    Finished,
    /// Kept for the log alone: over the bound, the rows that were written first go.
    Log,
    /// Answers that listed dead letters keep: over the bound, the oldest are cut down to their status.
    Answers,
}

/// Bytes by shelf.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ledger([usize; 4]);

impl Ledger {
    pub(crate) const fn of(&self, shelf: Shelf) -> usize {
        self.0[shelf as usize]
    }

    pub(crate) const fn hold(&mut self, shelf: Shelf, bytes: usize) {
        self.0[shelf as usize] += bytes;
    }

    pub(crate) const fn let_go(&mut self, shelf: Shelf, bytes: usize) {
        self.0[shelf as usize] -= bytes;
    }
}
