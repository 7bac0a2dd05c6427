//! How a verifier is told what to accept.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::clock::SharedClock;
use crate::jwt::Rules;
use crate::keyset::KeySet;
use crate::reject::Response;
use crate::url::UrlRule;
use crate::verifier::Inner;
use crate::{
    Clock, ConfigError, KeyName, KeyRole, Region, Scheme, SigningKey, Verifier, VerifyError,
};

/// Collects keys and rules; see [`Verifier::builder`] and [`Verifier::from_env`].
///
/// The first mistake is kept and reported by [`build`](Self::build).
#[derive(Debug)]
#[must_use = "a builder does nothing until you `build` it"]
pub struct VerifierBuilder {
    secrets: Vec<(KeyName, SigningKey)>,
    signing_keys: Vec<(KeyName, SigningKey)>,
    numbered: usize,
    url: Option<UrlRule>,
    ignored: Vec<Scheme>,
    tolerance: Duration,
    max_age: Option<Duration>,
    body_limit: usize,
    clock: SharedClock,
    response: Response,
    of_environment: bool,
    error: Option<ConfigError>,
}

impl Default for VerifierBuilder {
    fn default() -> Self {
        Self {
            secrets: vec![],
            signing_keys: vec![],
            numbered: 0,
            url: None,
            ignored: vec![],
            tolerance: Duration::ZERO,
            max_age: None,
            body_limit: 1 << 20,
            clock: SharedClock::default(),
            response: Response::default(),
            of_environment: false,
            error: None,
        }
    }
}

impl VerifierBuilder {
    /// Accepts v1 signatures made with this secret; call it again while secrets are rotated.
    pub fn secret(self, secret: impl AsRef<[u8]>) -> Self {
        let name = self.next_secret();
        let label = name.to_string();
        self.add(Scheme::Hmac, name, secret.as_ref(), &label)
    }

    /// Accepts v1 signatures made with any of these secrets.
    pub fn secrets(self, secrets: impl IntoIterator<Item: AsRef<[u8]>>) -> Self {
        secrets.into_iter().fold(self, Self::secret)
    }

    /// Accepts v2 tokens made with this key, the one in use.
    pub fn current_signing_key(self, key: impl AsRef<[u8]>) -> Self {
        self.role(KeyRole::Current, None, key.as_ref())
    }

    /// Accepts v2 tokens made with this key, which is in use after the next rotation.
    pub fn next_signing_key(self, key: impl AsRef<[u8]>) -> Self {
        self.role(KeyRole::Next, None, key.as_ref())
    }

    /// Accepts v2 tokens made with any of these keys, of which there can be any number.
    pub fn signing_keys(self, keys: impl IntoIterator<Item: AsRef<[u8]>>) -> Self {
        keys.into_iter().fold(self, |mut this, key| {
            this.numbered += 1;
            let role = KeyRole::Other(this.numbered);
            this.role(role, None, key.as_ref())
        })
    }

    /// Accepts v2 tokens made with these keys, for requests whose `Upstash-Region` names this region: regions
    /// share no keys. Requests from a region without keys of its own are measured by the keys without a region.
    pub fn regional_signing_keys(
        self,
        region: Region,
        current: impl AsRef<[u8]>,
        next: impl AsRef<[u8]>,
    ) -> Self {
        self.role(KeyRole::Current, Some(region), current.as_ref())
            .role(KeyRole::Next, Some(region), next.as_ref())
    }

    /// The URL that v2 tokens must be for, exactly as the publisher wrote it: for a verifier of one route.
    pub fn expected_url(self, url: impl Into<String>) -> Self {
        let rule = UrlRule::exactly(url.into());
        self.url(rule)
    }

    /// Scheme, host and port under which the public reaches this service, such as `https://shop.example`. v2
    /// tokens must be for it, followed by path and query of the request.
    ///
    /// A path is allowed: `https://shop.example/api` behind a proxy that cuts `/api` off.
    pub fn public_origin(self, origin: impl AsRef<str>) -> Self {
        let rule = UrlRule::under(origin.as_ref());
        self.url(rule)
    }

    /// Accepts v2 tokens for any URL.
    ///
    /// **What this opens:** a request that was signed for route A is accepted when somebody replays it on route
    /// B, or on another service that uses the same keys, until its token expires (5 minutes).
    pub fn dangerously_accept_any_url(self) -> Self {
        self.url(Ok(UrlRule::Any))
    }

    /// Takes no notice of this scheme's header, which otherwise must verify where it is present. Use it where
    /// something before this service checks that header, or another sender uses its name.
    pub fn ignore(mut self, scheme: Scheme) -> Self {
        self.ignored.push(scheme);
        self
    }

    /// How far the clocks of sender and receiver may differ: every time in a v2 token is good for this much
    /// longer, and this much earlier. Default: zero.
    pub fn clock_tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// How long ago a v2 token may have been made (`iat`), beyond the 5 minutes that it gives itself. A v1
    /// signature has no time: this does not concern it. Default: no limit.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// The largest body that is accepted, in bytes. Adapters stop reading there. Default: 1 MiB.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// The clock of adapters; by default [`SystemClock`](crate::SystemClock). A test hands in that of its mock
    /// server.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = SharedClock::new(clock);
        self
    }

    /// What adapters answer instead of a bare 401 or 413, and to a trusted request that the handler cannot decode
    /// (400, 415), to which the framework's own answer is the default. [`VerifyError::status`] has the status. The
    /// reason is put into the extensions of the response afterwards. Mind whom you tell: the default answer to a
    /// request that is not trusted does not say why.
    pub fn rejection_response<F>(mut self, response: F) -> Self
    where
        F: Fn(&VerifyError) -> http::Response<Bytes> + Send + Sync + 'static,
    {
        self.response = Response::new(response);
        self
    }

    /// The verifier.
    ///
    /// # Errors
    /// A key is empty or too short, there is none, a URL is not one, or it is not said which URL v2 tokens are
    /// to be for.
    pub fn build(self) -> Result<Verifier, ConfigError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let keys = [
            (Scheme::Hmac, &self.secrets),
            (Scheme::Jwt, &self.signing_keys),
        ];
        if keys.iter().all(|(_, keys)| keys.is_empty()) {
            return Err(if self.of_environment {
                ConfigError::NoKeyInEnvironment
            } else {
                ConfigError::NoKey
            });
        }
        for (scheme, keys) in keys {
            if self.ignored.contains(&scheme) && !keys.is_empty() {
                return Err(ConfigError::IgnoredKey(scheme));
            }
        }
        let url = match self.url {
            Some(url) => url,
            // Without signing keys no token gets as far as its URL.
            None if self.signing_keys.is_empty() => UrlRule::Any,
            None => return Err(ConfigError::NoUrl),
        };
        Ok(Verifier(Arc::new(Inner {
            secrets: KeySet::new(self.secrets),
            rules: Rules {
                keys: KeySet::new(self.signing_keys),
                url,
                tolerance: self.tolerance,
                max_age: self.max_age,
            },
            ignored: self.ignored,
            body_limit: self.body_limit,
            clock: self.clock,
            response: self.response,
        })))
    }

    pub(crate) fn next_secret(&self) -> KeyName {
        KeyName {
            role: KeyRole::Secret(self.secrets.len() + 1),
            region: None,
        }
    }

    /// Adds a key; an error calls it `label`.
    pub(crate) fn add(mut self, scheme: Scheme, name: KeyName, key: &[u8], label: &str) -> Self {
        match SigningKey::new(key) {
            Ok(key) => {
                match scheme {
                    Scheme::Hmac => &mut self.secrets,
                    Scheme::Jwt => &mut self.signing_keys,
                }
                .push((name, key));
                self
            }
            Err(source) => self.fail(ConfigError::Key {
                name: label.to_owned(),
                source,
            }),
        }
    }

    pub(crate) fn fail(mut self, error: ConfigError) -> Self {
        self.error.get_or_insert(error);
        self
    }

    pub(crate) fn of_environment(mut self) -> Self {
        self.of_environment = true;
        self
    }

    fn role(self, role: KeyRole, region: Option<Region>, key: &[u8]) -> Self {
        let name = KeyName { role, region };
        self.add(Scheme::Jwt, name, key, &name.to_string())
    }

    fn url(mut self, rule: Result<UrlRule, ConfigError>) -> Self {
        match rule {
            Err(error) => self.fail(error),
            Ok(_) if self.url.is_some() => self.fail(ConfigError::ManyUrls),
            Ok(rule) => {
                self.url = Some(rule);
                self
            }
        }
    }
}
