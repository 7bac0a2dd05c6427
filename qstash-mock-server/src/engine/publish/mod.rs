//! Publishing: a command becomes messages, one for each endpoint, unless they are remembered already.
//!
//! `merge` makes the settings of a message of what its publisher and a URL group say, `drafts` turns what was asked for
//! into messages to be made, `dedup` recognises a second publish of the same, `store` checks that there is room, and
//! stores.

mod dedup;
pub(super) mod drafts;
mod merge;
mod quota;
pub(super) mod store;
