//! Quotas on publishing (v2.md sections 1.7 and 7).

use std::time::Duration;

use crate::engine::access::{check_duration_quota, check_quota};
use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::model::carried_rules::Settings;
use crate::engine::model::entity::DayCounter;
use crate::engine::model::id::AccountName;
use crate::engine::model::time::Timestamp;
use crate::engine::quota::QuotaKind;

impl Engine {
    /// Counts messages that an account publishes, if its plan limits the messages of a day (v2.md section 1.7).
    pub(crate) fn count_messages_of_the_day(
        &mut self,
        now: Timestamp,
        account: &AccountName,
        messages: u64,
    ) -> Result<(), Error> {
        const DAY_MILLIS: u64 = 24 * 60 * 60 * 1000;
        let Some(limit) = self.config.quotas.messages_per_day else {
            return Ok(());
        };
        let today = now.as_millis() / DAY_MILLIS;
        let known = self.state.day(account).filter(|it| it.day == today);
        let count = known.map_or(0, |it| it.messages) + messages;
        if count > limit {
            let resets_at = Timestamp::from_millis((today + 1).saturating_mul(DAY_MILLIS));
            return Err(Error::DailyLimit { limit, resets_at });
        }
        self.state.put_day(DayCounter {
            account: account.clone(),
            day: today,
            messages: count,
        });
        Ok(())
    }

    /// Refuses settings over a quota, before anything is stored.
    pub(crate) fn check_quotas(
        &self,
        now: Timestamp,
        body: usize,
        settings: &Settings,
    ) -> Result<(), Error> {
        let quotas = &self.config.quotas;
        check_quota(QuotaKind::MessageSize, body as u64, quotas.message_size)?;
        let check_rules = |retries: Option<u32>, delay, timeout: Option<Duration>| {
            let retries = retries.unwrap_or_default();
            check_quota(QuotaKind::Retries, retries.into(), quotas.retries)?;
            check_duration_quota(QuotaKind::Delay, delay, quotas.delay)?;
            let timeout = timeout.unwrap_or_default();
            check_duration_quota(QuotaKind::Timeout, timeout, Some(quotas.timeout))
        };
        let delay = match settings.not_before {
            Some(not_before) => not_before.since(now),
            None => settings.delay.unwrap_or_default(),
        };
        check_rules(settings.max_retries, delay, settings.timeout)?;
        let callbacks = [&settings.callback, &settings.failure_callback];
        for callback in callbacks.into_iter().flatten() {
            check_rules(callback.max_retries, callback.delay, callback.timeout)?;
        }
        Ok(())
    }
}
