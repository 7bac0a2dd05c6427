//! Plans: the faults that strike one attempt.

use std::time::Duration;

use super::rule::Kind;
use crate::engine::Timestamp;

/// The faults that strike one attempt.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Plan {
    pub(crate) delay: Option<Duration>,
    pub(crate) reorder: bool,
    pub(crate) rotate_key: bool,
    pub(crate) forgery: Option<Forgery>,
    pub(crate) reset_mid_body: bool,
    pub(crate) duplicate: bool,
    pub(crate) slow: Option<Duration>,
    pub(crate) lose_answer: bool,
}

/// How a signature differs from an honest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forgery {
    /// The signature is wrong.
    Bad,
    /// The signer's clock is ahead or behind. Only v2 signatures contain a time.
    Skewed { ahead: bool, by: Duration },
}

impl Forgery {
    /// The time on the signer's clock.
    pub(crate) fn time(self, time: Timestamp) -> Timestamp {
        match self {
            Self::Bad => time,
            Self::Skewed { ahead: true, by } => time + by,
            Self::Skewed { ahead: false, by } => time - by,
        }
    }
}

impl Plan {
    /// Adds what `kind` does to a delivery.
    pub(super) fn add(&mut self, kind: &Kind) {
        match kind {
            Kind::Delay(by) => self.delay = Some(self.delay.unwrap_or_default() + *by),
            Kind::Slow(by) => self.slow = Some(self.slow.unwrap_or_default() + *by),
            Kind::Reorder => self.reorder = true,
            Kind::Duplicate => self.duplicate = true,
            Kind::LoseAnswer => self.lose_answer = true,
            Kind::ResetMidBody => self.reset_mid_body = true,
            Kind::BadSignature => self.forgery = Some(Forgery::Bad),
            Kind::SignerAhead(by) => self.skew(true, *by),
            Kind::SignerBehind(by) => self.skew(false, *by),
            Kind::RotateKey => self.rotate_key = true,
            Kind::ApiStatus(..)
            | Kind::ApiDelay(_)
            | Kind::ApiResetBefore
            | Kind::ApiResetAfter => {}
        }
    }

    const fn is_skewed(&self, towards: bool) -> bool {
        matches!(self.forgery, Some(Forgery::Skewed { ahead, .. }) if ahead == towards)
    }

    /// Sets the signer's clock, unless the signature is forged already.
    fn skew(&mut self, ahead: bool, by: Duration) {
        self.forgery.get_or_insert(Forgery::Skewed { ahead, by });
    }

    /// The names of the faults, for captured deliveries.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        [
            (self.delay.is_some(), "delay"),
            (self.reorder, "reorder"),
            (self.rotate_key, "rotate_key"),
            (self.forgery == Some(Forgery::Bad), "bad_signature"),
            (self.is_skewed(true), "signer_ahead"),
            (self.is_skewed(false), "signer_behind"),
            (self.reset_mid_body, "reset_mid_body"),
            (self.duplicate, "duplicate"),
            (self.slow.is_some(), "slow"),
            (self.lose_answer, "lose_answer"),
        ]
        .into_iter()
        .filter_map(|(there, name)| there.then_some(name))
        .collect()
    }
}
