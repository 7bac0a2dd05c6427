//! Comparing a delivery with an expectation.

use std::any::type_name;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::super::deliveries::Filter;
use super::super::delivery::Delivery;
use crate::engine::Timestamp;
use crate::instruments::fits;

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

/// The beginning of a body, as a person can read it.
fn shown(body: &[u8]) -> String {
    const MOST: usize = 200;
    let text = String::from_utf8_lossy(&body[..body.len().min(MOST)]).into_owned();
    if body.len() > MOST {
        text + "…"
    } else {
        text
    }
}

impl Criteria {
    pub(super) fn matches(&self, delivery: &Delivery) -> bool {
        self.differences(delivery).is_empty()
    }

    /// The differences between the delivery and what is demanded, one sentence for each field.
    pub(super) fn differences(&self, delivery: &Delivery) -> Vec<String> {
        let mut found = Vec::new();
        let mut differs = |field: &str, wanted: &Option<String>, is: Option<&str>| {
            if let Some(wanted) = wanted.as_deref().filter(|wanted| Some(*wanted) != is) {
                found.push(format!(
                    "{field}: asked for `{wanted}`, is `{}`",
                    is.unwrap_or("none")
                ));
            }
        };
        differs("queue", &self.filter.queue, delivery.queue());
        differs("account", &self.filter.account, Some(delivery.account()));
        let url = self.filter.url.as_deref();
        if !fits(url, delivery.url()) {
            found.push(format!(
                "URL: asked for `{}`, is `{}`",
                url.unwrap_or_default(),
                delivery.url()
            ));
        }
        if let Some((name, wanted)) = self.filter.missing_header(delivery) {
            let is = delivery.header(name);
            let is = is.map_or_else(|| "absent".to_owned(), |it| format!("`{it}`"));
            found.push(format!("header {name}: asked for `{wanted}`, is {is}"));
        }
        found.extend(
            self.body
                .iter()
                .filter_map(|check| check(delivery.body()).err()),
        );
        let ended = match self.ending {
            Ending::Any => true,
            Ending::Delivered => delivery.is_delivered(),
            Ending::Failed => delivery.is_failed(),
        };
        if !ended {
            found.push(format!(
                "outcome: asked for {}, is {}",
                self.ending.name(),
                delivery.ending()
            ));
        }
        if let Some(latest) = self.latest.filter(|latest| delivery.started_at() > *latest) {
            let late = delivery.started_at().since(latest);
            found.push(format!("time: {} s too late", late.as_secs_f64()));
        }
        found
    }
}
