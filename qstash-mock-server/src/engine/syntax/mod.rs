//! The small languages that callers write: cron expressions, retry delays, URLs.

pub(super) mod cron;
pub(super) mod expr;
pub(super) mod url;
