//! The error that the calls of this crate return.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use crate::cause::{printable, told};
use crate::rate_limit::RateLimit;

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a call failed, and what it attempted.
///
/// `Display` writes one sentence that tells everything a person needs: the attempt, the reason with host and port, and
/// the causes below it. `Debug` writes the same, so that a `main` that returns the error, `unwrap` and `expect` show the
/// sentence. [`source`](StdError::source) is always `None`, so that a printed chain of errors says nothing twice;
/// [`underlying`](Self::underlying) returns the error of the HTTP client or of the JSON parser. The sentence holds no
/// token, message body or path of a URL, except where the server's own words hold one.
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
    /// What the causes tell; empty without any.
    cause: String,
    underlying: Option<Arc<dyn StdError + Send + Sync>>,
}

/// The kind of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The client is set up wrongly: its base URL, its token, its TLS, its proxy or its environment.
    Config,
    /// An argument breaks a rule. Nothing was sent.
    InvalidInput,
    /// The payload cannot be written as JSON. Nothing was sent.
    Serialize,
    /// The client could not connect. Nothing was sent.
    Connect,
    /// The client does not accept the server's certificate: it has expired, is for another name, or nobody whom this
    /// machine trusts issued it. Nothing was sent, and the client does not try again.
    Certificate,
    /// The connection broke. The server may have handled the request.
    Transport,
    /// No answer came in time. The server may have handled the request.
    Timeout,
    /// The server answered 401: the token is missing, wrong or expired.
    Unauthorized,
    /// The server answered 403: the token does not allow the call.
    Forbidden,
    /// The server answered 404: what the call names does not exist.
    NotFound,
    /// The server answered 409: the state of things does not allow the call, as when a lease is lost.
    Conflict,
    /// The server answered 413: the request is too large.
    TooLarge,
    /// The server answered 429: a limit is reached.
    RateLimited,
    /// The server refused the request with another 4xx, or answered a status below 200 or from 300 to 399.
    Rejected,
    /// The server answered 5xx: it failed.
    Server,
    /// The server answered with success, but its answer could not be read.
    Decode,
}

/// What the server says about an error.
///
/// `Display` and `Debug` write what it says; `Debug` adds the field, so that values that differ look different.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiError {
    /// One sentence for people.
    pub message: String,
    /// The error's stable name, such as `queue_not_found`. v2 sends none.
    pub code: Option<String>,
    /// The JSON path of the field at fault, if the server names one.
    pub field: Option<String>,
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.message.as_str() {
            "" => f.write_str("the server gave no reason")?,
            message => f.write_str(&printable(message))?,
        }
        match &self.code {
            Some(code) => write!(f, " ({})", printable(code)),
            None => Ok(()),
        }
    }
}

impl std::fmt::Debug for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)?;
        match &self.field {
            Some(field) => write!(f, " at {}", printable(field)),
            None => Ok(()),
        }
    }
}

impl StdError for ApiError {}

impl Error {
    /// Returns the kind of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the status code, if the server answered.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// Returns what the server said, if it answered with an error.
    #[must_use]
    pub fn api(&self) -> Option<&ApiError> {
        self.0.api.as_ref()
    }

    /// Returns the server's stable name for the error, such as `lease_lost`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.api().and_then(|api| api.code.as_deref())
    }

    /// Returns which limit was reached, if v2 answered 429.
    #[must_use]
    pub fn rate_limit(&self) -> Option<&RateLimit> {
        self.0.rate_limit.as_ref()
    }

    /// Returns how long the server asked the client to wait before it tries again.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Returns how often the client tried again before it gave up.
    #[must_use]
    pub fn retries(&self) -> u32 {
        self.0.retries
    }

    /// Returns whether no answer came in time.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.0.kind == ErrorKind::Timeout
    }

    /// Returns whether the same call may succeed later. This does not say that repeating it is safe: after
    /// [`Transport`](ErrorKind::Transport) and [`Timeout`](ErrorKind::Timeout) the server may have handled the first
    /// call.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// Returns the error behind this one, such as the HTTP client's or the JSON parser's. If the time for all tries ran
    /// out, this is the [`Error`] of the last try that ended. Its text may hold what this error's own text leaves out,
    /// such as values from an answer.
    #[must_use]
    pub fn underlying(&self) -> Option<&(dyn StdError + Send + Sync + 'static)> {
        self.0.underlying.as_deref()
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
            cause: String::new(),
            underlying: None,
        }))
    }

    pub(crate) fn config(reason: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, "set up the client", reason)
    }

    /// An argument that breaks a rule. The error shows at most 80 characters of it.
    pub(crate) fn invalid_input(noun: &str, text: &str, rule: &str) -> Self {
        let shown: String = text.chars().take(80).collect();
        Self::new(
            ErrorKind::InvalidInput,
            "build the request",
            format!("{noun} {shown:?} {rule}"),
        )
    }

    /// An argument that breaks a rule. `reason` says which; the error shows the argument only if `reason` does.
    pub(crate) fn invalid(reason: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, "build the request", reason)
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
            reason = format!("{reason}: {}", printable(&api.message));
        }
        let mut error = Self::new(kind, attempted, reason);
        error.0.status = Some(status);
        error.0.api = Some(api);
        error
    }

    pub(crate) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        let source: Arc<dyn StdError + Send + Sync> = Arc::from(source.into());
        self.0.cause = told(source.as_ref());
        self.0.underlying = Some(source);
        self
    }

    /// Adds what went wrong before time ran out, with what it tells of limits.
    pub(crate) fn after(mut self, earlier: Option<Self>) -> Self {
        if let Some(earlier) = earlier {
            self.0.rate_limit = earlier.0.rate_limit.clone();
            self.0.retry_after = earlier.0.retry_after;
            self.0.cause = format!("the try before: {}", earlier.why());
            self.0.underlying = Some(Arc::new(earlier));
        }
        self
    }

    /// Says which environment variable holds the setting at fault.
    pub(crate) fn of_variable(mut self, name: &str) -> Self {
        self.0.reason = format!("the environment variable {name}: {}", self.0.reason);
        self
    }

    /// Returns the reason and what caused it.
    fn why(&self) -> String {
        match self.0.cause.as_str() {
            "" => self.0.reason.clone(),
            cause => format!("{}: {cause}", self.0.reason),
        }
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
        write!(f, "could not {}: {}", self.0.attempted, self.why())?;
        match self.0.retries {
            0 => Ok(()),
            1 => f.write_str(" (after 1 retry)"),
            n => write!(f, " (after {n} retries)"),
        }
    }
}

impl std::fmt::Debug for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl StdError for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_tells_the_attempt_the_reason_and_the_cause_once() {
        let error = Error::new(ErrorKind::Connect, "list queues", "no connection")
            .with_source("dns says no")
            .with_retries(2);
        assert_eq!(
            error.to_string(),
            "could not list queues: no connection: dns says no (after 2 retries)"
        );
        assert!(error.source().is_none(), "a printed chain says it once");
        let underlying = error.underlying().map(ToString::to_string);
        assert_eq!(underlying.as_deref(), Some("dns says no"));
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
