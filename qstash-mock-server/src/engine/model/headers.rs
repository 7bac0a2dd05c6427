//! Headers, as publishers and consumers give them.

use std::sync::Arc;

/// Names and values of headers in the order given; a name may occur more than once. Cheap to clone.
pub type Headers = Arc<[(String, String)]>;

/// The number of bytes that headers count for in the engine's bounds.
pub(crate) fn headers_cost(headers: &[(String, String)]) -> usize {
    let one = |(name, value): &(String, String)| name.len() + value.len() + 64;
    headers.iter().map(one).sum()
}
