//! The headers that configure a delivery, of a message or of a callback.

use std::time::Duration;

use http::Method;
use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::error::Error;
use crate::v2::headers::{self, not_a_name, text};
use crate::v2::limits::{FlowControl, whole_seconds};
use crate::v2::retry_delay::RetryDelay;

/// The headers as they are set, and the first mistake in them.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    headers: HeaderMap,
    error: Option<Error>,
}

impl Settings {
    pub(crate) fn attempt(&mut self, change: impl FnOnce(&mut HeaderMap) -> Result<(), Error>) {
        if self.error.is_none() {
            self.error = change(&mut self.headers).err();
        }
    }

    pub(crate) fn set(&mut self, name: &'static str, value: Result<HeaderValue, Error>) {
        self.attempt(|headers| {
            headers.insert(name, value?);
            Ok(())
        });
    }

    fn set_seconds(&mut self, name: &'static str, noun: &str, duration: Duration) {
        let seconds = whole_seconds(noun, duration).and_then(|s| text(noun, &format!("{s}s")));
        self.set(name, seconds);
    }

    /// Adds an item to a comma-separated list.
    pub(crate) fn join(&mut self, name: &'static str, item: &str) {
        self.attempt(|headers| {
            let list = match headers.get(name).and_then(|list| list.to_str().ok()) {
                Some(list) => format!("{list},{item}"),
                None => item.to_owned(),
            };
            headers.insert(name, text(name, &list)?);
            Ok(())
        });
    }

    pub(crate) fn method(&mut self, method: &Method) {
        let known = ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str());
        let value = if known {
            text("method", method.as_str())
        } else {
            let rule = "must be GET, POST, PUT, PATCH or DELETE";
            Err(Error::invalid_input("method", method.as_str(), rule))
        };
        self.set(headers::METHOD, value);
    }

    pub(crate) fn retries(&mut self, retries: u32) {
        self.set(headers::RETRIES, Ok(retries.into()));
    }

    pub(crate) fn retry_delay(&mut self, delay: &RetryDelay) {
        self.set(headers::RETRY_DELAY, delay.header());
    }

    pub(crate) fn timeout(&mut self, timeout: Duration) {
        if timeout.is_zero() {
            self.set(
                headers::TIMEOUT,
                Err(Error::invalid("timeout must be at least 1 s")),
            );
        }
        self.set_seconds(headers::TIMEOUT, "timeout", timeout);
    }

    pub(crate) fn delay(&mut self, delay: Duration) {
        self.set_seconds(headers::DELAY, "delay", delay);
    }

    #[expect(clippy::needless_pass_by_value, reason = "setters take what they set")]
    pub(crate) fn flow_control(&mut self, limits: FlowControl) {
        self.attempt(|headers| {
            let (key, value) = limits.values()?;
            headers.insert(
                headers::FLOW_CONTROL_KEY,
                text("flow control key", key.as_str())?,
            );
            headers.insert(headers::FLOW_CONTROL_VALUE, text("flow control", &value)?);
            Ok(())
        });
    }

    /// Adds a header that the consumer gets.
    pub(crate) fn forward(&mut self, name: &str, value: &str) {
        self.attempt(|headers| {
            let own = HeaderName::from_bytes(format!("{}-{name}", headers::FORWARD).as_bytes());
            let own = match own {
                Ok(own) if HeaderName::from_bytes(name.as_bytes()).is_ok() => own,
                _ => return Err(not_a_name(name)),
            };
            let value = text(&format!("the value of header {name:?}"), value)?;
            headers.append(own, value);
            Ok(())
        });
    }

    /// Returns the headers, or the first mistake in them.
    pub(crate) fn finish(self) -> Result<HeaderMap, Error> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.headers),
        }
    }

    /// Writes `upstash-<setting>` as `<prefix>-<setting>`.
    pub(crate) fn write_prefixed(self, prefix: &str, to: &mut HeaderMap) -> Result<(), Error> {
        for (name, value) in &self.finish()? {
            let setting = name.as_str().trim_start_matches("upstash");
            let name =
                HeaderName::from_bytes(format!("{prefix}{setting}").as_bytes()).map_err(|e| {
                    Error::invalid("the callback header's name is not valid").with_source(e)
                })?;
            to.append(name, value.clone());
        }
        Ok(())
    }
}

/// Shows names, no values, because they may be secrets.
impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.headers.keys().map(HeaderName::as_str))
            .entries(&self.error)
            .finish()
    }
}
