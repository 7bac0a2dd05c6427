//! What the service answers to a publish.

use serde::Deserialize;
use serde_json::Value;

use crate::error::ApiError;
use crate::types::ids::MessageId;
use crate::types::other::Other;
use crate::v2::fields::{Fields, Missing, read_by_fields};

/// The outcome of a publish to one destination.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Published {
    /// The message's id. If the publish was a duplicate, the id of the message that the first publish stored.
    pub message_id: MessageId,
    /// Whether the publish was a duplicate: its deduplication id or its content was known, and nothing was stored. The
    /// first publish may be an earlier try of this one, which arrived although its answer was lost.
    pub deduplicated: bool,
    /// The endpoint that the message goes to, if the service tells it.
    pub url: Option<String>,
    /// Fields that this version does not know.
    pub other: Other,
}

/// The outcome of a publish to a URL group: one entry for each endpoint, in their order.
pub type GroupPublished = Vec<Result<Published, ApiError>>;

/// The outcome of one item of a batch.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Receipt {
    /// The item went to a URL or an API.
    Message(Published),
    /// The item went to a URL group.
    Group(GroupPublished),
}

impl Receipt {
    /// Returns the ids of the messages that the item made.
    pub fn message_ids(&self) -> impl Iterator<Item = &MessageId> {
        let (one, many) = match self {
            Self::Message(published) => (Some(published), &[][..]),
            Self::Group(entries) => (None, &entries[..]),
        };
        let many = many.iter().filter_map(|entry| entry.as_ref().ok());
        one.into_iter().chain(many).map(|entry| &entry.message_id)
    }
}

/// What a publish returns: [`Published`] or [`GroupPublished`].
pub trait Answer: Sized + Send {
    /// Reads the service's answer.
    ///
    /// # Errors
    /// When the body is not JSON of the expected shape.
    fn from_json(body: &[u8]) -> Result<Self, serde_json::Error>;

    /// Returns the message id for the span of the call, or `None` if there are several.
    fn message_id(&self) -> Option<&str>;
}

impl Answer for Published {
    fn from_json(body: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(body)
    }

    fn message_id(&self) -> Option<&str> {
        Some(self.message_id.as_str())
    }
}

impl Answer for GroupPublished {
    fn from_json(body: &[u8]) -> Result<Self, serde_json::Error> {
        /// The service's OpenAPI document wraps the array; the service does not.
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Wire {
            Bare(Vec<Value>),
            Wrapped { messages: Vec<Value> },
        }
        let (Wire::Bare(entries) | Wire::Wrapped { messages: entries }) =
            serde_json::from_slice(body)?;
        Ok(entries.into_iter().map(entry).collect())
    }

    fn message_id(&self) -> Option<&str> {
        None
    }
}

impl Published {
    fn read(mut fields: Fields) -> Result<Self, Missing> {
        Ok(Self {
            message_id: fields.need("messageId")?,
            deduplicated: fields.flag("deduplicated").unwrap_or(false),
            url: fields.text("url"),
            other: fields.rest(),
        })
    }
}

read_by_fields!(Published);

/// Reads a message, or why there is none. An entry of an unknown shape counts as failed, with the entry itself as the
/// message, so that it does not hide the outcome of the others.
#[expect(clippy::needless_pass_by_value, reason = "maps over what was answered")]
pub(crate) fn entry(value: Value) -> Result<Published, ApiError> {
    let message = match value.get("error") {
        Some(Value::String(text)) => text.clone(),
        Some(other) if !other.is_null() => other.to_string(),
        _ => match Published::deserialize(&value) {
            Ok(published) => return Ok(published),
            Err(_) => format!("the answer for this item could not be read: {value}"),
        },
    };
    Err(ApiError {
        message,
        ..ApiError::default()
    })
}

/// Reads one element of a batch's answer.
pub(crate) fn receipt(element: Value) -> Result<Receipt, ApiError> {
    match element {
        Value::Array(entries) => Ok(Receipt::Group(entries.into_iter().map(entry).collect())),
        element => entry(element).map(Receipt::Message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_destination_answers_an_object() {
        let body = br#"{"messageId":"msg_1","url":"https://e.com","new":[1]}"#;
        let published = Published::from_json(body).expect("reads");
        assert_eq!(published.message_id.as_str(), "msg_1");
        assert!(!published.deduplicated);
        assert_eq!(published.url.as_deref(), Some("https://e.com"));
        assert_eq!(published.other["new"], serde_json::json!([1]));
        assert!(Published::from_json(br#"{"messageId":""}"#).is_err());
        assert!(Published::from_json(b"{}").is_err());
    }

    #[test]
    fn a_group_answers_an_array_entry_by_entry() {
        let body = br#"[{"messageId":"m1","deduplicated":true},{"error":"No."}]"#;
        let entries = GroupPublished::from_json(body).expect("reads");
        assert!(entries[0].as_ref().expect("published").deduplicated);
        assert_eq!(entries[1].as_ref().expect_err("failed").message, "No.");
        let strange = br#"{"messages":[{"messageId":"m1"},{"id":2}]}"#;
        let entries = GroupPublished::from_json(strange).expect("as the OpenAPI document has it");
        assert!(entries[0].is_ok() && entries[1].is_err());
        assert!(GroupPublished::from_json(br#"{"messageId":"m"}"#).is_err());
    }

    #[test]
    fn a_strange_item_does_not_hide_the_others() {
        let elements = serde_json::json!([
            {"messageId": "m1"}, [{"messageId": "m2"}, {}], {"error": {"why": 1}}, "?", null
        ]);
        let elements: Vec<Value> = serde_json::from_value(elements).expect("an array");
        let results: Vec<_> = elements.into_iter().map(receipt).collect();
        let ids: Vec<&str> = results
            .iter()
            .flatten()
            .flat_map(Receipt::message_ids)
            .map(MessageId::as_str)
            .collect();
        assert_eq!(ids, ["m1", "m2"]);
        let Ok(Receipt::Group(entries)) = &results[1] else {
            panic!("a group: {:?}", results[1]);
        };
        assert!(entries[1].is_err());
        assert!(results[2].is_err() && results[3].is_err() && results[4].is_err());
    }
}
