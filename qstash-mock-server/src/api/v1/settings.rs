//! Decoding the settings of a queue (v1.md section 3).

use std::time::Duration;

use http::Uri;
use serde_json::value::RawValue;

use super::super::decode::{
    Object, array, boolean, integer, number, or_null, queue_name, seconds, text,
};
use super::super::error::ApiError;
use super::super::limits::{BACKOFF_ENTRIES, WEBHOOK_URL_BYTES};
use crate::engine::{Backoff, OnAccepted, QueueName, QueuePatch};

const FIELDS: &[&str] = &[
    "name",
    "dead_letter_queue",
    "webhook_url",
    "max_retries",
    "retry_backoff",
    "visibility_timeout_seconds",
    "delivery_timeout_seconds",
    "parallelism",
    "on_accepted",
    "paused",
];

/// Decodes the name of a queue and the settings to change.
pub(super) fn decode(body: &[u8]) -> Result<(QueueName, QueuePatch), ApiError> {
    let object = Object::of_body(body, FIELDS)?;
    let name = object.required("name", queue_name)?;
    let patch = QueuePatch {
        dead_letter_queue: object.optional("dead_letter_queue", or_null(queue_name))?,
        webhook_url: object.optional("webhook_url", or_null(webhook_url))?,
        max_retries: object.optional("max_retries", integer(0..=100))?,
        retry_backoff: object.optional("retry_backoff", backoff)?,
        visibility_timeout: object
            .optional("visibility_timeout_seconds", seconds(1.0..=43_200.0))?,
        delivery_timeout: object.optional("delivery_timeout_seconds", seconds(0.1..=43_200.0))?,
        parallelism: object.optional("parallelism", integer(1..=1000))?,
        on_accepted: object.optional("on_accepted", on_accepted)?,
        paused: object.optional("paused", boolean)?,
    };
    Ok((name, patch))
}

fn on_accepted(value: &RawValue) -> Result<OnAccepted, ApiError> {
    match text(value).as_deref() {
        Ok("pending") => Ok(OnAccepted::Pending),
        Ok("done") => Ok(OnAccepted::Done),
        _ => Err(ApiError::invalid_value("must be \"pending\" or \"done\"")),
    }
}

/// Decodes a backoff. Absent fields of an exponential one have the defaults.
fn backoff(value: &RawValue) -> Result<Backoff, ApiError> {
    let object = Object::of_any_fields(value)?;
    let kind = object.required("kind", text)?;
    match kind.as_str() {
        "exponential" => exponential(value),
        "fixed" => {
            let object = Object::of_value(value, &["kind", "seconds"])?;
            object
                .required("seconds", backoff_seconds)
                .map(Backoff::Fixed)
        }
        "list" => {
            let object = Object::of_value(value, &["kind", "seconds"])?;
            object.required("seconds", list)
        }
        _ => {
            let error = "must be \"exponential\", \"fixed\" or \"list\"";
            Err(ApiError::invalid_field("kind", error))
        }
    }
}

fn exponential(value: &RawValue) -> Result<Backoff, ApiError> {
    const FIELDS: &[&str] = &["kind", "base_seconds", "factor", "max_seconds", "jitter"];
    let object = Object::of_value(value, FIELDS)?;
    Ok(Backoff::Exponential {
        base: object
            .optional("base_seconds", backoff_seconds)?
            .unwrap_or(Duration::from_secs(1)),
        factor: object
            .optional("factor", number(1.0..=100.0))?
            .unwrap_or(2.0),
        max: object
            .optional("max_seconds", backoff_seconds)?
            .unwrap_or(Duration::from_secs(300)),
        jitter: object.optional("jitter", number(0.0..=1.0))?.unwrap_or(0.0),
    })
}

fn list(value: &RawValue) -> Result<Backoff, ApiError> {
    let items = array(value, BACKOFF_ENTRIES)?;
    if items.is_empty() {
        return Err(ApiError::invalid_value("must have at least one entry"));
    }
    let entry = |(index, item): (usize, &RawValue)| {
        backoff_seconds(item).map_err(|error| error.under(&format!("[{index}]")))
    };
    let entries: Result<Vec<_>, _> = items.into_iter().enumerate().map(entry).collect();
    entries.map(|entries| Backoff::List(entries.into()))
}

fn backoff_seconds(value: &RawValue) -> Result<Duration, ApiError> {
    seconds(0.0..=86_400.0)(value)
}

/// Decodes an http or https URL, which is kept byte for byte.
fn webhook_url(value: &RawValue) -> Result<String, ApiError> {
    let url = text(value).unwrap_or_default();
    if is_webhook_url(&url) {
        return Ok(url);
    }
    let error = format!(
        "must be an absolute http or https URL of at most {WEBHOOK_URL_BYTES} bytes, with a port from 1 to 65535 if any, without user, password or fragment"
    );
    Err(ApiError::invalid_value(error))
}

fn is_webhook_url(url: &str) -> bool {
    if url.len() > WEBHOOK_URL_BYTES || !url.bytes().all(|it| it.is_ascii_graphic()) {
        return false;
    }
    let Ok(uri) = url.parse::<Uri>() else {
        return false;
    };
    let http = matches!(uri.scheme_str(), Some("http" | "https"));
    let plain = uri.authority().is_some_and(|it| {
        let ported = it.port_u16().is_some_and(|port| port > 0);
        // The parser ignores an impossible port, such as 99999.
        !it.as_str().contains('@') && (ported || it.as_str() == it.host())
    });
    http && plain && uri.host().is_some_and(|it| !it.is_empty()) && !url.contains('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> (u16, &'static str, Option<String>) {
        let error = decode(body.as_bytes()).unwrap_err();
        let (status, code, field) = error.parts();
        (status, code, field.map(str::to_owned))
    }

    #[test]
    fn wrong_settings_are_named() {
        for (setting, field) in [
            (r#""name":"a b""#, "name"),
            (r#""dead_letter_queue":"""#, "dead_letter_queue"),
            (r#""webhook_url":"ftp://x""#, "webhook_url"),
            (r#""max_retries":101"#, "max_retries"),
            (r#""max_retries":null"#, "max_retries"),
            (
                r#""visibility_timeout_seconds":0.5"#,
                "visibility_timeout_seconds",
            ),
            (
                r#""delivery_timeout_seconds":0"#,
                "delivery_timeout_seconds",
            ),
            (r#""parallelism":0"#, "parallelism"),
            (r#""on_accepted":"maybe""#, "on_accepted"),
            (r#""paused":"yes""#, "paused"),
            (r#""retry_backoff":3"#, "retry_backoff"),
            (r#""retry_backoff":{}"#, "retry_backoff.kind"),
            (r#""retry_backoff":{"kind":"slow"}"#, "retry_backoff.kind"),
            (
                r#""retry_backoff":{"kind":"fixed"}"#,
                "retry_backoff.seconds",
            ),
            (
                r#""retry_backoff":{"kind":"list","seconds":[]}"#,
                "retry_backoff.seconds",
            ),
            (
                r#""retry_backoff":{"kind":"list","seconds":[1,-1]}"#,
                "retry_backoff.seconds[1]",
            ),
            (
                r#""retry_backoff":{"kind":"exponential","factor":0.5}"#,
                "retry_backoff.factor",
            ),
            (
                r#""retry_backoff":{"kind":"exponential","jitter":2}"#,
                "retry_backoff.jitter",
            ),
        ] {
            let name = if field == "name" {
                ""
            } else {
                r#""name":"a","#
            };
            let expected = (400, "invalid_field", Some(field.to_owned()));
            assert_eq!(
                refused(&format!("{{{name}{setting}}}")),
                expected,
                "{setting}"
            );
        }
        let typo = r#"{"name":"a","retry_backoff":{"kind":"fixed","sekonds":1}}"#;
        let expected = Some("retry_backoff.sekonds".to_owned());
        assert_eq!(refused(typo), (400, "unknown_field", expected));
    }

    #[test]
    fn null_clears_and_absence_leaves() {
        let (_, patch) = decode(br#"{"name":"a","webhook_url":null}"#).unwrap();
        assert_eq!(patch.webhook_url, Some(None));
        assert_eq!(patch.dead_letter_queue, None);
    }

    #[test]
    fn webhook_urls() {
        for good in [
            "http://a",
            "https://a.example:8443/p?q=1",
            "http://[::1]:80/",
            "http://[::1]",
            "http://a:1",
            "http://a:65535/",
            "HTTP://A/%20",
        ] {
            assert!(is_webhook_url(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "/a",
            "//a",
            "http://",
            "http:///a",
            "ftp://a",
            "http://u@a",
            "http://u:p@a/",
            "http://a/#f",
            "http://a b",
            "http://a/\n",
            "http://ä/",
            "http://:80/",
            "http://a:0/",
            "http://a:65536/",
            "http://a:99999999999/",
            "http://a:/",
            "http://a:x/",
            "http://[::1]:/",
        ] {
            assert!(!is_webhook_url(bad), "{bad}");
        }
        let long = format!("http://a/{}", "b".repeat(WEBHOOK_URL_BYTES - 9));
        assert!(is_webhook_url(&long));
        assert!(!is_webhook_url(&(long + "b")));
    }
}
