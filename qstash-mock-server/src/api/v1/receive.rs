//! Receiving messages, and what a consumer does with a lease: extend, acknowledge, release.

use std::time::Duration;

use axum::extract::{Request, State};

use super::super::ApiState;
use super::super::auth::Identity;
use super::super::decode::{Object, integer, seconds, text};
use super::super::error::ApiError;
use super::super::limits::{Expected, RECEIVE_MESSAGES};
use super::path::{MessageInPath, QueueInPath};
use super::{Answer, wire};
use crate::engine::{LeaseClaim, PullAction, QueueName, Receive, Reply};

pub(in crate::api) async fn receive(
    State(api): State<ApiState>,
    Identity(caller): Identity,
    QueueInPath(queue): QueueInPath,
    request: Request,
) -> Answer {
    let body = api.body(request, Expected::Optional).await?;
    let receive = decode_receive(&body, queue)?;
    match api.call(caller, PullAction::Receive(receive)).await? {
        Reply::Received(messages) => Ok(wire::received(&messages)),
        _ => Err(ApiError::unexpected_reply()),
    }
}

fn decode_receive(body: &[u8], queue: QueueName) -> Result<Receive, ApiError> {
    const FIELDS: &[&str] = &["max_messages", "wait_seconds", "visibility_timeout_seconds"];
    let object = Object::of_body(body, FIELDS)?;
    let max_messages = object.nullable("max_messages", integer(1..=RECEIVE_MESSAGES))?;
    let wait = object.nullable("wait_seconds", seconds(0.0..=20.0))?;
    Ok(Receive {
        queue,
        max_messages: max_messages.unwrap_or(1) as usize,
        wait: wait.unwrap_or(Duration::ZERO),
        visibility_timeout: object
            .nullable("visibility_timeout_seconds", seconds(1.0..=43_200.0))?,
    })
}

pub(in crate::api) async fn extend(
    State(api): State<ApiState>,
    Identity(caller): Identity,
    MessageInPath(id): MessageInPath,
    request: Request,
) -> Answer {
    let body = api.body(request, Expected::Small).await?;
    let object = Object::of_body(&body, &["visibility_seconds", "lease_id"])?;
    let visibility = object.required("visibility_seconds", seconds(0.0..=43_200.0))?;
    let lease = lease(&object)?;
    match api
        .call(caller, PullAction::Extend(id, lease, visibility))
        .await?
    {
        Reply::Extended { id, expires_at } => Ok(wire::extended(id, expires_at)),
        _ => Err(ApiError::unexpected_reply()),
    }
}

pub(in crate::api) async fn acknowledge(
    State(api): State<ApiState>,
    Identity(caller): Identity,
    MessageInPath(id): MessageInPath,
    request: Request,
) -> Answer {
    let body = api.body(request, Expected::Optional).await?;
    let object = Object::of_body(&body, &["lease_id"])?;
    let lease = lease(&object)?;
    match api.call(caller, PullAction::Acknowledge(id, lease)).await? {
        Reply::Message(message) => Ok(wire::settled(&message)),
        _ => Err(ApiError::unexpected_reply()),
    }
}

pub(in crate::api) async fn release(
    State(api): State<ApiState>,
    Identity(caller): Identity,
    MessageInPath(id): MessageInPath,
    request: Request,
) -> Answer {
    let body = api.body(request, Expected::Optional).await?;
    let object = Object::of_body(&body, &["delay_seconds", "lease_id"])?;
    let delay = object.nullable("delay_seconds", seconds(0.0..=7_776_000.0))?;
    let lease = lease(&object)?;
    let delay = delay.unwrap_or(Duration::ZERO);
    match api
        .call(caller, PullAction::Release(id, lease, delay))
        .await?
    {
        Reply::Message(message) => Ok(wire::settled(&message)),
        _ => Err(ApiError::unexpected_reply()),
    }
}

/// What the caller says about its lease.
fn lease(object: &Object<'_>) -> Result<LeaseClaim, ApiError> {
    Ok(match object.nullable("lease_id", text)? {
        None => LeaseClaim::Unnamed,
        Some(text) => wire::parse_lease_id(&text).map_or(LeaseClaim::Malformed, LeaseClaim::Lease),
    })
}
