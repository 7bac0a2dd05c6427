//! The client: how it sends an operation, and when it tries again.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use tracing::Instrument as _;

use crate::base_url::BaseUrl;
use crate::cause::{certificate_fault, is_without_tls};
use crate::endpoint::Operation;
use crate::error::{Error, ErrorKind};
use crate::rate_limit::asked_wait;
use crate::transport::retry::{Failure, RetryPolicy};
use crate::transport::tries::Tries;
use crate::transport::{BoxFuture, Stage, Transport, TransportError};
use crate::types::token::Token;
use crate::types::trace::TraceContext;

/// A client of one account on one server. Clones are cheap and share connections.
#[derive(Clone)]
pub struct Client(pub(crate) Arc<Inner>);

/// What a builder makes a client of.
pub(crate) struct Inner {
    pub(crate) base: BaseUrl,
    pub(crate) token: Option<Token>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) retry: RetryPolicy,
    pub(crate) request_timeout: Duration,
    pub(crate) total_timeout: Option<Duration>,
    pub(crate) trace_context: Option<Arc<TraceSource>>,
}

/// Tells the trace that a publish belongs to, if any.
pub(crate) type TraceSource = dyn Fn() -> Option<TraceContext> + Send + Sync;

impl Client {
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
                    let place = self.0.base.host_and_port();
                    let reason = format!("no answer from {place} within {total:?}, all retries included");
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
        tokio::select! {
            biased;
            result = self.0.transport.execute(request) => {
                result.map_err(|error| self.failed(&operation.attempted, error))
            }
            () = self.wait(timeout) => {
                let place = self.0.base.host_and_port();
                let reason = format!("no answer from {place} within {timeout:?}");
                let error = Error::new(ErrorKind::Timeout, &operation.attempted, reason);
                Err((error, Some(Failure::Unknown)))
            }
        }
    }

    /// Says why a request has no answer, and whether trying again may help.
    fn failed(&self, attempted: &str, error: TransportError) -> (Error, Option<Failure>) {
        let (stage, through, source) = error.into_parts();
        let place = format!("{}{through}", self.0.base.host_and_port());
        let (kind, reason, failure) = match stage {
            Stage::Refused => {
                let reason = "the request cannot be sent as it is".to_owned();
                (ErrorKind::InvalidInput, reason, None)
            }
            Stage::NeverLeft => {
                let hint = match is_without_tls(source.as_ref()) {
                    true => ", which does not speak TLS (is its URL one with http?)",
                    false => "",
                };
                let reason = format!("no connection to {place} could be made{hint}");
                (ErrorKind::Connect, reason, Some(Failure::NeverLeft))
            }
            Stage::Untrusted => {
                let fault = certificate_fault(source.as_ref());
                let reason = format!("the certificate of {place} is not accepted: {fault}");
                (ErrorKind::Certificate, reason, None)
            }
            Stage::Broken => {
                let reason = format!("the exchange with {place} broke off");
                (ErrorKind::Transport, reason, Some(Failure::Unknown))
            }
        };
        (
            Error::new(kind, attempted, reason).with_source(source),
            failure,
        )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_numbers_stay_below_one() {
        assert!((0..100).map(|_| random()).all(|r| (0.0..1.0).contains(&r)));
    }
}
