//! One page of a list, filled within a bounded amount of work.

/// What the engine sees of one entry of a list.
pub(super) struct Seen<C, R> {
    /// The cursor that continues after this entry.
    pub(super) cursor: C,
    /// What it took to look at the entry, as a share of what a page may take.
    pub(super) effort: usize,
    /// What the page shows of the entry, if the query means it.
    pub(super) shown: Option<R>,
}

/// Fills a page with at most `limit` entries, and returns the cursor of the next page. Stops when the entries together
/// took `room`, so the page may be short and have a cursor all the same.
pub(super) fn page<E, C, R>(
    entries: impl Iterator<Item = E>,
    limit: usize,
    mut room: usize,
    look: impl Fn(E) -> Seen<C, R>,
) -> (Vec<R>, Option<C>) {
    let mut entries = entries.peekable();
    let (mut page, mut last) = (vec![], None);
    while let Some(entry) = entries.next_if(|_| room > 0) {
        let seen = look(entry);
        room = room.saturating_sub(seen.effort);
        last = Some(seen.cursor);
        page.extend(seen.shown);
        if page.len() >= limit {
            break;
        }
    }
    let next = last.filter(|_| entries.peek().is_some());
    (page, next)
}
