//! Headers, as publishers and consumers give them.

use std::sync::Arc;

/// Headers in the order given, shared by message, attempts and storage.
pub type Headers = Arc<[(String, String)]>;

/// What headers cost in bounds on bytes.
pub(crate) fn headers_cost(headers: &[(String, String)]) -> usize {
    let one = |(name, value): &(String, String)| name.len() + value.len() + 64;
    headers.iter().map(one).sum()
}
