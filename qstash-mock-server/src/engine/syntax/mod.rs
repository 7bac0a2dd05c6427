//! Small languages that callers write: cron, retry delays, filters, URLs.

pub(super) mod cron;
pub(super) mod expr;
pub(super) mod filter;
pub(super) mod url;
