//! Queues: create, change, read, remove, pause, purge, redrive.

use axum::extract::{RawQuery, Request, State};
use http::StatusCode;

use super::super::ApiState;
use super::super::auth::Identity;
use super::super::decode::{Object, integer, queue_name};
use super::super::error::ApiError;
use super::super::limits::Expected;
use super::path::QueueInPath;
use super::query::Query;
use super::{Answer, settings, wire};
use crate::engine::{QueueAction, Reply};

pub(in crate::api) async fn put(
    State(api): State<ApiState>,
    Identity(caller): Identity,
    request: Request,
) -> Answer {
    let body = api.body(request, Expected::Small).await?;
    let (name, patch) = settings::decode(&body)?;
    match api
        .call(caller, QueueAction::Put(name, Box::new(patch)))
        .await?
    {
        Reply::QueuePut { created, queue } => {
            let status = if created {
                StatusCode::CREATED
            } else {
                StatusCode::OK
            };
            Ok(wire::queue(&queue).into_response(status))
        }
        _ => Err(ApiError::unexpected_reply()),
    }
}

pub(in crate::api) async fn list(
    State(api): State<ApiState>,
    Identity(caller): Identity,
    RawQuery(query): RawQuery,
) -> Answer {
    let query = Query::parse(query.as_deref(), &["prefix", "limit", "cursor"])?;
    let action = QueueAction::List {
        prefix: query.get("prefix").unwrap_or("").to_owned(),
        after: query.text_cursor()?,
        limit: query.limit()?,
    };
    match api.call(caller, action).await? {
        Reply::Queues { queues, more } => Ok(wire::queues(&queues, more)),
        _ => Err(ApiError::unexpected_reply()),
    }
}

pub(in crate::api) async fn get(
    State(api): State<ApiState>,
    Identity(caller): Identity,
    QueueInPath(name): QueueInPath,
) -> Answer {
    match api.call(caller, QueueAction::Get(name)).await? {
        Reply::Queue(queue) => Ok(wire::queue(&queue).into_ok()),
        _ => Err(ApiError::unexpected_reply()),
    }
}

pub(in crate::api) async fn delete(
    State(api): State<ApiState>,
    Identity(caller): Identity,
    QueueInPath(name): QueueInPath,
) -> Answer {
    match api.call(caller, QueueAction::Delete(name)).await? {
        Reply::Removed(count) => Ok(wire::deleted(count)),
        _ => Err(ApiError::unexpected_reply()),
    }
}

pub(in crate::api) async fn pause(
    state: State<ApiState>,
    identity: Identity,
    name: QueueInPath,
    request: Request,
) -> Answer {
    set_paused(state, identity, name, request, true).await
}

pub(in crate::api) async fn resume(
    state: State<ApiState>,
    identity: Identity,
    name: QueueInPath,
    request: Request,
) -> Answer {
    set_paused(state, identity, name, request, false).await
}

async fn set_paused(
    State(api): State<ApiState>,
    Identity(caller): Identity,
    QueueInPath(name): QueueInPath,
    request: Request,
    paused: bool,
) -> Answer {
    no_fields(&api, request).await?;
    match api
        .call(caller, QueueAction::SetPaused(name, paused))
        .await?
    {
        Reply::Queue(queue) => Ok(wire::queue(&queue).into_ok()),
        _ => Err(ApiError::unexpected_reply()),
    }
}

pub(in crate::api) async fn purge(
    State(api): State<ApiState>,
    Identity(caller): Identity,
    QueueInPath(queue): QueueInPath,
    RawQuery(query): RawQuery,
    request: Request,
) -> Answer {
    let query = Query::parse(query.as_deref(), &["forget_deduplication"])?;
    let forget_keys = query.boolean("forget_deduplication")?.unwrap_or(false);
    no_fields(&api, request).await?;
    let action = QueueAction::Purge { queue, forget_keys };
    match api.call(caller, action).await? {
        Reply::Removed(count) => Ok(wire::count("purged", count)),
        _ => Err(ApiError::unexpected_reply()),
    }
}

pub(in crate::api) async fn redrive(
    State(api): State<ApiState>,
    Identity(caller): Identity,
    QueueInPath(queue): QueueInPath,
    request: Request,
) -> Answer {
    let body = api.body(request, Expected::Optional).await?;
    let object = Object::of_body(&body, &["to", "max_messages"])?;
    let to = object.nullable("to", queue_name)?;
    let max_messages = object.nullable("max_messages", integer(1..=u32::MAX))?;
    let action = QueueAction::Redrive {
        queue,
        to,
        max_messages: max_messages.map(|it| it as usize),
    };
    match api.call(caller, action).await? {
        Reply::Redriven(count) => Ok(wire::count("redriven", count)),
        _ => Err(ApiError::unexpected_reply()),
    }
}

/// Refuses fields, for a route that takes none: the body must be absent or an empty object.
async fn no_fields(api: &ApiState, request: Request) -> Result<(), ApiError> {
    let body = api.body(request, Expected::Optional).await?;
    Object::of_body(&body, &[]).map(drop)
}
