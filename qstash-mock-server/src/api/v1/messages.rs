//! Reading messages without leasing them, and cancelling one.

use axum::extract::{RawQuery, State};

use super::super::ApiState;
use super::super::auth::Identity;
use super::super::error::ApiError;
use super::path::{MessageInPath, QueueInPath};
use super::query::Query;
use super::{Answer, wire};
use crate::engine::{MessageAction, Reply, Scope, Sequence};

pub(in crate::api) async fn get(
    State(api): State<ApiState>,
    Identity(caller): Identity,
    MessageInPath(id): MessageInPath,
) -> Answer {
    match api
        .call(caller, MessageAction::Get(id, Scope::Queues))
        .await?
    {
        Reply::Message(message) => Ok(wire::message(&message)),
        _ => Err(ApiError::unexpected_reply()),
    }
}

pub(in crate::api) async fn cancel(
    State(api): State<ApiState>,
    Identity(caller): Identity,
    MessageInPath(id): MessageInPath,
) -> Answer {
    match api
        .call(caller, MessageAction::Cancel(id, Scope::Queues))
        .await?
    {
        Reply::Cancelled { id, cancelled } => Ok(wire::cancelled(id, cancelled)),
        _ => Err(ApiError::unexpected_reply()),
    }
}

pub(in crate::api) async fn list(
    State(api): State<ApiState>,
    Identity(caller): Identity,
    QueueInPath(queue): QueueInPath,
    RawQuery(query): RawQuery,
) -> Answer {
    let query = Query::parse(query.as_deref(), &["state", "limit", "cursor"])?;
    let action = MessageAction::List {
        queue,
        state: query.state()?,
        after: query.number_cursor()?.map(Sequence),
        limit: query.limit()?,
    };
    match api.call(caller, action).await? {
        Reply::Messages { messages, next } => Ok(wire::messages(&messages, next)),
        _ => Err(ApiError::unexpected_reply()),
    }
}
