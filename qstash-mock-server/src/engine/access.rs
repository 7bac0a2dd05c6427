//! What a grant allows (v1.md section 1), and a plan (v2.md section 1.6).

use std::time::Duration;

use crate::engine::error::Error;
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::id::QueueName;
use crate::engine::quota::QuotaKind;

impl Caller {
    pub(crate) fn check(&self, queue: &QueueName, permission: Permission) -> Result<(), Error> {
        let allowed = self.sees(queue) && self.permissions.has(permission);
        allowed.then_some(()).ok_or_else(|| Error::Forbidden {
            queue: queue.clone(),
            permission,
        })
    }

    /// For what shows the caller's own queues alone, however many those are.
    pub(crate) fn check_permission(&self, permission: Permission) -> Result<(), Error> {
        let allowed = self.permissions.has(permission);
        allowed
            .then_some(())
            .ok_or(Error::ForbiddenPermission { permission })
    }

    /// For what belongs to the account as a whole, and is tied to no queue: a grant that is limited to some queues
    /// does not reach it (v1.md section 1).
    pub(crate) fn check_account(&self, permission: Permission) -> Result<(), Error> {
        self.check_permission(permission)?;
        let whole = self.queues.is_none();
        whole
            .then_some(())
            .ok_or(Error::ForbiddenAccount { permission })
    }

    /// For what belongs to a queue if there is one, else to the whole account.
    pub(crate) fn check_either(
        &self,
        queue: Option<&QueueName>,
        permission: Permission,
    ) -> Result<(), Error> {
        match queue {
            Some(queue) => self.check(queue, permission),
            None => self.check_account(permission),
        }
    }
}

/// Refuses `value` over `limit`.
pub(crate) fn check_quota(quota: QuotaKind, value: u64, limit: Option<u64>) -> Result<(), Error> {
    match limit {
        Some(limit) if value > limit => Err(Error::Quota { quota, limit }),
        _ => Ok(()),
    }
}

/// As [`check_quota`], for a duration, told in whole seconds.
pub(crate) fn check_duration_quota(
    quota: QuotaKind,
    value: Duration,
    limit: Option<Duration>,
) -> Result<(), Error> {
    match limit {
        Some(limit) if value > limit => Err(Error::Quota {
            quota,
            limit: limit.as_secs(),
        }),
        _ => Ok(()),
    }
}
