//! What the server answers to a publish.

use serde::Deserialize;

use crate::error::ApiError;
use crate::types::ids::MessageId;

/// The outcome of a publish.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Published {
    /// The message's id. If the publish was a duplicate, the id of the message that the first publish stored.
    pub message_id: MessageId,
    /// Whether the publish was a duplicate: its idempotency key was known, and nothing was stored.
    #[serde(default)]
    pub deduplicated: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct BatchAnswer {
    pub(crate) results: Vec<BatchItemAnswer>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum BatchItemAnswer {
    Published(Published),
    Failed {
        error: String,
        #[serde(default)]
        code: Option<String>,
        #[serde(default)]
        field: Option<String>,
    },
}

impl BatchItemAnswer {
    pub(crate) fn into_result(self) -> Result<Published, ApiError> {
        match self {
            Self::Published(answer) => Ok(answer),
            Self::Failed { error, code, field } => Err(ApiError {
                message: error,
                code,
                field,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batch_items_succeed_and_fail_on_their_own() {
        let answer: BatchAnswer = serde_json::from_str(
            r#"{"results":[{"message_id":"m1"},{"message_id":"m2","deduplicated":true},
                {"error":"Too large.","code":"message_too_large"}]}"#,
        )
        .expect("decodes");
        let results: Vec<_> = answer
            .results
            .into_iter()
            .map(BatchItemAnswer::into_result)
            .collect();
        assert!(results[1].as_ref().expect("published").deduplicated);
        let error = results[2].as_ref().expect_err("failed");
        assert_eq!(error.code.as_deref(), Some("message_too_large"));
    }
}
