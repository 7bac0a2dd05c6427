//! Decoding the URL groups, schedules and messages of a fixture that v2 defines.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::super::decode::{Object, queue_name, text};
use super::super::error::ApiError;
use super::super::limits::NAME_RULE;
use super::destination::Destination;
use super::error::Refusal;
use super::lines::Lines;
use super::publish::target;
use super::settings::{RequestKind, Settings};
use super::url_groups;
use crate::engine::{
    Action, GroupName, PartialSettings, Publish, PutSchedule, ScheduleAction, ScheduleId, Target,
    UrlGroupAction,
};

/// Decodes the items of one fixture.
#[derive(Default)]
pub(in crate::api) struct FixtureReader {
    /// The URL groups decoded so far, with their default settings.
    groups: BTreeMap<String, Arc<PartialSettings>>,
}

impl FixtureReader {
    /// Decodes a URL group: its name, its endpoints in the form of `POST /v2/topics/{name}/endpoints`, its headers in
    /// the form of `PATCH /v2/topics/{name}`.
    pub(in crate::api) fn url_group(&mut self, item: &Object<'_>) -> Result<Vec<Action>, ApiError> {
        item.knows(&["name", "endpoints", "headers"])?;
        let text = item.required("name", text)?;
        let name =
            GroupName::parse(&text).ok_or_else(|| ApiError::invalid_field("name", NAME_RULE))?;
        let endpoints = item.required("endpoints", url_groups::endpoints)?;
        let put = UrlGroupAction::PutEndpoints(name.clone(), endpoints);
        let mut actions = vec![Action::from(put)];
        let headers = item.nullable("headers", Lines::of_json)?;
        let defaults = headers.as_ref().map(url_groups::defaults);
        let defaults = defaults.transpose().map_err(on("headers"))?;
        if let Some(defaults) = defaults.clone() {
            actions.push(UrlGroupAction::SetDefaults(name, defaults).into());
        }
        self.groups.insert(text, defaults.unwrap_or_default());
        Ok(actions)
    }

    /// Decodes a schedule: a message, and when it is published.
    pub(in crate::api) fn schedule(&self, item: &Object<'_>) -> Result<Action, ApiError> {
        item.knows(&[
            "schedule_id",
            "cron",
            "destination",
            "queue",
            "headers",
            "body",
        ])?;
        let cron = Lines::of_pairs(&[("upstash-cron".to_owned(), item.required("cron", text)?)]);
        let cron = Settings::read(&cron, RequestKind::Schedule).map_err(on("cron"))?;
        let cron = cron
            .cron
            .ok_or_else(|| ApiError::invalid_field("cron", "is missing"))?;
        let id = item.nullable("schedule_id", |value| {
            ScheduleId::parse(&text(value)?).ok_or_else(|| ApiError::invalid_value(NAME_RULE))
        })?;
        let (to, body) = self.to(item, RequestKind::Schedule)?;
        let put = PutSchedule { id, cron, to, body };
        Ok(ScheduleAction::Put(Box::new(put)).into())
    }

    /// Decodes a message, in the form of an item of `POST /v2/batch`.
    pub(in crate::api) fn message(&self, item: &Object<'_>) -> Result<Action, ApiError> {
        item.knows(&["destination", "queue", "headers", "body"])?;
        let (to, body) = self.to(item, RequestKind::Message)?;
        Ok(Publish::to_destination(to, body).into())
    }

    fn to(&self, item: &Object<'_>, kind: RequestKind) -> Result<(Target, Bytes), ApiError> {
        let whole = item.required("destination", text)?;
        let (destination, query) = Destination::parse_whole(&whole).map_err(on("destination"))?;
        let headers = item
            .nullable("headers", Lines::of_json)?
            .unwrap_or_default();
        let query = Lines::of_query(query.unwrap_or_default()).map_err(on("destination"))?;
        let defaults = match &destination {
            Destination::UrlGroup(name) => {
                let unknown = "names a URL group that the fixture does not make";
                let group = self.groups.get(name);
                Some(group.ok_or_else(|| ApiError::invalid_field("destination", unknown))?)
            }
            Destination::Url(_) | Destination::Api(_) => None,
        };
        let lines = headers.or(&query);
        let mut settings = Settings::read(&lines, kind).map_err(on("headers"))?;
        settings.take_incoming(&destination, &lines, "");
        let queue = item.nullable("queue", queue_name)?;
        let queue = queue.or_else(|| settings.queue.take());
        let body = Bytes::from(item.nullable("body", text)?.unwrap_or_default());
        check(settings.given.clone(), defaults, kind).map_err(on("headers"))?;
        let to = target(destination, queue, settings.given).map_err(on("destination"))?;
        Ok((to, body))
    }
}

/// Checks that the settings, merged with the defaults of a URL group, are complete, as the engine will.
fn check(
    given: PartialSettings,
    defaults: Option<&Arc<PartialSettings>>,
    kind: RequestKind,
) -> Result<(), Refusal> {
    let sum = match defaults {
        Some(defaults) => given.or(defaults),
        None => given,
    };
    match kind {
        RequestKind::Schedule => sum.complete_for_schedule()?,
        RequestKind::Message | RequestKind::Retry | RequestKind::Group => sum.complete()?,
    };
    Ok(())
}

/// Turns a refusal of v2, whose sentence names what is wrong, into a refusal of a field.
fn on(field: &'static str) -> impl Fn(Refusal) -> ApiError {
    move |refusal| ApiError::of_field(field, refusal.into_sentence())
}
