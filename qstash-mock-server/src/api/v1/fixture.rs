//! Queues and messages in a fixture, in the words of this dialect.

use bytes::Bytes;

use super::super::decode::Object;
use super::super::error::ApiError;
use super::super::limits::Limits;
use super::{publish, settings};
use crate::engine::{Action, QueueAction};

/// A queue, as `POST /v1/queues` takes it.
pub(in crate::api) fn queue(item: &str) -> Result<Action, ApiError> {
    let (name, patch) = settings::decode(item.as_bytes())?;
    Ok(QueueAction::Put(name, Box::new(patch)).into())
}

/// A message, as `POST /v1/publish` takes it.
pub(in crate::api) fn message(item: &str) -> Result<Action, ApiError> {
    let body = Bytes::copy_from_slice(item.as_bytes());
    let object = Object::of_body(&body, publish::FIELDS)?;
    let publish = publish::decode(&object, &body, &Limits::default())?;
    Ok(publish.into_engine().into())
}
