//! The one error of this crate.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use crate::rate_limit::RateLimit;

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// What went wrong, and what was being attempted.
///
/// `Display` is one sentence that names the attempt and never repeats [`source`](StdError::source), so a
/// printed chain says everything once. Tokens and message bodies never appear in it.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    attempted: String,
    reason: String,
    status: Option<StatusCode>,
    api: Option<ApiError>,
    rate_limit: Option<RateLimit>,
    retry_after: Option<Duration>,
    retryable: bool,
    retries: u32,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// The sort of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The client was set up wrongly: base URL, token, environment.
    Config,
    /// An argument breaks a rule; nothing was sent.
    InvalidInput,
    /// The payload could not be written as JSON; nothing was sent.
    Serialize,
    /// No connection could be made; the request never left.
    Connect,
    /// The connection broke; the request may have been handled.
    Transport,
    /// No answer in time; the request may have been handled.
    Timeout,
    /// 401: the token is missing, wrong or expired.
    Unauthorized,
    /// 403: the token does not allow this.
    Forbidden,
    /// 404.
    NotFound,
    /// 409: the state does not allow this, such as a lost lease.
    Conflict,
    /// 413.
    TooLarge,
    /// 429.
    RateLimited,
    /// Any other 4xx, or an answer below 200 or from 300 to 399: the request was refused.
    Rejected,
    /// 5xx.
    Server,
    /// The answer was understood as a success but not its body.
    Decode,
}

/// What the server said about an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiError {
    /// One sentence for people.
    pub message: String,
    /// A stable name such as `queue_not_found`; v2 servers send none.
    pub code: Option<String>,
    /// The JSON path of the field at fault, where one is.
    pub field: Option<String>,
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        match &self.code {
            Some(code) => write!(f, " ({code})"),
            None => Ok(()),
        }
    }
}

impl StdError for ApiError {}

impl Error {
    /// The sort of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The status code, where the server answered.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// What the server said, where it answered with an error.
    #[must_use]
    pub fn api(&self) -> Option<&ApiError> {
        self.0.api.as_ref()
    }

    /// The server's stable code, such as `lease_lost`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.api().and_then(|api| api.code.as_deref())
    }

    /// Which limit was reached, on a 429 of v2.
    #[must_use]
    pub fn rate_limit(&self) -> Option<&RateLimit> {
        self.0.rate_limit.as_ref()
    }

    /// How long the server asked to wait before the next try.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// How many times the client had tried again before it gave up.
    #[must_use]
    pub fn retries(&self) -> u32 {
        self.0.retries
    }

    /// Whether time ran out.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.0.kind == ErrorKind::Timeout
    }

    /// Whether the same call may succeed later. Says nothing about whether repeating it is safe: after
    /// [`Transport`](ErrorKind::Transport) and [`Timeout`](ErrorKind::Timeout) the first one may have worked.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    pub(crate) fn new(kind: ErrorKind, attempted: &str, reason: impl Into<String>) -> Self {
        let retryable = matches!(
            kind,
            ErrorKind::Connect
                | ErrorKind::Transport
                | ErrorKind::Timeout
                | ErrorKind::RateLimited
                | ErrorKind::Server
        );
        Self(Box::new(Inner {
            kind,
            attempted: attempted.to_owned(),
            reason: reason.into(),
            status: None,
            api: None,
            rate_limit: None,
            retry_after: None,
            retryable,
            retries: 0,
            source: None,
        }))
    }

    pub(crate) fn config(reason: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, "set up the client", reason)
    }

    /// An argument that breaks a rule. Shows at most 80 characters of it.
    pub(crate) fn invalid_input(noun: &str, text: &str, rule: &str) -> Self {
        let shown: String = text.chars().take(80).collect();
        Self::new(
            ErrorKind::InvalidInput,
            "check the arguments",
            format!("{noun} {shown:?} {rule}"),
        )
    }

    /// An argument out of range.
    pub(crate) fn invalid(reason: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, "check the arguments", reason)
    }

    /// An answer that reports an error.
    pub(crate) fn answered(attempted: &str, status: StatusCode, api: ApiError) -> Self {
        let kind = match status.as_u16() {
            401 => ErrorKind::Unauthorized,
            403 => ErrorKind::Forbidden,
            404 => ErrorKind::NotFound,
            409 => ErrorKind::Conflict,
            413 => ErrorKind::TooLarge,
            429 => ErrorKind::RateLimited,
            500..=599 => ErrorKind::Server,
            _ => ErrorKind::Rejected,
        };
        let mut reason = format!("the server answered {status}");
        if !api.message.is_empty() {
            reason = format!("{reason}: {}", api.message);
        }
        let mut error = Self::new(kind, attempted, reason);
        error.0.status = Some(status);
        error.0.api = Some(api);
        error
    }

    pub(crate) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// What had gone wrong before time ran out: as the source, with what it tells of limits.
    pub(crate) fn after(mut self, earlier: Option<Self>) -> Self {
        if let Some(earlier) = earlier {
            self.0.rate_limit = earlier.0.rate_limit.clone();
            self.0.retry_after = earlier.0.retry_after;
            self.0.source = Some(Arc::new(earlier));
        }
        self
    }

    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = Some(status);
        self
    }

    pub(crate) fn with_rate_limit(mut self, limit: Option<RateLimit>) -> Self {
        self.0.rate_limit = limit;
        self
    }

    pub(crate) fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.0.retry_after = wait;
        self
    }

    pub(crate) fn with_retries(mut self, retries: u32) -> Self {
        self.0.retries = retries;
        self
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "could not {}: {}", self.0.attempted, self.0.reason)?;
        match self.0.retries {
            0 => Ok(()),
            1 => f.write_str(" (after 1 retry)"),
            n => write!(f, " (after {n} retries)"),
        }
    }
}

impl std::fmt::Debug for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("attempted", &self.0.attempted)
            .field("reason", &self.0.reason)
            .field("status", &self.0.status)
            .field("api", &self.0.api)
            .field("rate_limit", &self.0.rate_limit)
            .field("retries", &self.0.retries)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_names_the_attempt_and_not_the_source() {
        let error = Error::new(ErrorKind::Connect, "list queues", "no connection")
            .with_source("dns says no")
            .with_retries(2);
        assert_eq!(
            error.to_string(),
            "could not list queues: no connection (after 2 retries)"
        );
        assert_eq!(
            error.source().map(ToString::to_string).as_deref(),
            Some("dns says no")
        );
        assert!(error.is_retryable());
    }

    #[test]
    fn statuses_have_kinds() {
        let kind = |code| {
            let status = StatusCode::from_u16(code).expect("status");
            Error::answered("x", status, ApiError::default()).kind()
        };
        assert_eq!(kind(302), ErrorKind::Rejected);
        assert_eq!(kind(404), ErrorKind::NotFound);
        assert_eq!(kind(422), ErrorKind::Rejected);
        assert_eq!(kind(503), ErrorKind::Server);
    }
}
