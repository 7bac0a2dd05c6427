//! `/v2/keys`: the keys that sign deliveries.

use http::Method;
use serde::Deserialize;

use crate::call::Call;
use crate::client::Client;
use crate::endpoint::json;
use crate::types::other::Other;
use crate::types::secret::Secret;
use crate::v2::operation;

/// The account's signing keys. Consumers accept both.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct SigningKeys {
    /// Signs every delivery from now on.
    pub current: Secret,
    /// Becomes the current key with the next rotation.
    pub next: Secret,
    /// Fields that this version does not know. They may hold keys.
    #[serde(flatten)]
    pub other: Other,
}

/// Shows no key and nothing that may be one.
impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKeys")
            .field("current", &self.current)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
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

    /// Reads both keys.
    pub fn get(self) -> Call<'a, SigningKeys> {
        let attempted = "read the signing keys";
        let operation = operation::new("v2.keys.get", attempted, Method::GET, "/v2/keys", json);
        Call::new(self.client, Ok(operation))
    }

    /// Makes the next key the current one and a new key the next one. The client does not try again after a failure in
    /// which the service may have handled the call: consumers that know both keys survive one rotation, but not two.
    pub fn rotate(self) -> Call<'a, SigningKeys> {
        let path = "/v2/keys/rotate";
        let attempted = "rotate the signing keys";
        let operation = operation::new("v2.keys.rotate", attempted, Method::POST, path, json);
        Call::new(self.client, Ok(operation))
    }
}
