//! Warnings about consumers that do not answer: each costs a call that moves the clock the whole real-time limit.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::engine::Attempt;
use crate::instruments::masked;

/// How many consumers are remembered. Beyond that nobody is warned any more.
const MOST: usize = 1_000;

/// The consumers that were warned about: one warning for each is enough.
#[derive(Default)]
pub(super) struct Silent(Mutex<BTreeSet<Arc<str>>>);

impl Silent {
    /// Warns that the consumer of `attempt` did not answer within `limit`, unless that was said before.
    /// `tokio_stood_still` says that tokio's clock was paused meanwhile.
    pub(super) fn warn(&self, attempt: &Attempt, limit: Duration, tokio_stood_still: bool) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST || !known.insert(Arc::clone(&attempt.url)) {
            return;
        }
        drop(known);
        let cause = if tokio_stood_still {
            "most likely its handler sleeps by tokio's clock, which is paused (`start_paused`, `tokio::time::pause`) and \
             stands still while the server waits; let it wait by the server's clock, or do not pause tokio's"
        } else {
            "its handler hangs, blocks, or waits for something that comes only after the clock has moved"
        };
        tracing::warn!(
            url = masked(&attempt.url),
            message = %attempt.message.0,
            attempt = attempt.number,
            "a consumer did not answer within the real-time limit of {} s (`real_time_limit`), so the clock moves on \
             without it, each time after so long: {cause}",
            limit.as_secs_f64()
        );
    }
}
