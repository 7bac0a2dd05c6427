//! The client: which server it calls, over which transport, and how long it waits and tries again.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use tracing::Instrument as _;

use crate::base_url::BaseUrl;
use crate::endpoint::Operation;
use crate::error::{Error, ErrorKind};
use crate::rate_limit::asked_wait;
use crate::transport::retry::{Failure, RetryPolicy};
use crate::transport::tries::Tries;
use crate::transport::{BoxFuture, Stage, Transport};
use crate::types::region::Region;
use crate::types::token::Token;
use crate::types::trace::TraceContext;

/// A client of one account on one server. Clones are cheap and share connections.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    base: BaseUrl,
    token: Option<Token>,
    transport: Arc<dyn Transport>,
    retry: RetryPolicy,
    request_timeout: Duration,
    total_timeout: Option<Duration>,
    trace_context: Option<Arc<TraceSource>>,
}

/// Tells the trace that a publish belongs to, if any.
type TraceSource = dyn Fn() -> Option<TraceContext> + Send + Sync;

impl Client {
    /// Starts a builder with the default settings.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Makes a client from environment variables, as [`ClientBuilder::from_env`] reads them, with the default settings.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) when a variable is missing or not valid.
    pub fn from_env() -> Result<Self, Error> {
        ClientBuilder::from_env()?.build()
    }

    /// Returns the trace that a publish made now belongs to.
    pub(crate) fn trace_context(&self) -> Option<TraceContext> {
        self.0.trace_context.as_ref().and_then(|source| source())
    }

    /// Waits by the transport's clock.
    pub(crate) fn wait(&self, duration: Duration) -> BoxFuture<'_, ()> {
        self.0.transport.wait(duration)
    }

    /// Sends an operation, tries again as the policy says, and decodes the answer.
    ///
    /// Dropping the future leaves open whether the server handled what was sent.
    pub(crate) async fn send<T>(&self, operation: &Operation<T>) -> Result<T, Error> {
        let span = tracing::debug_span!(
            "qstash",
            operation = operation.name,
            status = tracing::field::Empty,
            retries = tracing::field::Empty,
            message_id = operation.message_id,
        );
        self.send_in_time(operation).instrument(span).await
    }

    async fn send_in_time<T>(&self, operation: &Operation<T>) -> Result<T, Error> {
        let tries = Tries::default();
        let result = match self.0.total_timeout {
            None => self.send_with_retries(operation, &tries).await,
            Some(total) => tokio::select! {
                biased;
                result = self.send_with_retries(operation, &tries) => result,
                () = self.wait(total.saturating_add(operation.patience)) => {
                    let reason = format!("no answer within {total:?}, all retries included");
                    let error = Error::new(ErrorKind::Timeout, &operation.attempted, reason);
                    Err(error.after(tries.last()))
                }
            },
        };
        let retries = tries.retries();
        tracing::Span::current().record("retries", retries);
        result.map_err(|error| error.with_retries(retries))
    }

    async fn send_with_retries<T>(
        &self,
        operation: &Operation<T>,
        tries: &Tries,
    ) -> Result<T, Error> {
        let mut waited = Duration::ZERO;
        loop {
            let (error, failure) = match self.send_once(operation).await {
                Ok(response) => {
                    let status = response.status().as_u16();
                    tracing::Span::current().record("status", status);
                    match self.read(operation, &response) {
                        Ok(value) => return Ok(value),
                        Err(failed) => failed,
                    }
                }
                Err(failed) => failed,
            };
            let retries = tries.retries();
            let wait = failure.and_then(|failure| {
                let policy = &self.0.retry;
                policy.decide(retries, operation.safety, failure, random())
            });
            // If the total time ran out in this wait, the caller would get a timeout instead of this failure.
            let wait = wait.filter(|wait| {
                waited = waited.saturating_add(*wait);
                self.0.total_timeout.is_none_or(|total| waited < total)
            });
            let Some(wait) = wait else {
                return Err(error);
            };
            tracing::debug!(%error, ?wait, "trying again");
            tries.note(error);
            self.wait(wait).await;
            tries.again();
        }
    }

    /// Returns the value of an answer; or the error, and why it failed if trying again may help.
    fn read<T>(
        &self,
        operation: &Operation<T>,
        response: &Response<Bytes>,
    ) -> Result<T, (Error, Option<Failure>)> {
        match operation.decode(response) {
            Ok(value) => {
                if let Some(id) = (operation.told_id)(&value) {
                    tracing::Span::current().record("message_id", id);
                }
                Ok(value)
            }
            Err(error) if error.kind() == ErrorKind::Decode => Err((error, None)),
            Err(error) => {
                let status = response.status();
                let retry_after = asked_wait(status, response.headers());
                let failure = Failure::Answered {
                    status,
                    retry_after,
                };
                Err((error.with_retry_after(retry_after), Some(failure)))
            }
        }
    }

    async fn send_once<T>(
        &self,
        operation: &Operation<T>,
    ) -> Result<Response<Bytes>, (Error, Option<Failure>)> {
        let request = operation
            .request(&self.0.base, self.0.token.as_ref())
            .map_err(|error| (error, None))?;
        let timeout = self.0.request_timeout.saturating_add(operation.patience);
        let fail = |kind, reason: String| Error::new(kind, &operation.attempted, reason);
        tokio::select! {
            biased;
            result = self.0.transport.execute(request) => result.map_err(|error| {
                let (stage, source) = error.into_parts();
                let (kind, reason, failure) = match stage {
                    Stage::Refused => (ErrorKind::InvalidInput, "the request cannot be sent as it is", None),
                    Stage::NeverLeft => {
                        (ErrorKind::Connect, "no connection could be made", Some(Failure::NeverLeft))
                    }
                    Stage::Broken => {
                        let reason = "the exchange with the server broke off";
                        (ErrorKind::Transport, reason, Some(Failure::Unknown))
                    }
                };
                (fail(kind, reason.to_owned()).with_source(source), failure)
            }),
            () = self.wait(timeout) => {
                let error = fail(ErrorKind::Timeout, format!("no answer within {timeout:?}"));
                Err((error, Some(Failure::Unknown)))
            }
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.0.base.as_str())
            .field("retry", &self.0.retry)
            .finish_non_exhaustive()
    }
}

/// Returns a random number from 0 up to 1.
fn random() -> f64 {
    let bits = uuid::Uuid::new_v4().as_u128() as u32;
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

/// The settings of a [`Client`]. [`build`](Self::build) reports the mistakes in them.
#[must_use = "a builder does nothing until you `build` it"]
pub struct ClientBuilder {
    base_url: Option<String>,
    token: Option<Result<Token, Error>>,
    transport: Option<Arc<dyn Transport>>,
    retry: RetryPolicy,
    connect_timeout: Duration,
    request_timeout: Duration,
    total_timeout: Option<Duration>,
    trace_context: Option<Arc<TraceSource>>,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            base_url: None,
            token: None,
            transport: None,
            retry: RetryPolicy::default(),
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(30),
            total_timeout: None,
            trace_context: None,
        }
    }
}

impl ClientBuilder {
    /// Takes the base URL and the token from the environment. The first of these that is set wins:
    ///
    /// 1. `QSTASH_DEV=1` (or `true`) selects a development server on this machine, as [`dev_server`](Self::dev_server)
    ///    does, on port `QSTASH_DEV_PORT` (8080 if that is not a port). A release build ignores the variable and logs a
    ///    warning: a switch that somebody left on must not send production's messages nowhere.
    /// 2. `QSTASH_REGION` (`US_EAST_1`, `EU_CENTRAL_1`) selects `<REGION>_QSTASH_URL` and `<REGION>_QSTASH_TOKEN`, if
    ///    both are set. The client ignores an unknown region and logs a warning.
    /// 3. `QSTASH_URL` and `QSTASH_TOKEN`. Without a URL, the client calls the hosted service's default region.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) when there is no token, or `QSTASH_DEV` is neither on nor off.
    pub fn from_env() -> Result<Self, Error> {
        let place = crate::env::resolve(|name| std::env::var(name).ok(), !cfg!(debug_assertions))?;
        Ok(Self::default().base_url(place.url).token(place.token))
    }

    /// Calls the hosted service in this region. Regions share nothing, so the token must belong to the region.
    pub fn region(self, region: Region) -> Self {
        self.base_url(region.url())
    }

    /// Calls a development server on this machine (`qstash dev`, or `qstash-mock-server dev`) with the published token
    /// of its first user. Logs a warning, because the messages go nowhere else.
    pub fn dev_server(self, port: u16) -> Self {
        tracing::warn!(
            port,
            "messages go to the development server on this machine"
        );
        self.base_url(crate::env::dev_url(port))
            .token(crate::env::DEV_TOKEN)
    }

    /// Calls the server at this URL, such as `http://127.0.0.1:8080`; it may have the path prefix of a reverse proxy,
    /// such as `https://example.com/qstash`. Required. The client adds the routes itself, so it cuts the ends `/v1`,
    /// `/v2`, `/v1/publish` and `/v2/publish` off, and [`build`](Self::build) refuses other routes of the API.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Sends this bearer token. Without one, requests carry no `Authorization` header.
    pub fn token(mut self, token: impl AsRef<str>) -> Self {
        self.token = Some(Token::parse(token.as_ref()));
        self
    }

    /// Sets how the client tries again after a failure.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Limits how long a connection may take to be made. 5 s by default. A custom transport has a limit of its own.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Limits how long each try may take, including the connection. 30 s by default. A long poll may take its wait on
    /// top.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// Limits how long a call may take with all its retries. Unlimited by default. A long poll may take its wait on
    /// top. If the waits before the retries would add up to that time, the call fails at once with the last failure.
    /// If time runs out during a try or a wait, the call fails with a [`Timeout`](ErrorKind::Timeout), whose source is
    /// the failure of the last try that ended.
    pub fn total_timeout(mut self, timeout: Duration) -> Self {
        self.total_timeout = Some(timeout);
        self
    }

    /// Sets a function that returns the current trace. The client calls it at each publish and sends the trace to the
    /// consumer as `traceparent` (and `tracestate`). Without one, no trace is sent. The function has no effect on a
    /// message that has a `traceparent` header of its own, on schedules, and under v2's content-based deduplication,
    /// whose hash covers forwarded headers.
    pub fn trace_context(
        mut self,
        source: impl Fn() -> Option<TraceContext> + Send + Sync + 'static,
    ) -> Self {
        self.trace_context = Some(Arc::new(source));
        self
    }

    /// Sends requests over this transport instead of reqwest.
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Checks the settings and makes the client. Opens no connection.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) for a missing or invalid base URL, an invalid token, or no transport in a build
    /// without the feature `reqwest`.
    pub fn build(self) -> Result<Client, Error> {
        let Some(url) = &self.base_url else {
            return Err(Error::config("no base URL was given"));
        };
        let base = BaseUrl::parse(url)?;
        let transport = match self.transport {
            Some(transport) => transport,
            None => default_transport(self.connect_timeout)?,
        };
        Ok(Client(Arc::new(Inner {
            base,
            token: self.token.transpose()?,
            transport,
            retry: self.retry,
            request_timeout: self.request_timeout,
            total_timeout: self.total_timeout,
            trace_context: self.trace_context,
        })))
    }
}

#[cfg(feature = "reqwest")]
fn default_transport(connect_timeout: Duration) -> Result<Arc<dyn Transport>, Error> {
    Ok(Arc::new(crate::transport::Reqwest::new(connect_timeout)?))
}

#[cfg(not(feature = "reqwest"))]
fn default_transport(_: Duration) -> Result<Arc<dyn Transport>, Error> {
    Err(Error::config(
        "no transport was given and the feature `reqwest` is off",
    ))
}

impl std::fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_numbers_stay_below_one() {
        assert!((0..100).map(|_| random()).all(|r| (0.0..1.0).contains(&r)));
    }
}
