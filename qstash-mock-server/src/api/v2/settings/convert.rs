//! From what the headers say to the settings of the engine.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::super::error::Refusal;
use super::super::redact::Redact;
use super::{Callback, Options, Place, Settings, canonical};
use crate::engine::{self, Deduplication, FlowControl, Headers, Method, Redaction};

impl Settings {
    /// The settings of a message published from `caller_ip`.
    pub(in super::super) fn into_engine(
        self,
        place: Place,
        caller_ip: Option<IpAddr>,
    ) -> Result<engine::Settings, Refusal> {
        let callback = callback(self.callback, "Upstash-Callback-Forward-")?;
        let failure_callback = callback_of_failure(self.failure_callback)?;
        let deduplication = match (self.deduplication_id, self.content_based) {
            // It would swallow a schedule's second message, not its second creation.
            _ if place == Place::Schedule => None,
            (Some(id), _) => Some(Deduplication::Id(id.into())),
            (None, true) => Some(Deduplication::Content),
            (None, false) => None,
        };
        let labels: Arc<[Arc<str>]> = self.labels.into_iter().map(Into::into).collect();
        Ok(engine::Settings {
            method: self.carried.method.as_ref().map(method),
            headers: Some(headers(
                self.content_type,
                &self.carried.forward,
                "Upstash-Forward-",
            )?),
            max_retries: self.carried.retries,
            flow_control: flow_control(&self.carried),
            retry_delay: self.carried.retry_delay.map(Arc::new),
            delay: self.carried.delay,
            not_before: self.not_before,
            timeout: self.carried.timeout,
            deduplication,
            callback,
            failure_callback,
            labels: Some(labels).filter(|labels| !labels.is_empty()),
            redaction: redaction(self.redact),
            caller_ip: caller_ip.map(|ip| ip.to_string().into()),
        })
    }
}

fn callback_of_failure(given: Callback) -> Result<Option<Arc<engine::Callback>>, Refusal> {
    callback(given, "Upstash-Failure-Callback-Forward-")
}

fn callback(given: Callback, prefix: &str) -> Result<Option<Arc<engine::Callback>>, Refusal> {
    let Callback { url, options } = given;
    let Some(url) = url else {
        return Ok(None);
    };
    let typed = options
        .forward
        .iter()
        .any(|(name, _)| name == "content-type");
    let json = (!typed).then(|| Bytes::from_static(JSON));
    Ok(Some(Arc::new(engine::Callback {
        url: url.into(),
        method: options.method.as_ref().map(method).unwrap_or_default(),
        max_retries: options.retries,
        delay: options.delay.unwrap_or(Duration::ZERO),
        timeout: options.timeout,
        flow_control: flow_control(&options),
        headers: headers(json, &options.forward, prefix)?,
        retry_delay: options.retry_delay.map(Arc::new),
    })))
}

/// What a callback's body is.
const JSON: &[u8] = b"application/json";

/// The content type first, then what is sent along; names in the case that answers show.
fn headers(
    content_type: Option<Bytes>,
    forward: &[(String, Bytes)],
    prefix: &str,
) -> Result<Headers, Refusal> {
    let mut headers = Vec::with_capacity(forward.len() + 1);
    if let Some(value) = content_type {
        headers.push(("Content-Type".to_owned(), text("Content-Type", &value)?));
    }
    for (name, value) in forward {
        let name = canonical(name);
        let value = text(&format!("{prefix}{name}"), value)?;
        headers.push((name, value));
    }
    Ok(headers.into())
}

fn text(name: &str, value: &Bytes) -> Result<String, Refusal> {
    match std::str::from_utf8(value) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(Refusal::of(name, "must be UTF-8 text")),
    }
}

fn method(method: &http::Method) -> Method {
    let known = Method::ALL
        .into_iter()
        .find(|it| it.as_str() == method.as_str());
    known.unwrap_or_default()
}

fn flow_control(options: &Options) -> Option<Arc<FlowControl>> {
    let (key, limits) = options.flow_key.as_ref().zip(options.flow_limits)?;
    let limit = |number: u32| (number > 0).then_some(number);
    Some(Arc::new(FlowControl {
        key: key.as_str().into(),
        parallelism: limit(limits.parallelism),
        rate: limit(limits.rate),
        period: limits.period,
    }))
}

fn redaction(redact: Redact) -> Option<Arc<Redaction>> {
    (redact != Redact::default()).then(|| {
        Arc::new(Redaction {
            body: redact.body,
            all_headers: redact.all_headers,
            headers: redact.headers,
        })
    })
}
