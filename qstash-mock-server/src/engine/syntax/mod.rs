//! Small languages that callers write: cron, retry delays, URLs.

pub(super) mod cron;
pub(super) mod expr;
pub(super) mod url;
