//! The body of a callback (v2.md section 3.10).

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use bytes::Bytes;
use serde::Serialize;

use crate::engine::{CallbackReport, Headers, ScheduleId};
use crate::text::v2_message_id;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    /// The status code of the answer; 0 if there was none.
    status: u16,
    header: BTreeMap<&'a str, Vec<&'a str>>,
    body: String,
    retried: u32,
    max_retries: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    dlq_id: Option<String>,
    source_message_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule_id: Option<&'a str>,
    url: &'a str,
    method: &'a str,
    source_header: BTreeMap<&'a str, Vec<&'a str>>,
    source_body: String,
    not_before: u64,
    created_at: u64,
    #[serde(rename = "callerIP", skip_serializing_if = "Option::is_none")]
    caller_ip: Option<&'a str>,
}

/// Writes a callback's report as JSON, with bodies in base64.
pub(crate) fn write_callback(report: &CallbackReport, source_body: &Bytes) -> Bytes {
    let source = &report.source;
    let Some(carried) = source.carried() else {
        return Bytes::new();
    };
    let response = report.response.as_deref();
    let (group, endpoint) = match &carried.group {
        Some((group, endpoint)) => (Some(group.as_str()), endpoint.as_deref()),
        None => (None, None),
    };
    let no_headers: Headers = Headers::default();
    let headers = response.map_or(&no_headers, |it| &it.headers);
    let body: &[u8] = response.map_or(b"", |it| &it.body);
    let report = Report {
        status: response.map_or(0, |response| response.status),
        header: map(headers),
        body: Base64::encode_string(body),
        retried: report.retried,
        max_retries: carried.max_retries,
        dlq_id: report.dead_letter.map(|id| id.to_string()),
        source_message_id: v2_message_id(source.id),
        topic_name: group,
        endpoint_name: endpoint,
        schedule_id: carried.schedule.as_ref().map(ScheduleId::as_str),
        url: &carried.url,
        method: carried.method.as_str(),
        source_header: map(&source.headers),
        source_body: Base64::encode_string(source_body),
        not_before: report.due_at.as_millis(),
        created_at: source.published_at().as_millis(),
        caller_ip: carried.caller_ip.as_deref(),
    };
    serde_json::to_vec(&report).unwrap_or_default().into()
}

/// Headers by name, each with the list of its values.
fn map(headers: &Headers) -> BTreeMap<&str, Vec<&str>> {
    let mut map: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, value) in headers.iter() {
        map.entry(name).or_default().push(value);
    }
    map
}
