//! Queues and messages in a file, in the words of this dialect.

use bytes::Bytes;
use serde_json::value::RawValue;

use super::super::decode::{Object, array, text};
use super::super::error::ApiError;
use super::super::limits::Limits;
use super::{publish, settings};
use crate::engine::{AccountName, Action};

/// Queues and messages of one fixture.
const MAX_ITEMS: usize = 100_000;

/// Whose state it becomes, and what makes it so.
pub(in crate::api) fn decode(body: &str) -> Result<(AccountName, Vec<Action>), ApiError> {
    let object = Object::of_body(body.as_bytes(), &["account", "queues", "messages"])?;
    let account = object.nullable("account", text)?;
    let items = |name| object.nullable(name, |value| array(value, MAX_ITEMS));
    let mut actions = Vec::new();
    for (index, item) in items("queues")?.unwrap_or_default().into_iter().enumerate() {
        let queue = settings::decode(item.get().as_bytes());
        let (name, patch) = queue.map_err(|error| error.under(&format!("queues[{index}]")))?;
        actions.push(Action::PutQueue(name, patch));
    }
    for (index, item) in items("messages")?
        .unwrap_or_default()
        .into_iter()
        .enumerate()
    {
        let message = message(item).map_err(|error| error.under(&format!("messages[{index}]")))?;
        actions.push(message);
    }
    let account = account.as_deref().unwrap_or(AccountName::DEFAULT);
    Ok((AccountName::new(account), actions))
}

fn message(item: &RawValue) -> Result<Action, ApiError> {
    let body = Bytes::copy_from_slice(item.get().as_bytes());
    let object = Object::of_body(&body, publish::FIELDS)?;
    let publish = publish::decode(&object, &body, &Limits::default())?;
    Ok(Action::Publish(publish))
}
