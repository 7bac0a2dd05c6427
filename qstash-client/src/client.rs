//! The client: where requests go, who sends them, how patiently.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use tracing::Instrument as _;

use crate::endpoint::{BaseUrl, Operation};
use crate::error::{Error, ErrorKind};
use crate::transport::retry::{Failure, RetryPolicy, retry_after};
use crate::transport::{BoxFuture, Transport};
use crate::types::token::Token;
use crate::v1::V1;

/// A handle to one server and one account. Clones are cheap and share connections.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    base: BaseUrl,
    token: Option<Token>,
    transport: Arc<dyn Transport>,
    retry: RetryPolicy,
    request_timeout: Duration,
    total_timeout: Option<Duration>,
}

impl Client {
    /// Starts from nothing but defaults.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// A client for `QSTASH_URL` and `QSTASH_TOKEN`, with defaults for the rest.
    ///
    /// # Errors
    /// Kind [`Config`](ErrorKind::Config) when a variable is missing or not valid.
    pub fn from_env() -> Result<Self, Error> {
        ClientBuilder::from_env()?.build()
    }

    /// The v1 protocol: named queues, receiving, leases.
    #[must_use]
    pub fn v1(&self) -> V1<'_> {
        V1::new(self)
    }

    /// Lets time pass by the transport's clock.
    pub(crate) fn wait(&self, duration: Duration) -> BoxFuture<'_, ()> {
        self.0.transport.wait(duration)
    }

    /// Sends an operation, repeating it as the policy says, and decodes the answer.
    ///
    /// Cancel safe only in so far as the server may or may not have handled what was sent.
    pub(crate) async fn send<T>(&self, operation: &Operation<T>) -> Result<T, Error> {
        let span = tracing::debug_span!(
            "qstash",
            operation = operation.name,
            status = tracing::field::Empty,
            retries = tracing::field::Empty,
            message_id = tracing::field::Empty,
        );
        self.send_in_time(operation).instrument(span).await
    }

    async fn send_in_time<T>(&self, operation: &Operation<T>) -> Result<T, Error> {
        let Some(total) = self.0.total_timeout else {
            return self.send_with_retries(operation).await;
        };
        tokio::select! {
            biased;
            result = self.send_with_retries(operation) => result,
            () = self.wait(total.saturating_add(operation.patience)) => {
                let reason = format!("no answer within {total:?}, all retries included");
                Err(Error::new(ErrorKind::Timeout, &operation.attempted, reason))
            }
        }
    }

    async fn send_with_retries<T>(&self, operation: &Operation<T>) -> Result<T, Error> {
        let mut retries = 0;
        loop {
            let (error, failure) = match self.send_once(operation).await {
                Ok(response) => {
                    let span = tracing::Span::current();
                    span.record("status", response.status().as_u16())
                        .record("retries", retries);
                    let retry_after = retry_after(response.headers());
                    match operation.decode(&response) {
                        Ok(value) => return Ok(value),
                        Err(error) if error.kind() == ErrorKind::Decode => {
                            return Err(error.with_retries(retries));
                        }
                        Err(error) => {
                            let status = response.status();
                            let failure = Failure::Answered {
                                status,
                                retry_after,
                            };
                            (error.with_retry_after(retry_after), failure)
                        }
                    }
                }
                Err(failed) => failed,
            };
            let wait = self
                .0
                .retry
                .decide(retries, operation.safety, failure, random());
            let Some(wait) = wait else {
                return Err(error.with_retries(retries));
            };
            tracing::debug!(%error, ?wait, "trying again");
            self.wait(wait).await;
            retries += 1;
        }
    }

    async fn send_once<T>(
        &self,
        operation: &Operation<T>,
    ) -> Result<Response<Bytes>, (Error, Failure)> {
        let request = operation
            .request(&self.0.base, self.0.token.as_ref())
            .map_err(|error| (error, Failure::Unknown))?;
        let timeout = self.0.request_timeout.saturating_add(operation.patience);
        let fail = |kind, reason: String| Error::new(kind, &operation.attempted, reason);
        tokio::select! {
            biased;
            result = self.0.transport.execute(request) => result.map_err(|error| {
                match error.into_parts() {
                    (false, source) => {
                        let reason = "no connection could be made".to_owned();
                        (fail(ErrorKind::Connect, reason).with_source(source), Failure::NeverLeft)
                    }
                    (true, source) => {
                        let reason = "the exchange with the server broke off".to_owned();
                        (fail(ErrorKind::Transport, reason).with_source(source), Failure::Unknown)
                    }
                }
            }),
            () = self.wait(timeout) => {
                let error = fail(ErrorKind::Timeout, format!("no answer within {timeout:?}"));
                Err((error, Failure::Unknown))
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

/// A random number from 0 up to 1.
fn random() -> f64 {
    let bits = uuid::Uuid::new_v4().as_u128() as u32;
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

/// Settings of a [`Client`]. Mistakes are kept and reported by [`build`](Self::build).
#[must_use = "a builder does nothing until you `build` it"]
pub struct ClientBuilder {
    base_url: Option<String>,
    token: Option<Result<Token, Error>>,
    transport: Option<Arc<dyn Transport>>,
    retry: RetryPolicy,
    connect_timeout: Duration,
    request_timeout: Duration,
    total_timeout: Option<Duration>,
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
        }
    }
}

impl ClientBuilder {
    /// Takes base URL and token from `QSTASH_URL` and `QSTASH_TOKEN`.
    ///
    /// # Errors
    /// Kind [`Config`](ErrorKind::Config) when one of them is missing.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_vars(|name| std::env::var(name).ok())
    }

    fn from_vars(read: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let need = |name: &str| {
            read(name)
                .filter(|value| !value.is_empty())
                .ok_or_else(|| Error::config(format!("the environment variable {name} is not set")))
        };
        Ok(Self::default()
            .base_url(need("QSTASH_URL")?)
            .token(need("QSTASH_TOKEN")?))
    }

    /// Where the server is: `http://127.0.0.1:8080`, perhaps with a path prefix. Required.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// The bearer token. Without one, requests carry no `Authorization`.
    pub fn token(mut self, token: impl AsRef<str>) -> Self {
        self.token = Some(Token::parse(token.as_ref()));
        self
    }

    /// How failed calls are repeated.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// How long making a connection may take. 5 s by default. A custom transport has its own.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long each try may take, connecting included. 30 s by default; a long poll has its wait on top.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// How long a call may take with all its retries. Unlimited by default; a long poll has its wait on top.
    pub fn total_timeout(mut self, timeout: Duration) -> Self {
        self.total_timeout = Some(timeout);
        self
    }

    /// Sends through something else than reqwest.
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Checks everything. Opens no connection.
    ///
    /// # Errors
    /// Kind [`Config`](ErrorKind::Config) for a missing or invalid base URL, an invalid token, or no transport in a build
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
    fn the_environment_names_what_is_missing() {
        let error = ClientBuilder::from_vars(|_| None).expect_err("nothing is set");
        assert!(error.to_string().contains("QSTASH_URL"), "{error}");
        let error = ClientBuilder::from_vars(|name| {
            (name == "QSTASH_URL").then(|| "http://localhost:1".to_owned())
        })
        .expect_err("no token");
        assert!(error.to_string().contains("QSTASH_TOKEN"), "{error}");
    }

    #[test]
    fn random_numbers_stay_below_one() {
        assert!((0..100).map(|_| random()).all(|r| (0.0..1.0).contains(&r)));
    }
}
