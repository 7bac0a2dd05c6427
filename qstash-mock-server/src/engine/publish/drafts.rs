//! Drafts: the messages that a publish asks for, before they are stored.

use std::sync::Arc;

use bytes::Bytes;

use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::model::carried_rules::{CarriedRules, Deduplication, Settings};
use crate::engine::model::headers::Headers;
use crate::engine::model::id::{AccountName, BodyId, QueueName, ScheduleId};
use crate::engine::model::partial_settings::{PartialSettings, SettingsFault};
use crate::engine::model::publish::{Destination, Target, ToDestination, ToGroup, ToQueue};
use crate::engine::model::spec::{BodyRef, Policy};
use crate::engine::model::time::Timestamp;

/// A message that is not stored yet, for one endpoint.
pub(crate) struct Draft {
    pub(crate) policy: Policy,
    pub(crate) headers: Headers,
    pub(crate) queue: Option<QueueName>,
    pub(crate) due_at: Timestamp,
    /// How a second publish of the same message is recognised.
    pub(super) recognition: Option<Recognition>,
}

/// How a second publish of the same message is recognised.
pub(super) enum Recognition {
    /// By the publisher's key, within one queue.
    InQueue(Arc<str>),
    /// By an id or the content, within the whole account, for each endpoint.
    InAccount(Deduplication),
}

/// The body of drafts.
pub(crate) enum Content {
    /// Bytes of the command. They are stored when the first message needs them.
    New(Bytes),
    /// Bytes of the command that are stored. The publish holds them until all messages are made.
    Stored(BodyId, Bytes),
    /// A body that a stored message or schedule has already.
    Known(BodyRef),
}

impl Content {
    pub(super) fn length(&self) -> usize {
        match self {
            Self::New(bytes) | Self::Stored(_, bytes) => bytes.len(),
            Self::Known(body) => body.length(),
        }
    }

    /// The bytes, if they came with the command.
    pub(super) const fn bytes(&self) -> Option<&Bytes> {
        match self {
            Self::New(bytes) | Self::Stored(_, bytes) => Some(bytes),
            Self::Known(_) => None,
        }
    }
}

impl Draft {
    /// The URL of the endpoint, if the message carries its rules.
    pub(crate) fn url(&self) -> Option<&Arc<str>> {
        self.policy.carried().map(|carried| &carried.url)
    }
}

impl Engine {
    /// The draft of a publish to a queue.
    pub(super) fn draft_for_queue(now: Timestamp, to: ToQueue) -> Draft {
        Draft {
            policy: Policy::QueueRules {
                max_retries: to.max_retries,
            },
            headers: to.headers,
            due_at: now + to.delay,
            recognition: to
                .idempotency_key
                .map(|key| Recognition::InQueue(key.into())),
            queue: Some(to.queue),
        }
    }

    /// Completes a target: merges the defaults of its URL group and checks the result.
    pub(crate) fn settle(
        &self,
        account: &AccountName,
        target: Target,
        complete: impl FnOnce(PartialSettings) -> Result<Settings, SettingsFault>,
    ) -> Result<ToDestination, Error> {
        let ToGroup {
            group,
            queue,
            settings,
        } = match target {
            Target::Destination(to) => return Ok(*to),
            Target::Group(to) => *to,
        };
        let defaults = &self.known_url_group(account, &group)?.defaults;
        Ok(ToDestination {
            settings: complete(settings.or(defaults))?,
            destination: Destination::Group(group),
            queue,
        })
    }

    /// The drafts of a publish to a destination: for a URL group one for each endpoint, in their order.
    pub(super) fn drafts_for_destination(
        &self,
        now: Timestamp,
        account: &AccountName,
        to: &ToDestination,
        schedule: Option<&ScheduleId>,
    ) -> Result<Vec<Draft>, Error> {
        let settings = &to.settings;
        let rules: Vec<CarriedRules> = match &to.destination {
            Destination::Url(url) => vec![CarriedRules::new(Arc::clone(url), settings)],
            Destination::Api { name, url } => vec![CarriedRules {
                api: Some(Arc::clone(name)),
                ..CarriedRules::new(Arc::clone(url), settings)
            }],
            Destination::Group(name) => {
                let group = self.known_url_group(account, name)?;
                let endpoints = group.endpoints.iter();
                let rules = endpoints.map(|endpoint| CarriedRules {
                    group: Some((name.clone(), endpoint.name.clone())),
                    ..CarriedRules::new(Arc::clone(&endpoint.url), settings)
                });
                rules.collect()
            }
        };
        // Of the default number of retries, a publisher gets as many as the plan allows.
        let most = self.config.quotas.retries.map(u32::try_from);
        let most = most.and_then(Result::ok).unwrap_or(u32::MAX);
        let due_at = settings.due_at(now);
        let headers = settings.headers.clone().unwrap_or_default();
        let draft = |rules: CarriedRules| {
            let rules = CarriedRules {
                schedule: schedule.cloned(),
                max_retries: rules.max_retries.min(most),
                ..rules
            };
            Draft {
                queue: to.queue.clone(),
                recognition: settings.deduplication.clone().map(Recognition::InAccount),
                ..Draft::carried(rules, Arc::clone(&headers), due_at)
            }
        };
        Ok(rules.into_iter().map(draft).collect())
    }
}

impl Settings {
    /// When a message with these settings becomes due if it is published now (v2.md section 3.4).
    pub(crate) fn due_at(&self, now: Timestamp) -> Timestamp {
        let delayed = now + self.delay.unwrap_or_default();
        self.not_before.unwrap_or(delayed).max(now)
    }
}
