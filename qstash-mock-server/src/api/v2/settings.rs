//! What the headers of a message say (v2.md section 2.2). `table.rs` lists every one of them.

mod table;

use bytes::Bytes;

use super::destination::Destination;
use super::error::Refusal;
use super::lines::Lines;
use crate::engine::{Cron, GivenHeader, GivenValue, PartialSettings, QueueName};
pub(super) use table::{canonical, name as flow_key, prefix};

/// Where headers stand, which decides what may be among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Publish, enqueue, an item of a batch.
    Message,
    /// A schedule that is made.
    Schedule,
    /// Overrides of a dead letter that is retried.
    Retry,
    /// Defaults of a URL group.
    Group,
}

/// What was set; what was not is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Settings {
    /// Of the message, whoever makes it.
    pub(super) given: PartialSettings,
    /// The queue that messages of a schedule go through.
    pub(super) queue: Option<QueueName>,
    /// When a schedule makes messages.
    pub(super) cron: Option<Cron>,
    /// The caller's name for a schedule.
    pub(super) schedule_id: Option<String>,
}

impl Settings {
    /// Reads all of `lines`. What belongs together may be given apart, and is checked once nothing can be added.
    pub(super) fn read(lines: &Lines, place: Place) -> Result<Self, Refusal> {
        let mut settings = Self::default();
        let mut seen: Vec<(&str, &Bytes)> = Vec::new();
        for (name, value) in lines.iter() {
            let Some(setting) = table::find(name) else {
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
                .apply(&mut settings, name, value, place)
                .map_err(|error| Refusal::of(&canonical(name), error))?;
        }
        let given = &mut settings.given;
        for callback in [&mut given.callback, &mut given.failure_callback] {
            callback.content_type = Some(GivenValue::from(REPORT_TYPE));
        }
        Ok(settings)
    }

    /// Takes up what came in, if it is to be sent along or a URL group may say that it is: all but settings, which the
    /// query may have put among `incoming`, and what is of the connection. `token` is the caller's own and stays
    /// behind.
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

/// What a callback's body is.
const REPORT_TYPE: &[u8] = b"application/json";

/// A header whose name is in the case that answers show.
fn given_header(name: &str, value: &Bytes) -> GivenHeader {
    GivenHeader {
        name: canonical(name),
        value: GivenValue::from(&**value),
    }
}

/// What `Connection` names is of the connection, too.
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

/// Headers of one connection (RFC 9110 section 7.6.1), which are another's on the way on. Given with the forward
/// prefix they are left out, too: callers send along what they got, and HTTP could not carry them.
fn is_of_connection(name: &str) -> bool {
    const NAMES: [&str; 11] = [
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "transfer-encoding",
        "upgrade",
    ];
    NAMES.contains(&name) || name == "trailer"
}

#[cfg(test)]
mod incoming_tests;
#[cfg(test)]
mod sum_tests;
#[cfg(test)]
mod tests;
