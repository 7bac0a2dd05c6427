//! `/v1/signing-secret`.

use http::Method;
use serde::Deserialize;

use crate::endpoint::{Operation, json};
use crate::types::secret::Secret;

/// The secrets that the account shares with its consumers, for the header `QStash-Signature`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct SigningSecret {
    /// Signs every attempt from now on.
    pub current: Secret,
    /// Signed the attempts before the last rotation. Consumers accept both while they are being updated.
    #[serde(default)]
    pub previous: Option<Secret>,
}

pub(crate) fn get() -> Operation<SigningSecret> {
    let attempted = "read the signing secret";
    Operation::new(
        "v1.signing_secret",
        attempted,
        Method::GET,
        "/v1/signing-secret",
        json,
    )
}

pub(crate) fn rotate() -> Operation<SigningSecret> {
    let path = "/v1/signing-secret/rotate";
    let attempted = "rotate the signing secret";
    Operation::new(
        "v1.rotate_signing_secret",
        attempted,
        Method::POST,
        path,
        json,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Safety;

    #[test]
    fn secrets_are_read_and_never_shown() {
        let read: SigningSecret =
            serde_json::from_str(r#"{"current":"s3cret","previous":null}"#).expect("decodes");
        assert_eq!(read.current.expose(), "s3cret");
        assert!(!format!("{read:?}").contains("s3cret"));
    }

    #[test]
    fn the_requests_are_as_written_in_the_contract() {
        assert_eq!(get().to_text(), "GET /v1/signing-secret\n");
        assert_eq!(rotate().to_text(), "POST /v1/signing-secret/rotate\n");
        assert_eq!(rotate().safety, Safety::Once, "two rotations lose a secret");
    }
}
