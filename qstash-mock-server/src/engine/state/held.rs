//! Counts the bytes that the server keeps for its callers. All of them go through [`Ledger::hold`] and
//! [`Ledger::let_go`], and the invariants count them again.

/// The bound that bytes count towards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shelf {
    /// Values that stay until a command, an attempt or a timer ends them. Over the bound, further ones are refused.
    Held,
    /// Finished messages that stay readable. Over the bound, the oldest is forgotten.
    Finished,
    /// Rows of the log, and what is kept for them alone. Over the bound, the rows written first are forgotten.
    Log,
    /// Answers that listed dead letters keep. Over the bound, the oldest are cut down to their status code.
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
