//! `/v2/keys`: what signs deliveries.

use http::Method;
use serde::Deserialize;

use crate::call::Call;
use crate::client::Client;
use crate::endpoint::{Operation, json};
use crate::types::secret::Secret;

/// The account's signing keys. Consumers accept both.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct SigningKeys {
    /// Signs every delivery from now on.
    pub current: Secret,
    /// Becomes the current one with the next rotation.
    pub next: Secret,
}

/// The operations on signing keys.
#[derive(Clone, Copy, Debug)]
pub struct Keys<'a> {
    client: &'a Client,
}

impl<'a> Keys<'a> {
    pub(crate) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Both keys.
    pub fn get(self) -> Call<'a, SigningKeys> {
        let attempted = "read the signing keys";
        let operation = Operation::new("v2.keys.get", attempted, Method::GET, "/v2/keys", json);
        Call::new(self.client, Ok(operation))
    }

    /// Makes the next key the current one, and a fresh one the next. Consumers that know both bear one rotation, not
    /// two; so it is never repeated after an unclear failure.
    pub fn rotate(self) -> Call<'a, SigningKeys> {
        let path = "/v2/keys/rotate";
        let attempted = "rotate the signing keys";
        let operation = Operation::new("v2.keys.rotate", attempted, Method::POST, path, json);
        Call::new(self.client, Ok(operation))
    }
}
