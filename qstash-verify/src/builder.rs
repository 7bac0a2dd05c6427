//! How a verifier is set up.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::clock::SharedClock;
use crate::jwt::{Rules, Tolerance};
use crate::reject::Response;
use crate::rotation::{KeyRing, Source};
use crate::url::UrlRule;
use crate::verifier::Inner;
use crate::{Clock, ConfigError, Keys, Region, RequestHead, Scheme, Verifier, VerifyError};

/// The default of [`VerifierBuilder::body_limit`]: what the sender may make of the largest message of the smallest
/// plan.
///
/// A message has at most 1 MiB (v1.md section 2, v2.md section 7). A callback (v2.md section 3.10) holds the answer's
/// body and the message's in base64, each up to 1 MiB, and so 2 x 1,398,104 bytes. The rest of the 4 MiB, some 1.3 MiB,
/// is for the headers of both and for the callback's other fields.
const BODY_LIMIT: usize = 4 << 20;

/// Collects keys and rules for a [`Verifier`]. [`Verifier::builder`] and [`Verifier::from_env`] make one.
///
/// If several settings are wrong, [`build`](Self::build) reports the first.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until you `build` it"]
pub struct VerifierBuilder {
    keys: Keys,
    source: Option<Source>,
    url: Option<UrlRule>,
    ignored: Vec<Scheme>,
    tolerance: Tolerance,
    max_age: Option<Duration>,
    body_limit: usize,
    clock: SharedClock,
    response: Response,
    error: Option<ConfigError>,
}

impl Default for VerifierBuilder {
    fn default() -> Self {
        Self {
            keys: Keys::new(),
            source: None,
            url: None,
            ignored: vec![],
            tolerance: Tolerance::default(),
            max_age: None,
            body_limit: BODY_LIMIT,
            clock: SharedClock::default(),
            response: Response::default(),
            error: None,
        }
    }
}

impl VerifierBuilder {
    /// Accepts v1 signatures made with this secret. Call it once for each secret while secrets are rotated.
    pub fn secret(self, secret: impl AsRef<[u8]>) -> Self {
        self.with(|keys| keys.secret(secret))
    }

    /// Accepts v1 signatures made with any of these secrets.
    pub fn secrets(self, secrets: impl IntoIterator<Item: AsRef<[u8]>>) -> Self {
        self.with(|keys| keys.secrets(secrets))
    }

    /// Accepts v2 tokens signed with this key, the current one.
    pub fn current_signing_key(self, key: impl AsRef<[u8]>) -> Self {
        self.with(|keys| keys.current_signing_key(key))
    }

    /// Accepts v2 tokens signed with this key, which becomes the current one with the next rotation.
    pub fn next_signing_key(self, key: impl AsRef<[u8]>) -> Self {
        self.with(|keys| keys.next_signing_key(key))
    }

    /// Accepts v2 tokens signed with any of these keys.
    pub fn signing_keys(self, keys: impl IntoIterator<Item: AsRef<[u8]>>) -> Self {
        self.with(|before| before.signing_keys(keys))
    }

    /// Accepts v2 tokens signed with these keys if the request's `Upstash-Region` names this region; regions share no
    /// keys. Requests from a region without keys of its own are checked with the keys that are bound to no region, or
    /// with all keys if there are none.
    pub fn regional_signing_keys(
        self,
        region: Region,
        current: impl AsRef<[u8]>,
        next: impl AsRef<[u8]>,
    ) -> Self {
        self.with(|keys| keys.regional_signing_keys(region, current, next))
    }

    /// Sets all keys at once, in place of those given before.
    pub fn keys(self, keys: Keys) -> Self {
        self.with(|_| keys)
    }

    /// Asks the function `keys` for all keys when a request is signed with none of those in use, and tries the request
    /// again with what it returns: for keys that others rotate. `None` says that there are no newer keys now.
    ///
    /// Strangers can send such requests, too. So after each question, whatever came of it, `interval` passes before the
    /// next, in the time that [`verify`](Verifier::verify) is given; some 10 seconds are enough. Requests under a key
    /// that comes up meanwhile are refused, and QStash delivers them again as far as their retries go.
    ///
    /// The request waits for the function; others do not. An adapter calls it on a thread of the runtime, so let it do
    /// no more than read a small file, or have a task fetch the keys, as the README shows. Where it returns an error or
    /// keys that [`replace_keys`](Verifier::replace_keys) would refuse, the keys stay as they are, and one warning of
    /// the target `qstash_verify::keys` says so. What it returns is also lost if somebody exchanges keys meanwhile.
    ///
    /// [`build`](Self::build) does not call the function: give the first [`keys`](Self::keys), too.
    pub fn refresh_keys_by<E>(
        mut self,
        interval: Duration,
        keys: impl Fn() -> Result<Option<Keys>, E> + Send + Sync + 'static,
    ) -> Self
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let ask = Arc::new(move || keys().map_err(Into::into));
        self.source = Some(Source { interval, ask });
        self
    }

    /// Accepts only v2 tokens for this URL, as the publisher wrote it, whatever the request's own URI is. Use it for a
    /// verifier of one route. Call it once for each URL that the route has.
    pub fn expected_url(self, url: impl AsRef<str>) -> Self {
        let rule = UrlRule::exactly(url.as_ref());
        self.url(rule)
    }

    /// Asks the function `url` for which URL a v2 token must be. The verifier calls it only for requests whose token
    /// one of the keys signed, once for each, or twice if keys are exchanged meanwhile. Where it returns `None`, the
    /// request is refused. Use it where the URL follows from the request in a way of your own, such as from a tenant's
    /// host name.
    ///
    /// **The risk:** headers such as `Host` and `X-Forwarded-Host` are what the caller says. Compare them with a list
    /// of your own names before you build a URL of them. Otherwise somebody who has seen a request for another service
    /// can name that service, and replay the request here.
    pub fn expected_url_by(
        self,
        url: impl Fn(&RequestHead<'_>) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.url(Ok(UrlRule::by_request(url)))
    }

    /// Sets the scheme, host and port at which the public reaches this service, such as `https://shop.example`. A v2
    /// token must be for this origin, followed by path and query of the request. Call it once for each name that the
    /// service has.
    ///
    /// The origin may have a path: use `https://shop.example/api` behind a proxy that cuts `/api` off.
    pub fn public_origin(self, origin: impl AsRef<str>) -> Self {
        let rule = UrlRule::under(origin.as_ref());
        self.url(rule)
    }

    /// Accepts v2 tokens for any URL.
    ///
    /// **The risk:** somebody who has seen a request that was signed for route A can replay it on route B, or on
    /// another service that uses the same keys, until its token expires (5 minutes).
    pub fn dangerously_accept_any_url(self) -> Self {
        self.url(Ok(UrlRule::Any))
    }

    /// Ignores this scheme's header. Otherwise the header must verify wherever it is present. Use it where something in
    /// front of this service checks the header, or where another sender uses its name.
    pub fn ignore(mut self, scheme: Scheme) -> Self {
        self.ignored.push(scheme);
        self
    }

    /// Sets how far the clocks of sender and receiver may differ, for all times in a v2 token at once: it calls
    /// [`expiry_tolerance`](Self::expiry_tolerance), [`not_before_tolerance`](Self::not_before_tolerance) and
    /// [`issued_ahead_tolerance`](Self::issued_ahead_tolerance). Under 60 seconds, it makes the last one stricter than
    /// it is by default.
    pub fn clock_tolerance(self, tolerance: Duration) -> Self {
        self.expiry_tolerance(tolerance)
            .not_before_tolerance(tolerance)
            .issued_ahead_tolerance(tolerance)
    }

    /// Sets for how long after its `exp` a v2 token is still accepted, and by how much it may exceed the maximum age.
    /// Zero by default.
    pub fn expiry_tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance.expiry = tolerance;
        self
    }

    /// Sets how long before its `nbf` a v2 token is already accepted. Zero by default.
    pub fn not_before_tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance.not_before = tolerance;
        self
    }

    /// Sets how far in the future a v2 token may have been made (`iat`). 60 seconds by default, because a receiver
    /// whose clock is a few milliseconds slow would otherwise refuse a fresh token; `exp` bounds the token all the
    /// same.
    pub fn issued_ahead_tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance.issued_ahead = tolerance;
        self
    }

    /// Sets how long ago a v2 token may have been made (`iat`), in addition to the 5 minutes after which it expires. v1
    /// signatures have no time, so this does not affect them. Unlimited by default.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Sets the largest body that is accepted, in bytes. Adapters read no further. 4 MiB by default, which holds a
    /// message of 1 MiB, the most that the smallest plan allows, and a callback about it: that has the message and the
    /// answer in base64, of 1.33 MiB each, and their headers. For a plan with messages of up to `n` bytes, set
    /// `n / 3 * 8` and 1 MiB for the headers: 28 MiB for 10 MB.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Sets the clock that adapters read. By default it is [`SystemClock`](crate::SystemClock). A test passes in the
    /// clock of its mock server.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = SharedClock::new(clock);
        self
    }

    /// Sets what adapters answer to a request that they refuse, instead of a bare 401, 413 or 400. Adapters also use it
    /// for a verified request that the handler cannot decode (400, 415), which the framework answers by default.
    ///
    /// The function gets the reason and the request's head. [`VerifyError::status`] returns the usual status. The
    /// adapter puts the reason into the response's extensions. Mind whom you tell the reason: the default answer to a
    /// request that fails verification does not tell it.
    pub fn rejection_response<F>(mut self, response: F) -> Self
    where
        F: Fn(&VerifyError, &RequestHead<'_>) -> http::Response<Bytes> + Send + Sync + 'static,
    {
        self.response = Response::new(response);
        self
    }

    /// Makes the verifier.
    ///
    /// # Errors
    /// When there is no key, a key cannot be used or is for an ignored header, or a URL is not valid; when the URL of
    /// v2 tokens has rules of several kinds, or there are signing keys and no such rule.
    pub fn build(self) -> Result<Verifier, ConfigError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let has_url = self.url.is_some();
        let keys = KeyRing::new(self.keys, self.ignored, has_url, self.source)?;
        // Without a rule there are no signing keys, and no token gets as far as its URL.
        let url = self.url.unwrap_or(UrlRule::Any);
        let inner = Inner {
            keys,
            rules: Rules {
                tolerance: self.tolerance,
                max_age: self.max_age,
            },
            body_limit: self.body_limit,
            clock: self.clock,
            response: self.response,
        };
        Ok(Verifier(Arc::new(inner), Arc::new(url)))
    }

    /// Changes the keys. If one cannot be used, that is an error like others: the first of all is reported.
    fn with(mut self, change: impl FnOnce(Keys) -> Keys) -> Self {
        self.keys = change(self.keys);
        match self.keys.take_error() {
            Some(error) => self.fail(error),
            None => self,
        }
    }

    fn fail(mut self, error: ConfigError) -> Self {
        self.error.get_or_insert(error);
        self
    }

    fn url(mut self, rule: Result<UrlRule, ConfigError>) -> Self {
        match rule {
            Err(error) => self.fail(error),
            Ok(rule) => match self.url.take() {
                None => {
                    self.url = Some(rule);
                    self
                }
                Some(before) => match before.or(rule) {
                    Ok(both) => {
                        self.url = Some(both);
                        self
                    }
                    Err(error) => self.fail(error),
                },
            },
        }
    }
}
