//! Names and ids in a path. One that cannot exist is answered 404, not 400.

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use uuid::Uuid;

use super::super::ApiState;
use super::super::error::ApiError;
use crate::engine::{MessageId, QueueName};

/// The `{queue}` of a path.
pub(in crate::api) struct QueueInPath(pub(super) QueueName);

impl FromRequestParts<ApiState> for QueueInPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &ApiState) -> Result<Self, ApiError> {
        let name = parameter(parts, api).await;
        name.and_then(|name| QueueName::parse(&name))
            .map(Self)
            .ok_or_else(ApiError::impossible_queue)
    }
}

/// The `{id}` of a path.
pub(in crate::api) struct MessageInPath(pub(super) MessageId);

impl FromRequestParts<ApiState> for MessageInPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &ApiState) -> Result<Self, ApiError> {
        let id = parameter(parts, api).await;
        id.and_then(|id| message_id(&id))
            .map(Self)
            .ok_or_else(ApiError::message_not_found)
    }
}

/// The parameter of the path, percent-decoded once.
async fn parameter(parts: &mut Parts, api: &ApiState) -> Option<String> {
    let parameters = RawPathParams::from_request_parts(parts, api).await.ok()?;
    parameters.iter().next().map(|(_, value)| value.to_owned())
}

/// Reads a message id, which must be spelled with hyphens, as publish answers it.
fn message_id(text: &str) -> Option<MessageId> {
    const HYPHENATED: usize = 36;
    let id = (text.len() == HYPHENATED).then(|| Uuid::try_parse(text).ok())?;
    id.map(MessageId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_spelling_with_hyphens_is_an_id() {
        let id = "0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";
        assert_eq!(message_id(id).unwrap().0.to_string(), id);
        for other in [
            "",
            "7",
            &id.replace('-', ""),
            &format!("{{{id}}}"),
            &id.replace('a', "g"),
        ] {
            assert_eq!(message_id(other), None, "{other}");
        }
    }
}
