//! What the headers of a message say (v2.md section 2.2). `table.rs` lists every one of them.

mod convert;
mod table;

use std::time::Duration;

use bytes::Bytes;
use http::Method;

use super::error::Refusal;
use super::flow::FlowLimits;
use super::lines::Lines;
use super::redact::Redact;
use crate::engine::{Cron, QueueName, RetryDelay, Timestamp};
pub(super) use table::{canonical, name as flow_key};

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
    /// Of the message itself.
    pub(super) carried: Options,
    /// As it was given, or forwarded.
    pub(super) content_type: Option<Bytes>,
    /// Not before this time; beats the delay.
    pub(super) not_before: Option<Timestamp>,
    /// Two messages with the same one are one.
    pub(super) deduplication_id: Option<String>,
    /// Two messages with the same content are one.
    pub(super) content_based: bool,
    /// Told after every attempt.
    pub(super) callback: Callback,
    /// Told when all attempts failed.
    pub(super) failure_callback: Callback,
    /// In the order given, none twice.
    pub(super) labels: Vec<String>,
    /// What answers hide.
    pub(super) redact: Redact,
    /// The queue that messages of a schedule go through.
    pub(super) queue: Option<QueueName>,
    /// When a schedule makes messages.
    pub(super) cron: Option<Cron>,
    /// The caller's name for a schedule.
    pub(super) schedule_id: Option<String>,
    /// All headers that come in are to be sent along.
    pub(super) forward_all: bool,
}

/// A callback. Without a URL there is none, whatever its options are.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Callback {
    pub(super) url: Option<String>,
    pub(super) options: Options,
}

/// What can be set for a message and for its callbacks alike.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Options {
    pub(super) method: Option<Method>,
    pub(super) timeout: Option<Duration>,
    /// Attempts after the first.
    pub(super) retries: Option<u32>,
    pub(super) retry_delay: Option<RetryDelay>,
    pub(super) delay: Option<Duration>,
    pub(super) flow_key: Option<String>,
    pub(super) flow_limits: Option<FlowLimits>,
    /// Headers to send along, names in lower case; repeated ones are several lines.
    pub(super) forward: Vec<(String, Bytes)>,
}

impl Settings {
    /// Reads all of `lines`.
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
        settings.finish()
    }

    /// Sends along what came in `incoming` without a prefix, unless it was set explicitly. Settings of the query
    /// may be among `incoming`: none is sent along.
    /// `token` is the caller's own and stays behind.
    pub(super) fn forward_incoming(&mut self, incoming: &Lines, token: &str) {
        if !self.forward_all {
            return;
        }
        let explicit: Vec<String> = self
            .carried
            .forward
            .iter()
            .map(|(name, _)| name.clone())
            .collect();
        let of_connection = named_by_connection(incoming);
        for (name, value) in incoming.iter() {
            let mine = name.starts_with("upstash-") || name == "content-type";
            let holds_token = name == "authorization" && contains(value, token.as_bytes());
            if !mine
                && !holds_token
                && !is_of_connection(name)
                && !of_connection.iter().any(|it| it == name)
                && !explicit.iter().any(|it| it == name)
            {
                self.carried.forward.push((name.to_owned(), value.clone()));
            }
        }
    }

    /// What can only be checked once everything was read.
    fn finish(mut self) -> Result<Self, Refusal> {
        let (forwarded, others) = std::mem::take(&mut self.carried.forward)
            .into_iter()
            .partition(|(name, _)| name == "content-type");
        self.carried.forward = others;
        // A forwarded content type beats the plain one (v2.md section 2.16).
        let forwarded: Vec<(String, Bytes)> = forwarded;
        if let Some((_, value)) = forwarded.into_iter().next() {
            self.content_type = Some(value);
        }
        for (prefix, options) in [
            ("", &self.carried),
            ("Callback-", &self.callback.options),
            ("Failure-Callback-", &self.failure_callback.options),
        ] {
            let (given, missing) = match (&options.flow_key, options.flow_limits) {
                (Some(_), None) => ("Key", "Value"),
                (None, Some(_)) => ("Value", "Key"),
                _ => continue,
            };
            return Err(Refusal::of(
                &format!("Upstash-{prefix}Flow-Control-{given}"),
                format!("needs `Upstash-{prefix}Flow-Control-{missing}` beside it"),
            ));
        }
        Ok(self)
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
mod tests;
