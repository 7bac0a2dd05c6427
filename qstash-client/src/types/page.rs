//! One page of a list.

use crate::types::other::Other;

/// One page of a list: some items, and the cursor of the next page. It iterates over its items.
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
    /// Returns the number of items on this page. Further pages may follow; see [`cursor`](Self::cursor).
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns whether this page has no items. Further pages may follow all the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Iterates over the items of this page, in the server's order.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }

    /// Iterates over the items of this page, in the server's order, and lets them be changed.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.items.iter_mut()
    }

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

impl<T> IntoIterator for Page<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Page<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, T> IntoIterator for &'a mut Page<T> {
    type Item = &'a mut T;
    type IntoIter = std::slice::IterMut<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_iterates_over_its_items_by_reference_and_by_value() {
        let mut page = Page::new(vec![1, 2, 3], None);
        assert_eq!((page.len(), page.is_empty()), (3, false));
        for item in &mut page {
            *item *= 2;
        }
        page.iter_mut().for_each(|item| *item += 1);
        let mut sum = 0;
        for item in &page {
            sum += item;
        }
        assert_eq!((sum, page.iter().copied().max()), (15, Some(7)));
        assert_eq!(page.into_iter().collect::<Vec<_>>(), [3, 5, 7]);
        assert!(Page::<u8>::new(Vec::new(), Some("more".to_owned())).is_empty());
    }
}
