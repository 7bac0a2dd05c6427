//! The signing keys (v2.md section 2.11).

use super::Answer;
use super::call::{Call, unexpected};
use super::wire;
use crate::engine::{Action, Reply};

pub(super) async fn get(call: Call) -> Answer {
    answer(call, Action::SigningKeys).await
}

pub(super) async fn rotate(call: Call) -> Answer {
    answer(call, Action::RotateSigningKeys).await
}

async fn answer(call: Call, action: Action) -> Answer {
    match call.ask(action).await? {
        Reply::SigningKeys(keys) => Ok(wire::signing_keys(&keys)),
        _ => Err(unexpected()),
    }
}
