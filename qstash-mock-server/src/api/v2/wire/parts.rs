//! The parts that messages, dead letters, log entries and schedules have in common.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};

use super::super::super::json::Json;
use super::super::super::shown::header_value;
use super::super::settings::canonical;
use crate::engine::{Callback, FlowControl, Headers, Redaction, RowId};
use crate::text::redacted;

/// Writes headers: names in canonical case, each with a list of its values, which are never split.
pub(super) fn write_headers<'a>(
    json: &mut Json,
    headers: impl IntoIterator<Item = &'a (String, String)>,
    redaction: Option<&Redaction>,
) {
    let mut lines: BTreeMap<String, Vec<Cow<'_, str>>> = BTreeMap::new();
    for (name, value) in headers {
        let value = header_value(redaction, name, value);
        lines.entry(canonical(name)).or_default().push(value);
    }
    json.members(|json| {
        for (name, values) in &lines {
            json.text_key(name);
            json.items(values, |json, value| json.text(value));
        }
    });
}

/// Writes the body as text if it is UTF-8, else in base64. An empty body is left out.
pub(super) fn write_body(
    json: &mut Json,
    text_name: &'static str,
    base64_name: &'static str,
    body: &[u8],
    redaction: Option<&Redaction>,
) {
    if body.is_empty() {
        return;
    }
    if hides_body(redaction) {
        json.key(text_name).text(&redacted(body));
        return;
    }
    match std::str::from_utf8(body) {
        Ok(text) => json.key(text_name).text(text),
        Err(_) => json.key(base64_name).text(&Base64::encode_string(body)),
    }
}

/// Writes the body in base64, as the log does. An empty body is left out.
pub(super) fn write_base64(
    json: &mut Json,
    name: &'static str,
    body: &[u8],
    redaction: Option<&Redaction>,
) {
    if body.is_empty() {
        return;
    }
    let encoded = if hides_body(redaction) {
        Base64::encode_string(redacted(body).as_bytes())
    } else {
        Base64::encode_string(body)
    };
    json.key(name).text(&encoded);
}

fn hides_body(redaction: Option<&Redaction>) -> bool {
    redaction.is_some_and(|redaction| redaction.body)
}

/// Writes the URL of a callback under one name and its headers under another. `redaction` is that of its message.
pub(super) fn write_callback(
    json: &mut Json,
    names: (&'static str, &'static str),
    callback: Option<&Callback>,
    redaction: Option<&Redaction>,
) {
    let Some(callback) = callback else {
        return;
    };
    json.key(names.0).text(&callback.url);
    // The content type of the report is not a header that the publisher gave.
    let ours =
        |(name, value): &&(String, String)| name == "Content-Type" && value == "application/json";
    let mut given = callback
        .headers
        .iter()
        .filter(|header| !ours(header))
        .peekable();
    if given.peek().is_some() {
        json.key(names.1);
        write_headers(json, given, redaction);
    }
}

/// Writes a flow-control key with its period, and its limits if they are set.
pub(super) fn write_flow_control(json: &mut Json, flow: Option<&FlowControl>) {
    let Some(flow) = flow else {
        return;
    };
    json.key("flowControlKey").text(&flow.key);
    if let Some(parallelism) = flow.parallelism {
        json.key("parallelism").integer(parallelism.into());
    }
    if let Some(rate) = flow.rate {
        json.key("rate").integer(rate.into());
    }
    json.key("period").integer(flow.period.as_secs());
}

/// Writes the first label, and the list of all.
pub(super) fn write_labels(json: &mut Json, labels: &[std::sync::Arc<str>]) {
    if let Some(first) = labels.first() {
        json.key("label").text(first);
        json.key("labels")
            .items(labels, |json, label| json.text(label));
    }
}

/// Writes the value under `name`, if there is one.
pub(super) fn write_text(json: &mut Json, name: &'static str, value: Option<&str>) {
    if let Some(value) = value {
        json.key(name).text(value);
    }
}

pub(super) fn write_response_headers(json: &mut Json, name: &'static str, headers: &Headers) {
    json.key(name);
    write_headers(json, headers.iter(), None);
}

pub(super) fn cursor(json: &mut Json, next: Option<RowId>) {
    if let Some(next) = next {
        json.key("cursor").text(&next.to_string());
    }
}
