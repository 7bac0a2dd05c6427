//! Where the service tells how a delivery went.

use std::time::Duration;

use http::{HeaderMap, Method};

use crate::error::Error;
use crate::v2::headers::text;
use crate::v2::limits::FlowControl;
use crate::v2::retry_delay::RetryDelay;
use crate::v2::settings::Settings;
use crate::v2::url::{check_url, origin};

/// A URL that is told of deliveries, and how the message that tells it is sent. A text converts to one with default
/// settings.
///
/// Without settings it is a POST with the retries of the message it tells of.
#[derive(Clone)]
#[must_use]
pub struct Callback {
    url: String,
    settings: Settings,
}

impl Callback {
    /// A callback to an `http://` or `https://` URL. As for a destination, one that URL parsing would change is refused
    /// when the message is sent.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            settings: Settings::default(),
        }
    }

    /// The method of the callback: GET, POST, PUT, PATCH or DELETE.
    #[expect(clippy::needless_pass_by_value, reason = "as the setters of messages")]
    pub fn method(mut self, method: Method) -> Self {
        self.settings.method(&method);
        self
    }

    /// How long the receiver may take. Whole seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout(timeout);
        self
    }

    /// Failed deliveries of the callback after its first.
    pub fn retries(mut self, retries: u32) -> Self {
        self.settings.retries(retries);
        self
    }

    /// The wait between them.
    pub fn retry_delay(mut self, delay: impl Into<RetryDelay>) -> Self {
        self.settings.retry_delay(&delay.into());
        self
    }

    /// How long the callback is held back. Whole seconds. The documents list it, yet the service's changelog of
    /// March 2025 says that it refuses such messages.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.settings.delay(delay);
        self
    }

    /// Limits the rate of callbacks.
    pub fn flow_control(mut self, limits: FlowControl) -> Self {
        self.settings.flow_control(limits);
        self
    }

    /// A header of the callback. Values of a repeated name are all sent.
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

/// Shows no path, no query and no header values: they may be secrets.
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
