//! The settings in headers (v2.md section 2.2). `table.rs` lists every header.

mod table;

use bytes::Bytes;

use super::destination::Destination;
use super::error::Refusal;
use super::lines::Lines;
use super::{notices, workflow};
use crate::engine::{Cron, GivenHeader, GivenValue, PartialSettings, QueueName};
use table::Fault;
pub(super) use table::{canonical, name as flow_key, prefix};

/// The kind of request that has the headers, which decides which headers it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestKind {
    /// A publish, an enqueue, or an item of a batch.
    Message,
    /// The creation of a schedule.
    Schedule,
    /// A retry of a dead letter, with overrides.
    Retry,
    /// The defaults of a URL group.
    Group,
}

/// The settings that headers give; a setting without a header is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Settings {
    /// The settings of the message.
    pub(super) given: PartialSettings,
    /// The queue that orders the messages of a schedule.
    pub(super) queue: Option<QueueName>,
    /// When a schedule publishes.
    pub(super) cron: Option<Cron>,
    /// The id that the caller gives a schedule.
    pub(super) schedule_id: Option<String>,
}

impl Settings {
    /// Reads all of `lines`. Whether settings are complete is checked later, because a URL group may add some.
    pub(super) fn read(lines: &Lines, kind: RequestKind) -> Result<Self, Refusal> {
        workflow::refuse(lines.iter().map(|(name, _)| name))?;
        let mut settings = Self::default();
        let mut seen: Vec<(&str, &Bytes)> = Vec::new();
        for (name, value) in lines.iter() {
            let Some(setting) = table::find(name) else {
                tell_unknown(name);
                continue;
            };
            if !setting.repeats() {
                match seen.iter().find(|(it, _)| *it == name) {
                    Some((_, before)) if *before == value => continue,
                    Some(_) => {
                        return Err(Refusal::of(&canonical(name), "must not be given twice"));
                    }
                    None => seen.push((name, value)),
                }
            }
            setting
                .apply(&mut settings, name, value, kind)
                .map_err(|fault| match fault {
                    Fault::Rest(error) => Refusal::of(&canonical(name), error),
                    Fault::Service(error) => {
                        Refusal::invalid(format!("invalid {} header: {error}", canonical(name)))
                    }
                })?;
        }
        let given = &mut settings.given;
        for callback in [&mut given.callback, &mut given.failure_callback] {
            callback.content_type = Some(GivenValue::from(REPORT_TYPE));
        }
        Ok(settings)
    }

    /// Keeps the incoming headers that could be forwarded, if the message or a URL group may ask for that: all except
    /// settings, which may come from the query, and headers of the connection. The caller's `token` is never kept.
    pub(super) fn take_incoming(
        &mut self,
        destination: &Destination,
        incoming: &Lines,
        token: &str,
    ) {
        let may_be = matches!(destination, Destination::UrlGroup(_));
        if !self.given.forward_incoming.unwrap_or(may_be) {
            return;
        }
        let of_connection = named_by_connection(incoming);
        for (name, value) in incoming.iter() {
            let mine = name.starts_with("upstash-") || name == "content-type";
            let holds_token = name == "authorization" && contains(value, token.as_bytes());
            if !mine
                && !holds_token
                && !is_of_connection(name)
                && !of_connection.iter().any(|it| it == name)
            {
                self.given.incoming.push(given_header(name, value));
            }
        }
    }
}

/// Warns of a header that looks like a setting and is none.
pub(super) fn tell_unknown(name: &str) {
    if table::find(name).is_none() && table::is_unknown(name) {
        notices::unknown(name);
    }
}

/// The content type of a callback's body.
const REPORT_TYPE: &[u8] = b"application/json";

/// A header whose name is in the case that replies show.
fn given_header(name: &str, value: &Bytes) -> GivenHeader {
    GivenHeader {
        name: canonical(name),
        value: GivenValue::from(&**value),
    }
}

/// The headers that `Connection` names, which belong to the connection, too.
fn named_by_connection(incoming: &Lines) -> Vec<String> {
    let lines = incoming.iter().filter(|(name, _)| *name == "connection");
    let values = lines.filter_map(|(_, value)| std::str::from_utf8(value).ok());
    values
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect()
}

fn contains(value: &[u8], token: &[u8]) -> bool {
    !token.is_empty() && value.windows(token.len()).any(|part| part == token)
}

/// Whether a header belongs to one connection (RFC 9110 section 7.6.1), so that it is not forwarded. With the forward
/// prefix such a header is left out, too: callers forward whatever they got, and a delivery could not have it.
fn is_of_connection(name: &str) -> bool {
    const NAMES: [&str; 12] = [
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    NAMES.contains(&name)
}

#[cfg(test)]
mod incoming_tests;
#[cfg(test)]
mod sum_tests;
#[cfg(test)]
mod tests;
