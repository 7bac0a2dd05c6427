//! One page of a list.

use crate::types::other::Other;

/// One page of a list: some items, and the cursor of the next page.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page<T> {
    /// The items, in the server's order. A page may be empty although more pages follow.
    pub items: Vec<T>,
    /// The cursor that asks for the next page; `None` on the last page.
    pub cursor: Option<String>,
    /// Fields of the page that this version does not know. Always empty in v1.
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
