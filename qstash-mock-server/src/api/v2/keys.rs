//! The signing keys (v2.md section 2.11).

use super::Answer;
use super::call::{Call, unexpected};
use super::wire;
use crate::engine::{KeyAction, Reply};

pub(super) async fn get(call: Call) -> Answer {
    answer(call, KeyAction::Keys).await
}

pub(super) async fn rotate(call: Call) -> Answer {
    answer(call, KeyAction::RotateKeys).await
}

async fn answer(call: Call, action: KeyAction) -> Answer {
    match call.ask(action).await? {
        Reply::SigningKeys(keys) => Ok(wire::signing_keys(&keys)),
        _ => Err(unexpected()),
    }
}
