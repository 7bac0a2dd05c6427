//! The newest calls of the API that were refused, for reports: the reason why a test saw nothing often stands there.
//!
//! Reports must not give secrets away. So a call is kept without its headers, body and query, and user names,
//! passwords and queries of URLs in its path are left out. Paths and reasons are cut.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::masked::{beginning, masked};
use crate::engine::Timestamp;

/// How many calls are kept.
const KEPT: usize = 5;
/// The most characters of a path and of a reason that are kept.
const MOST: usize = 200;

/// A call that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) at: Timestamp,
    pub(crate) method: String,
    /// The path, without what may be secret in it.
    pub(crate) path: String,
    pub(crate) status: u16,
    /// The sentence of the answer; empty if it had none.
    pub(crate) reason: String,
}

/// The newest calls that were refused.
#[derive(Default)]
pub(crate) struct Refusals {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    newest: VecDeque<Refused>,
    all: u64,
}

impl Refusals {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a call that was refused at `at` with `status` and `reason`.
    pub(crate) fn note(
        &self,
        at: Timestamp,
        (method, path): (&str, &str),
        status: u16,
        reason: &str,
    ) {
        let refused = Refused {
            at,
            method: beginning(method, MOST),
            path: beginning(&masked(path), MOST),
            status,
            reason: beginning(&masked(reason), MOST),
        };
        let mut kept = self.lock();
        kept.all += 1;
        kept.newest.push_back(refused);
        if kept.newest.len() > KEPT {
            kept.newest.pop_front();
        }
    }

    /// The newest calls, the newest last, and how many there were in all.
    pub(crate) fn newest(&self) -> (Vec<Refused>, u64) {
        let kept = self.lock();
        (kept.newest.iter().cloned().collect(), kept.all)
    }

    /// Forgets all calls.
    pub(crate) fn clear(&self) {
        *self.lock() = Kept::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_and_all_are_counted() {
        let refusals = Refusals::default();
        for number in 0..7 {
            let at = Timestamp::from_millis(number);
            refusals.note(at, ("POST", "/v1/publish"), 400, "`message` is missing");
        }
        let (newest, all) = refusals.newest();
        let times: Vec<_> = newest.iter().map(|it| it.at.as_millis()).collect();
        assert_eq!((times, all), (vec![2, 3, 4, 5, 6], 7));
        refusals.clear();
        assert_eq!(refusals.newest(), (vec![], 0));
    }

    #[test]
    fn what_is_kept_of_a_call_is_short_and_has_no_secrets() {
        let refusals = Refusals::default();
        let path = format!(
            "/v2/publish/https://u:s3cret@a.example/{}",
            "x".repeat(1_000)
        );
        let reason = "`https://u:s3cret@a.example/hook?k=s3cret` is no URL";
        refusals.note(Timestamp::from_millis(1), ("POST", &path), 400, reason);
        let (newest, _) = refusals.newest();
        let path = &newest[0].path;
        assert!(
            path.starts_with("/v2/publish/https://***@a.example/xx"),
            "{path}"
        );
        assert_eq!(path.chars().count(), MOST + 1);
        assert_eq!(newest[0].reason, "`https://***@a.example/hook?…` is no URL");
    }
}
