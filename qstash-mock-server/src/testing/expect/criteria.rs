//! Comparing a delivery with an expectation.

use std::any::type_name;
use std::iter::once_with;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::super::delivery::{Delivery, shown};
use super::super::filter::Filter;
use crate::engine::Timestamp;

/// What an expectation demands of a delivery.
#[derive(Clone, Default)]
pub(super) struct Criteria {
    pub(super) filter: Filter,
    pub(super) body: Vec<BodyCheck>,
    pub(super) ending: Ending,
    /// The latest time at which the delivery may have started.
    pub(super) latest: Option<Timestamp>,
}

/// Returns what is wrong with a body, if anything.
pub(super) type BodyCheck = Arc<dyn Fn(&[u8]) -> Result<(), String> + Send + Sync>;

/// How a delivery must have ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Ending {
    #[default]
    Any,
    Delivered,
    Failed,
}

impl Ending {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Any => "attempted",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// A check that the body is the JSON of a `T` for which `matches` returns true.
pub(super) fn json_check<T: DeserializeOwned>(
    matches: impl Fn(&T) -> bool + Send + Sync + 'static,
) -> BodyCheck {
    Arc::new(move |body| match serde_json::from_slice(body) {
        Ok(value) if matches(&value) => Ok(()),
        Ok(_) => Err(format!(
            "body: the closure returned false for {}",
            shown(body)
        )),
        Err(error) => Err(format!(
            "body: not a `{}`: {error} in {}",
            type_name::<T>(),
            shown(body)
        )),
    })
}

impl Criteria {
    pub(super) fn matches(&self, delivery: &Delivery) -> bool {
        self.differences(delivery).next().is_none()
    }

    /// The differences between the delivery and what is demanded, one sentence for each field.
    pub(super) fn differences<'a>(
        &'a self,
        delivery: &'a Delivery,
    ) -> impl Iterator<Item = String> + 'a {
        let body = self.body.iter();
        let body = body.filter_map(|check| check(delivery.body()).err());
        let outcome = || {
            let ended = match self.ending {
                Ending::Any => true,
                Ending::Delivered => delivery.is_delivered(),
                Ending::Failed => delivery.is_failed(),
            };
            let wanted = self.ending.name();
            (!ended).then(|| format!("outcome: asked for {wanted}, is {}", delivery.ending()))
        };
        let time = || {
            let latest = self.latest.filter(|it| delivery.started_at() > *it)?;
            let late = delivery.started_at().since(latest);
            Some(format!("time: {} s too late", late.as_secs_f64()))
        };
        let last = once_with(outcome).chain(once_with(time)).flatten();
        self.filter.differences(delivery).chain(body).chain(last)
    }
}
