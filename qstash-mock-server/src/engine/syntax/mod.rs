//! The small languages that callers write: cron expressions, durations, retry delays, URLs.

pub(super) mod cron;
pub(crate) mod duration;
pub(super) mod expr;
pub(super) mod url;
