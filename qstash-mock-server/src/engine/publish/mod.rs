//! Publishing: the engine makes messages of a command, one for each endpoint, except for duplicates.
//!
//! `batch` publishes many, `merge` merges the settings of a publisher and a URL group, `drafts` turns a command into
//! drafts of messages, `dedup` recognises a second publish of the same message, `quota` checks the quotas, `store`
//! checks the bounds and stores the messages.

mod batch;
mod dedup;
pub(super) mod drafts;
mod merge;
mod quota;
pub(super) mod store;
