//! Dead letters: list, read, delete, publish again (v2.md section 2.5).

use axum::body::Body;
use http::StatusCode;

use super::Answer;
use super::call::{Call, unexpected};
use super::error::Refusal;
use super::query::{self, Filter};
use super::settings::{RequestKind, Settings};
use super::wire;
use crate::engine::{self, DeadLetterAction, DeadLetterQuery, Published, Reply, RowId};

/// Entries of one page or one bulk operation: the most, and the default.
const PAGE: usize = 100;

pub(super) async fn list(call: Call, body: Body) -> Answer {
    let Some(query) = chosen(&call, body).await? else {
        return Ok(wire::dead_letters(&[], None));
    };
    match call.ask(DeadLetterAction::List(query)).await? {
        Reply::DeadLetters { entries, next } => Ok(wire::dead_letters(&entries, next)),
        _ => Err(unexpected()),
    }
}

pub(super) async fn get(call: Call, id: String) -> Answer {
    match call.ask(DeadLetterAction::Get(known(&id)?)).await? {
        Reply::DeadLetter(entry) => Ok(wire::dead_letter(&entry)),
        _ => Err(unexpected()),
    }
}

pub(super) async fn delete(call: Call, id: String) -> Answer {
    call.done(DeadLetterAction::Delete(known(&id)?)).await
}

pub(super) async fn delete_many(call: Call, body: Body) -> Answer {
    let Some(query) = chosen(&call, body).await? else {
        return Ok(wire::deleted(0, None));
    };
    match call.ask(DeadLetterAction::DeleteMany(query)).await? {
        Reply::DeadLettersDeleted { deleted, next } => Ok(wire::deleted(deleted, next)),
        _ => Err(unexpected()),
    }
}

pub(super) async fn retry(call: Call, id: String) -> Answer {
    let action = DeadLetterAction::Retry(known(&id)?, Box::new(overrides(&call)?));
    match call.ask(action).await? {
        Reply::Published(Published::One(one)) => Ok(wire::retried(&one)),
        _ => Err(unexpected()),
    }
}

pub(super) async fn retry_many(call: Call, body: Body) -> Answer {
    let Some(query) = chosen(&call, body).await? else {
        let error = "none of the given dlqIds was found";
        return Err(Refusal::new(StatusCode::NOT_FOUND, error));
    };
    let action = DeadLetterAction::RetryMany(query, Box::new(overrides(&call)?));
    match call.ask(action).await? {
        Reply::DeadLettersRetried { messages, next, .. } => Ok(wire::all_retried(&messages, next)),
        _ => Err(unexpected()),
    }
}

/// Which dead letters are meant; `None` if the request gives ids and none of them can exist. Such a request must
/// never mean all dead letters.
async fn chosen(call: &Call, body: Body) -> Result<Option<DeadLetterQuery>, Refusal> {
    let query = query::of_dead_letters(call.query())?;
    let given = call.ids(body, &query, "dlqIds").await?;
    let ids: Option<Vec<RowId>> =
        given.map(|ids| ids.iter().filter_map(|id| RowId::parse(id)).collect());
    if ids.as_ref().is_some_and(Vec::is_empty) {
        return Ok(None);
    }
    Ok(Some(DeadLetterQuery {
        ids: ids.unwrap_or_default(),
        filter: Filter::read(&query)?.into_engine(),
        cursor: query.cursor()?,
        count: query.count(PAGE)?.unwrap_or(PAGE),
        earliest_first: query.earliest_first()?,
    }))
}

/// The settings by which the headers of a retry override the stored ones.
fn overrides(call: &Call) -> Result<engine::Settings, Refusal> {
    let settings = Settings::read(&call.lines()?, RequestKind::Retry)?;
    Ok(settings.given.complete()?)
}

fn known(id: &str) -> Result<RowId, Refusal> {
    RowId::parse(id).ok_or_else(|| Refusal::not_found("dlq message", id))
}
