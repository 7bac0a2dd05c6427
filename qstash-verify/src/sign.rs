//! The signing half: makes requests as QStash does, for tests of handlers and for servers.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Request};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::clock::SharedClock;
use crate::{Clock, KeyError, Scheme, SigningKey, Timestamp, jws};

/// The issuer of every v2 token.
pub(crate) const ISSUER: &str = "Upstash";

/// A v2 token to sign: its claims but for the hash of the body (v2.md section 4).
///
/// ```
/// use qstash_verify::{NewToken, SigningKey, Timestamp};
///
/// let key = SigningKey::new("sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r")?;
/// let now = Timestamp::from_secs(1_800_000_000);
/// let token = NewToken::new("https://shop.example/orders", now, "jwt_1").sign(&key, b"{}");
/// assert_eq!(token.split('.').count(), 3);
/// # Ok::<(), qstash_verify::KeyError>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "a token is made by `sign`"]
pub struct NewToken<'a> {
    url: &'a str,
    issued_at: Timestamp,
    id: &'a str,
    issuer: &'a str,
    not_before: Timestamp,
    expires_at: Timestamp,
}

impl<'a> NewToken<'a> {
    /// How long a token is valid: 5 minutes.
    pub const LIFETIME: Duration = Duration::from_secs(300);

    /// Makes a token for a delivery to `url`, exactly as it is called. The token is made at `issued_at`, and `id`
    /// becomes its `jti`. Times are written as whole seconds, rounded down.
    pub fn new(url: &'a str, issued_at: Timestamp, id: &'a str) -> Self {
        Self {
            url,
            issued_at,
            id,
            issuer: ISSUER,
            not_before: Timestamp::default(),
            expires_at: issued_at.plus(Self::LIFETIME),
        }
    }

    /// Sets another issuer than `Upstash`, to test what a verifier refuses.
    pub fn issuer(mut self, issuer: &'a str) -> Self {
        self.issuer = issuer;
        self
    }

    /// Sets `nbf`. By default it is 0, as QStash has sent it since September 2024.
    pub fn not_before(mut self, time: Timestamp) -> Self {
        self.not_before = time;
        self
    }

    /// Sets `exp`. By default it is [`NewToken::LIFETIME`] after `issued_at`.
    pub fn expires_at(mut self, time: Timestamp) -> Self {
        self.expires_at = time;
        self
    }

    /// Signs the token for a delivery of `body`. Returns a compact JWS.
    #[must_use]
    pub fn sign(&self, key: &SigningKey, body: &[u8]) -> String {
        let claims = Claims {
            iss: self.issuer,
            sub: self.url,
            exp: self.expires_at.as_secs(),
            nbf: self.not_before.as_secs(),
            iat: self.issued_at.as_secs(),
            jti: self.id,
            // Padded: some consumers compare the text exactly.
            body: &URL_SAFE.encode(Sha256::digest(body)),
        };
        let payload = serde_json::to_vec(&claims).expect("texts and numbers are JSON");
        jws::sign_with(&payload, |signed| key.tag(signed))
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    exp: u64,
    nbf: u64,
    iat: u64,
    jti: &'a str,
    body: &'a str,
}

/// Makes signed requests, so that handlers can be tested without a server.
///
/// By default it reads the system's clock and counts ids: `msg_1`, `jwt_2` and so on.
///
/// ```
/// use qstash_verify::{Signer, Timestamp, Verifier};
///
/// let now = Timestamp::from_secs(1_800_000_000);
/// let signer = Signer::jwt("sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r")?.clock(now);
/// let (parts, body) = signer.request("https://shop.example/orders", "{}")?.into_parts();
///
/// let verifier = Verifier::builder()
///     .current_signing_key("sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r")
///     .public_origin("https://shop.example")
///     .build()?;
/// assert_eq!(verifier.verify(&parts, &body, now)?.message_id(), Some("msg_1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use = "a signer does nothing until it signs"]
pub struct Signer {
    scheme: Scheme,
    key: SigningKey,
    clock: SharedClock,
    ids: Arc<dyn Fn(&str) -> String + Send + Sync>,
}

impl Signer {
    /// Signs as v1 does, with `QStash-Signature`.
    ///
    /// # Errors
    /// When the secret cannot be used, as for [`SigningKey::new`].
    pub fn hmac(secret: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let key = SigningKey::of(Scheme::Hmac, secret.as_ref())?;
        Ok(Self::with_key(Scheme::Hmac, key))
    }

    /// Signs as v2 does, with `Upstash-Signature`.
    ///
    /// # Errors
    /// When the signing key cannot be used, as for [`SigningKey::new`], or is text that does not start with `sig_`.
    pub fn jwt(signing_key: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let key = SigningKey::of(Scheme::Jwt, signing_key.as_ref())?;
        Ok(Self::with_key(Scheme::Jwt, key))
    }

    /// Signs with a key that you have already prepared.
    pub fn with_key(scheme: Scheme, key: SigningKey) -> Self {
        let count = AtomicU64::new(0);
        Self {
            scheme,
            key,
            clock: SharedClock::default(),
            ids: Arc::new(move |prefix| {
                format!("{prefix}{}", count.fetch_add(1, Ordering::Relaxed) + 1)
            }),
        }
    }

    /// Sets the clock that tells when a token is made.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = SharedClock::new(clock);
        self
    }

    /// Sets the function that makes ids. It gets the prefix (`msg_` or `jwt_`) and returns the whole id.
    pub fn ids(mut self, ids: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        self.ids = Arc::new(ids);
        self
    }

    /// Returns the header that signs `body` for a delivery to `url`. A v1 signature does not cover the URL.
    #[must_use]
    pub fn header(&self, url: &str, body: &[u8]) -> (HeaderName, HeaderValue) {
        let text = match self.scheme {
            Scheme::Hmac => self.key.sign(body),
            Scheme::Jwt => {
                NewToken::new(url, self.clock.now(), &(self.ids)("jwt_")).sign(&self.key, body)
            }
        };
        let value = HeaderValue::try_from(text).expect("hexadecimal and base64url are ASCII");
        (self.scheme.header(), value)
    }

    /// Makes the request of a first attempt to deliver `body` to `url`: a signed POST with the content type JSON and a
    /// new message id.
    ///
    /// # Errors
    /// When `url` is not valid, or a header cannot carry the id.
    pub fn request(
        &self,
        url: &str,
        body: impl Into<Bytes>,
    ) -> Result<Request<Bytes>, http::Error> {
        let body = body.into();
        let id = (self.ids)("msg_");
        let (name, signature) = self.header(url, &body);
        let request = Request::post(url)
            .header(CONTENT_TYPE, "application/json")
            .header(name, signature);
        let request = match self.scheme {
            Scheme::Hmac => request
                .header("qstash-message-id", id)
                .header("qstash-attempt", 1),
            Scheme::Jwt => request
                .header("upstash-message-id", id)
                .header("upstash-retried", 0),
        };
        request.body(body)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("scheme", &self.scheme)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
