//! One page of a list.

use crate::types::other::Other;

/// Some items of a list, and where to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page<T> {
    /// The items, in the server's order. May be empty although there are more pages.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last one.
    pub cursor: Option<String>,
    /// Fields beside the items that this version does not know. Empty in v1.
    pub other: Other,
}

impl<T> Page<T> {
    /// An empty cursor means the same as none.
    pub(crate) fn new(items: Vec<T>, cursor: Option<String>) -> Self {
        Self {
            items,
            cursor: cursor.filter(|cursor| !cursor.is_empty()),
            other: Other::new(),
        }
    }

    pub(crate) fn with_other(self, other: Other) -> Self {
        Self { other, ..self }
    }
}
