//! The account's shared secret for v1 signatures.

use axum::extract::{Request, State};

use super::super::ApiState;
use super::super::auth::Identity;
use super::super::decode::Object;
use super::super::error::ApiError;
use super::super::limits::Expected;
use super::{Answer, wire};
use crate::engine::{KeyAction, Reply};

pub(in crate::api) async fn get(State(api): State<ApiState>, Identity(caller): Identity) -> Answer {
    match api.call(caller, KeyAction::Secret).await? {
        Reply::SigningSecret(secret) => Ok(wire::signing_secret(&secret)),
        _ => Err(ApiError::unexpected_reply()),
    }
}

pub(in crate::api) async fn rotate(
    State(api): State<ApiState>,
    Identity(caller): Identity,
    request: Request,
) -> Answer {
    let body = api.body(request, Expected::Optional).await?;
    Object::of_body(&body, &[])?;
    match api.call(caller, KeyAction::RotateSecret).await? {
        Reply::SigningSecret(secret) => Ok(wire::signing_secret(&secret)),
        _ => Err(ApiError::unexpected_reply()),
    }
}
