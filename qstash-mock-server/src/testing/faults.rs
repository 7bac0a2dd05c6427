//! Faults: failures that a test causes on purpose.
//!
//! A [`Fault`] says what goes wrong, where, and how often. The instruments decide when it strikes; the delivery and
//! the API's fault gate carry it out. A [`FaultHandle`] stands for a fault in force.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::instruments::{FaultId, Instruments, Kind, Rule, Scope, When};

/// A failure to cause: what goes wrong, where and how often. [`MockServer::inject`](crate::MockServer::inject) puts
/// it in force and checks its settings.
///
/// A fault whose scope is not limited strikes everywhere; one without a frequency strikes every time.
///
/// ```
/// use qstash_mock_server::testing::Fault;
///
/// // One delivery in five arrives twice.
/// let duplicated = Fault::duplicate().queue("order-events").probability(0.2);
/// // The first publish is refused, the second works, the third is refused.
/// let limited = Fault::api_status(429).header("Retry-After", "2").path("/v1/publish").script([true, false, true]);
/// ```
#[derive(Clone, Debug)]
#[must_use = "a fault does nothing until it is injected"]
pub struct Fault {
    rule: Rule,
    error: Option<InvalidFault>,
}

/// Why a fault cannot be injected. `Display` is one sentence that begins with the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {problem}")]
pub struct InvalidFault {
    /// The setting that is wrong.
    pub field: &'static str,
    problem: &'static str,
}

impl InvalidFault {
    fn too_many() -> Self {
        Self {
            field: "fault",
            problem: "is one too many: there may be 1000",
        }
    }

    /// What is wrong with the setting; the second part of a sentence that begins with the field.
    #[must_use]
    pub fn problem(&self) -> &'static str {
        self.problem
    }
}

/// The longest delay, and the most entries of a script.
const MAX_DELAY: Duration = Duration::from_secs(90 * 86_400);
const MAX_SCRIPT: usize = 10_000;

/// What goes wrong with a call of the API.
impl Fault {
    /// The server answers the call with `status`, from 400 to 599, and does not carry it out.
    pub fn api_status(status: u16) -> Self {
        let found = StatusCode::from_u16(status)
            .ok()
            .filter(|it| it.is_client_error() || it.is_server_error());
        let kind = Kind::ApiStatus(found.unwrap_or_default(), HeaderMap::new());
        Self::new(kind).check(found.is_some(), "status", "must be from 400 to 599")
    }

    /// Adds a header to the answer of [`Fault::api_status`].
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let parsed = name
            .parse::<HeaderName>()
            .ok()
            .zip(HeaderValue::from_str(value).ok());
        match (&mut self.rule.kind, parsed) {
            (Kind::ApiStatus(_, headers), Some((name, value))) => {
                headers.append(name, value);
                self
            }
            (Kind::ApiStatus(..), None) => self.refuse("headers", "must be HTTP headers"),
            _ => self.refuse("headers", "belong to an answer: use `api_status`"),
        }
    }

    /// The server carries the call out after `delay`, in real time, because timeouts of callers are in real time. At
    /// most 90 days, like every duration of a fault.
    pub fn api_delay(delay: Duration) -> Self {
        Self::new(Kind::ApiDelay(delay)).check_delay(delay)
    }

    /// The server resets the connection and does not carry the call out.
    pub fn api_reset_before() -> Self {
        Self::new(Kind::ApiResetBefore)
    }

    /// The server carries the call out and resets the connection instead of answering.
    pub fn api_reset_after() -> Self {
        Self::new(Kind::ApiResetAfter)
    }
}

/// What goes wrong with a delivery.
impl Fault {
    /// The server sends the request after `delay` (server's time).
    pub fn delay(delay: Duration) -> Self {
        Self::new(Kind::Delay(delay)).check_delay(delay)
    }

    /// The request is overtaken: the server holds it back until the next request to the same URL was answered, at
    /// most for one second of the server's time.
    ///
    /// In a queue of parallelism 1 no request can overtake, so the request is only one second late.
    pub fn reorder() -> Self {
        Self::new(Kind::Reorder)
    }

    /// The server sends the request a second time once it was answered. The first answer counts.
    pub fn duplicate() -> Self {
        Self::new(Kind::Duplicate)
    }

    /// The consumer answers and the answer is lost: the attempt fails, and the server may retry it.
    pub fn lose_answer() -> Self {
        Self::new(Kind::LoseAnswer)
    }

    /// The connection breaks in the middle of the request's body.
    pub fn reset_mid_body() -> Self {
        Self::new(Kind::ResetMidBody)
    }

    /// The answer arrives `delay` later (server's time).
    pub fn slow(delay: Duration) -> Self {
        Self::new(Kind::Slow(delay)).check_delay(delay)
    }

    /// The signature has the right form and is wrong: it is neither that of this body nor that of another one.
    pub fn bad_signature() -> Self {
        Self::new(Kind::BadSignature)
    }

    /// The signature is one hour old, so it has expired. Only v2 signatures contain a time; v1 deliveries do not
    /// change.
    pub fn expired_signature() -> Self {
        Self::signer_behind(Duration::from_secs(3600))
    }

    /// The signer's clock is ahead by `by`. Only v2 signatures contain a time; v1 deliveries do not change.
    pub fn signer_ahead(by: Duration) -> Self {
        Self::new(Kind::SignerAhead(by)).check_delay(by)
    }

    /// The signer's clock is behind by `by`. Only v2 signatures contain a time; v1 deliveries do not change.
    pub fn signer_behind(by: Duration) -> Self {
        Self::new(Kind::SignerBehind(by)).check_delay(by)
    }

    /// The server rotates the account's signing secret (v1) or signing keys (v2) before it sends the request, which it
    /// signs with the former one.
    pub fn rotate_key() -> Self {
        Self::new(Kind::RotateKey)
    }
}

/// Where the fault strikes.
impl Fault {
    /// Limits the fault to calls and deliveries of this account.
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.rule.scope.account = Some(account.into());
        self
    }

    /// Limits the fault to deliveries of this queue's messages, or to calls about this queue.
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.rule.scope.queue = Some(queue.into());
        self
    }

    /// Limits a fault of deliveries to this URL. `*` stands for any text.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.rule.scope.url = Some(url.into());
        if self.rule.kind.is_api() {
            return self.refuse("url", "is where deliveries go: use `path` for calls");
        }
        self
    }

    /// Limits a fault of calls to this path, without the query. `*` stands for any text.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.rule.scope.path = Some(path.into());
        if !self.rule.kind.is_api() {
            return self.refuse("path", "is what calls name: use `url` for deliveries");
        }
        self
    }
}

/// How often the fault strikes.
impl Fault {
    /// The fault strikes with this probability, from 0 to 1. Whether it does derives, for a delivery, from the
    /// server's seed, the message and the attempt; for a call, from the seed and the number of earlier calls.
    pub fn probability(mut self, probability: f64) -> Self {
        self.rule.when.probability = Some(probability);
        let sane = (0.0..=1.0).contains(&probability);
        self.check(sane, "probability", "must be a number from 0 to 1")
    }

    /// The fault strikes where the script has `true`: it has one entry, of 1 to 10,000, for each time that the fault
    /// could strike. After the end of the script the fault never strikes. Not together with [`Fault::probability`].
    pub fn script(mut self, script: impl IntoIterator<Item = bool>) -> Self {
        let script: Vec<_> = script.into_iter().take(MAX_SCRIPT + 1).collect();
        let fits = (1..=MAX_SCRIPT).contains(&script.len());
        self.rule.when.script = Some(script);
        self.check(fits, "script", "must have 1 to 10000 entries")
    }

    /// The fault strikes at most `times` times.
    pub fn times(mut self, times: u64) -> Self {
        self.rule.when.times = Some(times);
        self
    }
}

impl Fault {
    const fn new(kind: Kind) -> Self {
        Self {
            rule: Rule {
                kind,
                scope: Scope {
                    account: None,
                    queue: None,
                    url: None,
                    path: None,
                },
                when: When {
                    probability: None,
                    script: None,
                    times: None,
                },
            },
            error: None,
        }
    }

    fn refuse(mut self, field: &'static str, problem: &'static str) -> Self {
        self.error = self.error.or(Some(InvalidFault { field, problem }));
        self
    }

    fn check(self, fine: bool, field: &'static str, problem: &'static str) -> Self {
        if fine {
            self
        } else {
            self.refuse(field, problem)
        }
    }

    fn check_delay(self, delay: Duration) -> Self {
        self.check(delay <= MAX_DELAY, "seconds", "must be at most 7776000")
    }

    /// The rule of the fault, if its settings are valid.
    fn checked(self) -> Result<Rule, InvalidFault> {
        let both = self.rule.when.probability.is_some() && self.rule.when.script.is_some();
        let fault = self.check(!both, "script", "cannot go together with `probability`");
        match fault.error {
            Some(error) => Err(error),
            None => Ok(fault.rule),
        }
    }
}

/// A fault in force. Dropping the handle does not remove the fault.
#[derive(Clone)]
pub struct FaultHandle {
    instruments: Arc<Instruments>,
    id: FaultId,
    hits: Arc<AtomicU64>,
}

impl std::fmt::Debug for FaultHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FaultHandle")
            .field("id", &self.id)
            .field("hits", &self.hits())
            .finish_non_exhaustive()
    }
}

impl FaultHandle {
    /// Checks a fault and puts it in force.
    pub(crate) fn inject(
        instruments: &Arc<Instruments>,
        fault: Fault,
    ) -> Result<Self, InvalidFault> {
        let injected = instruments.faults.inject(fault.checked()?);
        let (id, hits) = injected.ok_or_else(InvalidFault::too_many)?;
        Ok(Self {
            instruments: Arc::clone(instruments),
            id,
            hits,
        })
    }

    /// The id of the fault.
    #[must_use]
    pub fn id(&self) -> FaultId {
        self.id
    }

    /// How often the fault has struck.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// Removes the fault. Attempts and calls that it has struck already are not changed.
    pub fn remove(self) {
        self.instruments.faults.remove(self.id);
    }
}
