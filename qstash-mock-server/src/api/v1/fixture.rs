//! Decoding the queues and messages of a fixture that v1 defines.

use bytes::Bytes;

use super::super::decode::Object;
use super::super::error::ApiError;
use super::super::limits::Limits;
use super::{publish, settings};
use crate::engine::{Action, QueueAction};

/// Decodes a queue, in the form of `POST /v1/queues`.
pub(in crate::api) fn queue(item: &str) -> Result<Action, ApiError> {
    let (name, patch) = settings::decode(item.as_bytes())?;
    Ok(QueueAction::Put(name, Box::new(patch)).into())
}

/// Decodes a message, in the form of `POST /v1/publish`.
pub(in crate::api) fn message(item: &str) -> Result<Action, ApiError> {
    let body = Bytes::copy_from_slice(item.as_bytes());
    let object = Object::of_body(&body, publish::FIELDS)?;
    let publish = publish::decode(&object, &body, &Limits::default())?;
    Ok(publish.into_engine().into())
}
