//! Gates at which an input had started enough attempts. The next input goes on there.

use std::collections::BTreeSet;

use super::EngineState;
use crate::engine::model::id::{AccountName, QueueId};
use crate::engine::model::time::Timestamp;

/// The gates that still have something to let through.
#[derive(Debug, Default)]
pub(super) struct Postponed {
    queues: BTreeSet<QueueId>,
    accounts: BTreeSet<AccountName>,
    since: Option<Timestamp>,
}

impl EngineState {
    /// When the input stopped that left something to be started; `None` if the last one left nothing.
    pub(crate) const fn postponed_since(&self) -> Option<Timestamp> {
        self.postponed.since
    }

    /// Whether messages wait for an account's parallelism only because the last input had started enough.
    pub(crate) fn is_account_postponed(&self, account: &AccountName) -> bool {
        self.postponed.accounts.contains(account)
    }

    pub(crate) fn postpone_queue(&mut self, now: Timestamp, id: QueueId) {
        self.postponed.queues.insert(id);
        self.postponed.since = Some(now);
    }

    pub(crate) fn postpone_account(&mut self, now: Timestamp, account: AccountName) {
        self.postponed.accounts.insert(account);
        self.postponed.since = Some(now);
    }

    /// Lets the input that begins go on where the last one stopped.
    pub(crate) fn resume_postponed(&mut self) {
        if self.postponed.since.take().is_none() {
            return;
        }
        self.dirty.append(&mut self.postponed.queues);
        for account in std::mem::take(&mut self.postponed.accounts) {
            self.mark_account_dirty(account);
        }
    }
}
