//! What the server holds: beginning anew, going back, filling.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, Request, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::super::ApiState;
use super::super::error::ApiError;
use super::super::json::Json;
use super::super::limits::Expected;
use super::access::Admin;
use super::read;
use super::{Answer, answer};
use crate::driver::ReplaceError;
use crate::testing::{Fixture, FixtureError, Snapshot};
use crate::text::rfc3339;

/// Snapshots that are kept over HTTP at a time; they share bodies with the server.
const MAX_SNAPSHOTS: usize = 16;

/// The snapshots that were taken over HTTP.
#[derive(Default)]
pub(in crate::api) struct Shelf(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    last: u64,
    snapshots: BTreeMap<u64, Snapshot>,
}

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) async fn health(_: Admin) -> Answer {
    Ok(Json::object(|json| json.key("status").text("ok")).into_ok())
}

/// Unlike health it says no once the server is told to stop or its storage failed.
pub(super) async fn ready(State(api): State<ApiState>, _: Admin) -> Answer {
    if api.driver().is_stopped() {
        return Err(crate::driver::CallError::Stopped.into());
    }
    Ok(Json::object(|json| json.key("status").text("ready")).into_ok())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

pub(super) async fn reset(State(api): State<ApiState>, _: Admin, request: Request) -> Answer {
    let Nothing {} = read::body(&api, request).await?;
    api.driver().reset()?;
    api.driver().instruments().clear();
    Ok(Json::object(|json| json.key("now").time(api.driver().now())).into_ok())
}

pub(super) async fn fixture(State(api): State<ApiState>, _: Admin, request: Request) -> Answer {
    let body = api.body(request, Expected::Batch).await?;
    let text =
        std::str::from_utf8(&body).map_err(|_| ApiError::invalid_json("the body is not UTF-8"))?;
    let fixture = Fixture::of(super::super::fixture::decode(text)?);
    fixture
        .load(api.driver())
        .await
        .map_err(|error| refused(&error))?;
    let loaded = fixture.len() as u64;
    Ok(Json::object(|json| json.key("loaded").integer(loaded)).into_ok())
}

fn refused(error: &FixtureError) -> ApiError {
    ApiError::invalid_value(error.to_string())
}

#[derive(Serialize)]
struct Listed {
    id: u64,
    at: String,
}

impl Listed {
    fn of((id, snapshot): (&u64, &Snapshot)) -> Self {
        Self {
            id: *id,
            at: rfc3339(snapshot.at()),
        }
    }
}

pub(super) async fn snapshots(State(api): State<ApiState>, _: Admin) -> Answer {
    #[derive(Serialize)]
    struct List {
        snapshots: Vec<Listed>,
    }
    let kept = api.control().shelf.lock();
    let snapshots = kept.snapshots.iter().map(Listed::of).collect();
    answer(&List { snapshots })
}

pub(super) async fn take_snapshot(
    State(api): State<ApiState>,
    _: Admin,
    request: Request,
) -> Answer {
    let Nothing {} = read::body(&api, request).await?;
    let mut kept = api.control().shelf.lock();
    if kept.snapshots.len() >= MAX_SNAPSHOTS {
        return Err(ApiError::too_many_snapshots(MAX_SNAPSHOTS));
    }
    kept.last += 1;
    let (id, snapshot) = (kept.last, Snapshot::of(api.driver()));
    let listed = answer(&Listed::of((&id, &snapshot)))?;
    kept.snapshots.insert(id, snapshot);
    let (mut head, body) = listed.into_parts();
    head.status = StatusCode::CREATED;
    Ok(axum::response::Response::from_parts(head, body))
}

fn found(api: &ApiState, id: &str) -> Result<(u64, Snapshot), ApiError> {
    let id = id.parse().map_err(|_| ApiError::no_such_route())?;
    let kept = api.control().shelf.lock();
    let snapshot = kept
        .snapshots
        .get(&id)
        .ok_or_else(ApiError::no_such_route)?;
    Ok((id, snapshot.clone()))
}

pub(super) async fn restore_snapshot(
    State(api): State<ApiState>,
    _: Admin,
    Path(id): Path<String>,
    request: Request,
) -> Answer {
    let Nothing {} = read::body(&api, request).await?;
    let (_, snapshot) = found(&api, &id)?;
    snapshot.restore(api.driver())?;
    Ok(Json::object(|json| json.key("now").time(api.driver().now())).into_ok())
}

pub(super) async fn drop_snapshot(
    State(api): State<ApiState>,
    _: Admin,
    Path(id): Path<String>,
) -> Answer {
    let (id, snapshot) = found(&api, &id)?;
    api.control().shelf.lock().snapshots.remove(&id);
    answer(&Listed::of((&id, &snapshot)))
}

impl From<ReplaceError> for ApiError {
    fn from(error: ReplaceError) -> Self {
        match error {
            ReplaceError::Clock(busy) => busy.into(),
            ReplaceError::Stopped => crate::driver::CallError::Stopped.into(),
            ReplaceError::State(_) => Self::unexpected_reply(),
        }
    }
}
