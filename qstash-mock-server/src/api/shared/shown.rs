//! The parts of a message as both dialects show them: redacted where its publisher asked for it, and with a body of
//! any bytes.

use std::borrow::Cow;

use super::json::Json;
use crate::engine::{MessageView, Redaction};
use crate::text::redacted;

/// Writes the body of `message` as a value: as JSON if it is JSON, else as a string.
pub(in crate::api) fn write_body(json: &mut Json, message: &MessageView, body: &[u8]) {
    let Some(carried) = message.carried.as_deref() else {
        // The body of a message that follows its queue's rules is known to be JSON.
        return json.raw(body);
    };
    match &carried.redaction {
        Some(redaction) if redaction.body => json.text(&redacted(body)),
        _ => json.text(&String::from_utf8_lossy(body)),
    }
}

/// Writes the headers of `message` as members, with redacted values.
pub(in crate::api) fn write_headers(json: &mut Json, message: &MessageView) {
    let carried = message.carried.as_deref();
    let redaction = carried.and_then(|carried| carried.redaction.as_deref());
    for (name, value) in message.headers.iter() {
        json.text_key(name)
            .text(&header_value(redaction, name, value));
    }
}

/// The value of a header as it is shown.
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
