//! Test control: reset, snapshots, fixtures.

use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;

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

pub(super) async fn health(_: Admin) -> Answer {
    Ok(Json::object(|json| json.key("status").text("ok")).into_ok())
}

/// Whether the server takes calls. Unlike health it fails once the server is stopped or its storage has failed; while
/// a shutdown waits for deliveries, it still succeeds.
pub(super) async fn ready(State(api): State<ApiState>, _: Admin) -> Answer {
    if api.driver().is_stopped() {
        return Err(crate::driver::CallError::Stopped.into());
    }
    Ok(Json::object(|json| json.key("status").text("ready")).into_ok())
}

pub(super) async fn reset(State(api): State<ApiState>, _: Admin, request: Request) -> Answer {
    read::nothing(&api, request).await?;
    api.driver().reset()?;
    api.driver().instruments().clear();
    Ok(time_of(&api))
}

fn time_of(api: &ApiState) -> Response {
    Json::object(|json| json.key("now").time(api.driver().now())).into_ok()
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
    fn of(id: u64, snapshot: &Snapshot) -> Self {
        Self {
            id,
            at: rfc3339(snapshot.at()),
        }
    }
}

pub(super) async fn snapshots(State(api): State<ApiState>, _: Admin) -> Answer {
    #[derive(Serialize)]
    struct List {
        snapshots: Vec<Listed>,
    }
    let kept = api.control().shelf.all();
    let listed = kept.iter().map(|(id, snapshot)| Listed::of(*id, snapshot));
    answer(&List {
        snapshots: listed.collect(),
    })
}

pub(super) async fn take_snapshot(
    State(api): State<ApiState>,
    _: Admin,
    request: Request,
) -> Answer {
    read::nothing(&api, request).await?;
    let take = || Snapshot::of(api.driver());
    let (id, snapshot) = api.control().shelf.keep(take)?;
    let (mut head, body) = answer(&Listed::of(id, &snapshot))?.into_parts();
    head.status = StatusCode::CREATED;
    Ok(Response::from_parts(head, body))
}

/// The name of a snapshot in a path.
fn named(id: &str) -> Result<u64, ApiError> {
    id.parse().map_err(|_| ApiError::no_such_route())
}

pub(super) async fn restore_snapshot(
    State(api): State<ApiState>,
    _: Admin,
    Path(id): Path<String>,
    request: Request,
) -> Answer {
    read::nothing(&api, request).await?;
    let found = api.control().shelf.find(named(&id)?);
    let snapshot = found.ok_or_else(ApiError::no_such_route)?;
    snapshot.restore(api.driver())?;
    Ok(time_of(&api))
}

pub(super) async fn drop_snapshot(
    State(api): State<ApiState>,
    _: Admin,
    Path(id): Path<String>,
) -> Answer {
    let id = named(&id)?;
    let forgotten = api.control().shelf.forget(id);
    let snapshot = forgotten.ok_or_else(ApiError::no_such_route)?;
    answer(&Listed::of(id, &snapshot))
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
