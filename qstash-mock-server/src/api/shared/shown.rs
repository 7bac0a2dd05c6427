//! What anybody is shown of a message, whatever dialect asks: its publisher may have parts of it hidden, and its body
//! may be any bytes.

use std::borrow::Cow;

use super::json::Json;
use crate::engine::{MessageView, Redaction};
use crate::text::redacted;

/// Writes the body of `message` as a value: the JSON that it is, or a text.
pub(in crate::api) fn write_body(json: &mut Json, message: &MessageView, body: &[u8]) {
    let Some(carried) = message.carried.as_deref() else {
        // What is published to a queue is known to be JSON.
        return json.raw(body);
    };
    match &carried.redaction {
        Some(redaction) if redaction.body => json.text(&redacted(body)),
        _ => json.text(&String::from_utf8_lossy(body)),
    }
}

/// Writes the headers of `message` as members, each with the value that is shown.
pub(in crate::api) fn write_headers(json: &mut Json, message: &MessageView) {
    let carried = message.carried.as_deref();
    let redaction = carried.and_then(|carried| carried.redaction.as_deref());
    for (name, value) in message.headers.iter() {
        json.text_key(name)
            .text(&header_value(redaction, name, value));
    }
}

/// What is shown of the value of a header.
pub(in crate::api) fn header_value<'a>(
    redaction: Option<&Redaction>,
    name: &str,
    value: &'a str,
) -> Cow<'a, str> {
    match redaction {
        Some(redaction) if redaction.hides_header(name) => redacted(value.as_bytes()).into(),
        _ => value.into(),
    }
}
