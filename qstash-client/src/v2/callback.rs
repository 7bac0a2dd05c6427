//! Where the service reports the outcome of attempts.

use std::time::Duration;

use http::{HeaderMap, Method};

use crate::error::Error;
use crate::v2::headers::text;
use crate::v2::limits::FlowControl;
use crate::v2::retry_delay::RetryDelay;
use crate::v2::settings::Settings;
use crate::v2::url::{check_url, origin};

/// A URL that the service calls to report the outcome of attempts, and how it calls it. A text converts to a callback
/// with default settings.
///
/// By default the callback is a POST with as many retries as the message that it reports on.
#[derive(Clone)]
#[must_use]
pub struct Callback {
    url: String,
    settings: Settings,
}

impl Callback {
    /// Makes a callback to an `http://` or `https://` URL. A URL that URL parsing would change is refused when the
    /// message is sent, as for a destination.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            settings: Settings::default(),
        }
    }

    /// Sets the method of the callback: GET, POST, PUT, PATCH or DELETE.
    #[expect(clippy::needless_pass_by_value, reason = "as the setters of messages")]
    pub fn method(mut self, method: Method) -> Self {
        self.settings.method(&method);
        self
    }

    /// Limits how long the receiver may take, in whole seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout(timeout);
        self
    }

    /// Sets how often the service retries the callback after its first attempt failed.
    pub fn retries(mut self, retries: u32) -> Self {
        self.settings.retries(retries);
        self
    }

    /// Sets the wait between the attempts.
    pub fn retry_delay(mut self, delay: impl Into<RetryDelay>) -> Self {
        self.settings.retry_delay(&delay.into());
        self
    }

    /// Delays the callback by whole seconds. The service documents this setting, but its changelog of March 2025 says
    /// that it refuses such messages.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.settings.delay(delay);
        self
    }

    /// Limits the rate of callbacks.
    pub fn flow_control(mut self, limits: FlowControl) -> Self {
        self.settings.flow_control(limits);
        self
    }

    /// Adds a header to the callback. If you give a name several values, all are sent.
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.settings.forward(name.as_ref(), value.as_ref());
        self
    }

    /// Writes it as `<prefix>` and `<prefix>-<setting>`.
    pub(crate) fn write(self, prefix: &'static str, to: &mut HeaderMap) -> Result<(), Error> {
        check_url(prefix, &self.url)?;
        to.insert(prefix, text(prefix, &self.url)?);
        self.settings.write_prefixed(prefix, to)
    }
}

/// Shows only scheme and host of the URL and the names of headers, because the rest may be secret.
impl std::fmt::Debug for Callback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callback")
            .field("url", &origin(&self.url))
            .field("settings", &self.settings)
            .finish()
    }
}

impl From<&str> for Callback {
    fn from(url: &str) -> Self {
        Self::new(url)
    }
}

impl From<String> for Callback {
    fn from(url: String) -> Self {
        Self::new(url)
    }
}
