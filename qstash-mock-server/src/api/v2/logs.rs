//! The event log (v2.md section 2.6).

use super::Answer;
use super::call::{Call, unexpected};
use super::query::{self, Filter};
use super::wire;
use crate::engine::{Action, Event, LogKind, LogQuery, Reply};

/// Rows of one page: the most, which is also the default.
const PAGE: usize = 1000;

pub(super) async fn list(call: Call) -> Answer {
    let query = query::of_logs(call.query())?;
    let filter = Filter::read(&query)?;
    let query = LogQuery {
        kind: LogKind::CarriedRules,
        events: filter.states.iter().flat_map(|name| events(name)).collect(),
        filter: filter.into_engine(),
        cursor: query.cursor()?,
        count: query.count(PAGE)?.unwrap_or(PAGE),
        earliest_first: query.earliest_first()?,
    };
    match call.ask(Action::Log(Box::new(query))).await? {
        Reply::Log { rows, next } => Ok(wire::log(&rows, next)),
        _ => Err(unexpected()),
    }
}

/// The events that a name of a filter means.
fn events(name: &str) -> Vec<Event> {
    const ALL: [Event; 8] = [
        Event::Created,
        Event::Active,
        Event::Error,
        Event::Retry,
        Event::Delivered,
        Event::Failed,
        Event::CancelRequested,
        Event::Cancelled,
    ];
    match name {
        "IN_PROGRESS" => vec![Event::Active, Event::Retry, Event::Error],
        name => ALL
            .into_iter()
            .filter(|event| wire::event_name(*event) == name)
            .collect(),
    }
}
