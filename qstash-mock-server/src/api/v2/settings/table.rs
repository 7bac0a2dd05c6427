//! The table of headers: for each its name, the kinds of request that may have it, and how it is read.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::super::super::limits::{NAME_RULE, V2_LABELS, V2_NAME_BYTES};
use super::super::{destination, duration, flow, redact};
use super::{RequestKind, Settings, given_header, is_of_connection};
use crate::engine::duration::DurationError;
use crate::engine::{
    Cron, GivenValue, Method, PartialCallback, PartialOptions as Options, QueueName, RetryDelay,
    SettingsOf, Timestamp,
};

/// Why the value of a header is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The rest of a sentence that begins with the header's name.
    Rest(String),
    /// What Upstash's service says after "invalid … header: ".
    Service(DurationError),
}

impl From<String> for Fault {
    fn from(rest: String) -> Self {
        Self::Rest(rest)
    }
}

impl From<&str> for Fault {
    fn from(rest: &str) -> Self {
        rest.to_owned().into()
    }
}

impl From<DurationError> for Fault {
    fn from(error: DurationError) -> Self {
        Self::Service(error)
    }
}

/// A header that is a setting.
#[derive(Clone, Copy)]
pub(super) enum Setting {
    ContentType,
    /// An option of the message or, by its prefix, of a callback.
    Option(SettingsOf, &'static Row<Options>),
    /// `Upstash-Forward-<H>`, and the same for callbacks.
    Forward(SettingsOf),
    /// The URL of a callback.
    Callback(fn(&mut Settings) -> &mut PartialCallback),
    /// A setting of the message alone.
    Message(&'static Row<Settings>),
}

/// The part between `upstash-` and the name of an option.
pub(in super::super) const fn prefix(of: SettingsOf) -> &'static str {
    match of {
        SettingsOf::Message => "",
        SettingsOf::Callback => "callback-",
        SettingsOf::FailureCallback => "failure-callback-",
    }
}

const fn options(of: SettingsOf, settings: &mut Settings) -> &mut Options {
    let given = &mut settings.given;
    match of {
        SettingsOf::Message => &mut given.message,
        SettingsOf::Callback => &mut given.callback.options,
        SettingsOf::FailureCallback => &mut given.failure_callback.options,
    }
}

pub(super) struct Row<T> {
    /// The part after `Upstash-`, in lower case.
    name: &'static str,
    kinds: &'static [RequestKind],
    /// Whether there may be several lines, which add up.
    repeats: bool,
    read: Read<T>,
}

/// Reads a header, given its name and its value.
type Read<T> = fn(&mut T, &str, &str) -> Result<(), Fault>;

impl<T> Row<T> {
    const fn new(name: &'static str, kinds: &'static [RequestKind], read: Read<T>) -> Self {
        Self {
            name,
            kinds,
            repeats: false,
            read,
        }
    }

    /// A row whose lines add up.
    const fn list(name: &'static str, kinds: &'static [RequestKind], read: Read<T>) -> Self {
        Self {
            repeats: true,
            ..Self::new(name, kinds, read)
        }
    }
}

use RequestKind::{Group, Message, Retry, Schedule};

const ANYWHERE: &[RequestKind] = &[Message, Schedule, Retry, Group];
const IN_TIME: &[RequestKind] = &[Message, Retry, Group];
const SCHEDULES: &[RequestKind] = &[Schedule];

/// `Upstash-<X>`, `Upstash-Callback-<X>`, `Upstash-Failure-Callback-<X>`.
const OPTIONS: &[Row<Options>] = &[
    Row::new("method", ANYWHERE, |it, _, text| {
        set(&mut it.method, method(text))
    }),
    Row::new("timeout", ANYWHERE, |it, _, text| {
        set(&mut it.timeout, timeout(text))
    }),
    Row::new("retries", ANYWHERE, |it, _, text| {
        set(&mut it.max_retries, retries(text))
    }),
    Row::new("retry-delay", ANYWHERE, |it, _, text| {
        let parsed = RetryDelay::parse(text);
        set(
            &mut it.retry_delay,
            parsed
                .map(Arc::new)
                .map_err(|error| format!("must be a retry-delay expression: {error}")),
        )
    }),
    // For callbacks only: the message's own delay is in the table below.
    Row::new("delay", ANYWHERE, |it, header, text| {
        set(&mut it.delay, duration::parse_or_warn(header, text))
    }),
    Row::new("flow-control-key", ANYWHERE, |it, _, text| {
        set(&mut it.flow_key, name(text).map(Into::into))
    }),
    Row::new("flow-control-value", ANYWHERE, |it, header, text| {
        set(&mut it.flow_limits, flow::parse(header, text))
    }),
];

/// `Upstash-<X>`.
const MESSAGE: &[Row<Settings>] = &[
    Row::new("delay", ANYWHERE, |it, _, text| {
        set(&mut it.given.message.delay, duration::parse(text))
    }),
    Row::new("header-forward", IN_TIME, |it, _, text| {
        set(&mut it.given.forward_incoming, boolean(text))
    }),
    Row::new("not-before", IN_TIME, |it, _, text| {
        set(&mut it.given.not_before, not_before(text))
    }),
    Row::new("deduplication-id", ANYWHERE, |it, _, text| {
        set(
            &mut it.given.deduplication_id,
            deduplication_id(text).map(Into::into),
        )
    }),
    Row::new("content-based-deduplication", ANYWHERE, |it, _, text| {
        set(&mut it.given.deduplicate_by_content, boolean(text))
    }),
    Row::list("label", ANYWHERE, |it, _, text| {
        Ok(add_labels(&mut it.given.labels, text)?)
    }),
    Row::list("redact-fields", ANYWHERE, |it, _, text| {
        Ok(redact::add(&mut it.given.redaction, text)?)
    }),
    Row::new("queue-name", SCHEDULES, |it, _, text| {
        let name = QueueName::parse(text).ok_or(NAME_RULE);
        set(&mut it.queue, name)
    }),
    Row::new("cron", SCHEDULES, |it, _, text| {
        let parsed = Cron::parse(text);
        set(
            &mut it.cron,
            parsed.map_err(|error| format!("must be a cron expression: {error}")),
        )
    }),
    Row::new("schedule-id", SCHEDULES, |it, _, text| {
        let id = QueueName::parse(text).ok_or(NAME_RULE);
        set(&mut it.schedule_id, id.map(|_| text.to_owned()))
    }),
];

/// The setting of a header, whose name is in lower case. Other headers, such as `Upstash-Telemetry-Sdk`, are ignored.
pub(super) fn find(name: &str) -> Option<Setting> {
    if name == "content-type" {
        return Some(Setting::ContentType);
    }
    let rest = name.strip_prefix("upstash-")?;
    match rest {
        "callback" => return Some(Setting::Callback(|it| &mut it.given.callback)),
        "failure-callback" => return Some(Setting::Callback(|it| &mut it.given.failure_callback)),
        _ => {}
    }
    if let Some(row) = MESSAGE.iter().find(|row| row.name == rest) {
        return Some(Setting::Message(row));
    }
    let of = [SettingsOf::Callback, SettingsOf::FailureCallback]
        .into_iter()
        .find(|of| rest.starts_with(prefix(*of)))
        .unwrap_or(SettingsOf::Message);
    let option = &rest[prefix(of).len()..];
    if option.starts_with("forward-") {
        return Some(Setting::Forward(of));
    }
    let row = OPTIONS.iter().find(|row| row.name == option)?;
    Some(Setting::Option(of, row))
}

/// Whether a header that [`find`] does not find looks like a setting. Headers in which SDKs describe themselves do not.
pub(super) fn is_unknown(name: &str) -> bool {
    let known = ["upstash-telemetry-", "upstash-feature-set"];
    name.starts_with("upstash-") && !known.iter().any(|it| name.starts_with(it))
}

impl Setting {
    pub(super) fn repeats(self) -> bool {
        match self {
            Self::Forward(_) => true,
            Self::Message(row) => row.repeats,
            Self::ContentType | Self::Callback(_) | Self::Option(..) => false,
        }
    }

    pub(super) fn apply(
        self,
        settings: &mut Settings,
        line: &str,
        value: &Bytes,
        kind: RequestKind,
    ) -> Result<(), Fault> {
        match self {
            // A client library adds it for its own request, not for the message that is retried.
            Self::ContentType if kind == Retry => {}
            Self::ContentType => {
                let value = value.trim_ascii();
                let value = (!value.is_empty()).then(|| GivenValue::from(value));
                settings.given.content_type = value;
            }
            Self::Forward(of) => {
                let name = &line["upstash-forward-".len() + prefix(of).len()..];
                if name.is_empty() {
                    return Err("must name a header to forward".into());
                }
                // Upstash's service sends the request's own content type and ignores this one.
                if !is_of_connection(name) && name != "content-type" {
                    let forward = &mut options(of, settings).forward;
                    forward.push(given_header(name, value));
                }
            }
            Self::Callback(callback) => {
                let url = destination::url(text(value)?)?;
                callback(settings).url = Some(url.into());
            }
            Self::Option(of, row) => {
                allowed(row.kinds, kind)?;
                (row.read)(options(of, settings), line, text(value)?)?;
            }
            Self::Message(row) => {
                allowed(row.kinds, kind)?;
                (row.read)(settings, line, text(value)?)?;
            }
        }
        Ok(())
    }
}

/// A header's name with each word's first letter in upper case, as replies show it.
pub(in super::super) fn canonical(name: &str) -> String {
    let mut start = true;
    name.chars()
        .map(|letter| {
            let upper = std::mem::replace(&mut start, letter == '-');
            if upper {
                letter.to_ascii_uppercase()
            } else {
                letter.to_ascii_lowercase()
            }
        })
        .collect()
}

fn allowed(kinds: &[RequestKind], kind: RequestKind) -> Result<(), Fault> {
    if kinds.contains(&kind) {
        return Ok(());
    }
    Err(match kind {
        Schedule => "cannot be set for a schedule".into(),
        _ => "is for schedules, which are made with POST /v2/schedules".into(),
    })
}

fn set<T, E: Into<Fault>>(slot: &mut Option<T>, value: Result<T, E>) -> Result<(), Fault> {
    *slot = Some(value.map_err(Into::into)?);
    Ok(())
}

fn text(value: &Bytes) -> Result<&str, String> {
    let text = std::str::from_utf8(value).map_err(|_| "must be UTF-8 text")?;
    Ok(text.trim())
}

fn method(text: &str) -> Result<Method, String> {
    Method::ALL
        .into_iter()
        .find(|method| method.as_str().eq_ignore_ascii_case(text))
        .ok_or_else(|| "must be GET, POST, PUT, PATCH or DELETE".into())
}

fn retries(text: &str) -> Result<u32, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .then(|| text.parse().ok())
        .flatten()
        .ok_or_else(|| format!("must be a whole number from 0 to {}", u32::MAX))
}

/// Reads a timeout. A bare number means seconds, because SDKs send it so.
fn timeout(text: &str) -> Result<Duration, Fault> {
    match duration::parse_or_seconds(text)? {
        Duration::ZERO => Err("must be more than 0s".into()),
        span => Ok(span),
    }
}

fn not_before(text: &str) -> Result<Timestamp, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds: Option<u64> = digits.then(|| text.parse().ok()).flatten();
    match seconds {
        Some(seconds) if seconds < END_OF_9999 => Ok(Timestamp::from_millis(seconds * 1000)),
        Some(_) => Err(
            "must be a time in whole seconds since 1970, before the year 10000: this seems to be in milliseconds".into(),
        ),
        None => Err("must be a time in whole seconds since 1970".into()),
    }
}

/// The end of the year 9999, in seconds since 1970. A larger number is most likely meant in milliseconds.
const END_OF_9999: u64 = 253_402_300_800;

fn boolean(text: &str) -> Result<bool, String> {
    if text.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if text.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        Err("must be `true` or `false`".into())
    }
}

/// Reads a name that the publisher chose freely.
pub(in super::super) fn name(text: &str) -> Result<String, String> {
    if (1..=V2_NAME_BYTES).contains(&text.len()) {
        Ok(text.to_owned())
    } else {
        Err(format!("must be 1 to {V2_NAME_BYTES} bytes long"))
    }
}

fn deduplication_id(text: &str) -> Result<String, String> {
    if text.contains(':') {
        // The beginning is the text of Upstash's service, which callers may look for.
        return Err("is refused: DeduplicationId cannot contain ':'".into());
    }
    name(text)
}

fn add_labels(labels: &mut Vec<Arc<str>>, text: &str) -> Result<(), String> {
    for label in text.split(',').map(str::trim) {
        let label = name(label).map_err(|error| format!("has a label that {error}"))?;
        if labels.iter().all(|it| **it != *label) {
            labels.push(label.into());
        }
    }
    if labels.len() > V2_LABELS {
        return Err(format!("must be at most {V2_LABELS} labels"));
    }
    Ok(())
}
