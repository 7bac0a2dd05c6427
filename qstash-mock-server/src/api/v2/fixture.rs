//! URL groups, schedules and messages in a fixture, in the words of this dialect.

use std::collections::BTreeMap;

use super::super::decode::{Object, queue_name, text};
use super::super::error::ApiError;
use super::destination::Destination;
use super::error::Refusal;
use super::lines::Lines;
use super::publish::named;
use super::settings::{Place, Settings};
use super::url_groups;
use crate::engine::{
    Action, GroupName, PutSchedule, ScheduleAction, ScheduleId, Send, UrlGroupAction,
};

/// Reads the items of one fixture.
#[derive(Default)]
pub(in crate::api) struct FixtureReader {
    /// The URL groups read so far, and the headers that a publish to each has by default.
    groups: BTreeMap<String, Lines>,
}

impl FixtureReader {
    /// A URL group: its name, its endpoints as `POST /v2/topics/{name}/endpoints` takes them, its headers as
    /// `PATCH /v2/topics/{name}` does.
    pub(in crate::api) fn url_group(&mut self, item: &Object<'_>) -> Result<Vec<Action>, ApiError> {
        item.knows(&["name", "endpoints", "headers"])?;
        let text = item.required("name", text)?;
        let name = GroupName::parse(&text).ok_or_else(|| {
            ApiError::invalid_field("name", "must be 1 to 256 letters, digits, `_`, `.` or `-`")
        })?;
        let endpoints = item.required("endpoints", url_groups::endpoints)?;
        let put = UrlGroupAction::PutEndpoints(name.clone(), endpoints);
        let mut actions = vec![Action::UrlGroups(put)];
        let headers = item.nullable("headers", Lines::of_json)?;
        if let Some(headers) = headers.clone() {
            let pairs = url_groups::defaults(headers).map_err(on("headers"))?;
            let set = UrlGroupAction::SetHeaders(name, pairs);
            actions.push(Action::UrlGroups(set));
        }
        self.groups.insert(text, headers.unwrap_or_default());
        Ok(actions)
    }

    /// A schedule: what a message is, and when it is made.
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
        let cron = Settings::read(&cron, Place::Schedule).map_err(on("cron"))?;
        let cron = cron
            .cron
            .ok_or_else(|| ApiError::invalid_field("cron", "is missing"))?;
        let id = item.nullable("schedule_id", |value| {
            ScheduleId::parse(&text(value)?).ok_or_else(|| {
                ApiError::invalid_value("must be 1 to 256 letters, digits, `_`, `.` or `-`")
            })
        })?;
        let send = self.send(item, Place::Schedule)?;
        let put = ScheduleAction::Put(Box::new(PutSchedule { id, cron, send }));
        Ok(Action::Schedules(put))
    }

    /// A message, as an item of `POST /v2/batch`.
    pub(in crate::api) fn message(&self, item: &Object<'_>) -> Result<Action, ApiError> {
        item.knows(&["destination", "queue", "headers", "body"])?;
        Ok(Action::Send(Box::new(self.send(item, Place::Message)?)))
    }

    fn send(&self, item: &Object<'_>, place: Place) -> Result<Send, ApiError> {
        let whole = item.required("destination", text)?;
        let (destination, query) = Destination::parse_whole(&whole).map_err(on("destination"))?;
        let headers = item
            .nullable("headers", Lines::of_json)?
            .unwrap_or_default();
        let query = Lines::of_query(query.unwrap_or_default()).map_err(on("destination"))?;
        let mut lines = headers.clone().or(&query);
        if let Destination::UrlGroup(name) = &destination {
            let unknown = "names a URL group that the fixture does not make";
            let group = self.groups.get(name);
            let group = group.ok_or_else(|| ApiError::invalid_field("destination", unknown))?;
            lines = lines.or(group);
        }
        let mut settings = Settings::read(&lines, place).map_err(on("headers"))?;
        settings.forward_incoming(&headers, "");
        let queue = item.nullable("queue", queue_name)?;
        let queue = queue.or_else(|| settings.queue.take());
        let settings = settings.into_engine(place, None).map_err(on("headers"))?;
        let body = item.nullable("body", text)?.unwrap_or_default();
        Ok(Send {
            destination: named(destination, &settings).map_err(on("destination"))?,
            queue,
            body: body.into(),
            settings,
        })
    }
}

/// A refusal of this dialect, which says in its sentence what is at fault, as one of a field.
fn on(field: &'static str) -> impl Fn(Refusal) -> ApiError {
    move |refusal| ApiError::of_field(field, refusal.into_sentence())
}
