//! Checks of what a token allows (v1.md section 1) and of quotas (v2.md section 7).

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

    /// Checks a command that shows only the queues which the caller may see.
    pub(crate) fn check_permission(&self, permission: Permission) -> Result<(), Error> {
        let allowed = self.permissions.has(permission);
        allowed
            .then_some(())
            .ok_or(Error::ForbiddenPermission { permission })
    }

    /// Checks a command about the whole account. A token that is limited to some queues does not allow it (v1.md
    /// section 1).
    pub(crate) fn check_account(&self, permission: Permission) -> Result<(), Error> {
        self.check_permission(permission)?;
        let whole = self.queues.is_none();
        whole
            .then_some(())
            .ok_or(Error::ForbiddenAccount { permission })
    }

    /// Checks a command about `queue` if there is one, else about the whole account.
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

/// Refuses a `value` over `limit`.
pub(crate) fn check_quota(quota: QuotaKind, value: u64, limit: Option<u64>) -> Result<(), Error> {
    match limit {
        Some(limit) if value > limit => Err(Error::Quota { quota, limit }),
        _ => Ok(()),
    }
}

/// Like [`check_quota`], for a duration; the error gives the limit in whole seconds.
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
