//! Keys and a request go in, a verdict comes out. No I/O and no clock.

use std::sync::Arc;

use crate::clock::SharedClock;
use crate::delivery::Found;
use crate::jwt::{Context, Rules};
use crate::keyset::KeySet;
use crate::reject::Response;
use crate::rotation::{Held, KeyRing};
use crate::url::UrlRule;
use crate::{
    ConfigError, Delivery, KeyName, RequestHead, Scheme, Timestamp, VerifierBuilder, VerifyError,
    hmac_hex,
};

/// Proves that a request came from QStash. Clones are cheap, and share their keys also after these are
/// [exchanged](Self::replace_keys).
///
/// The [crate's documentation](crate) says what is accepted.
#[derive(Clone, Debug)]
pub struct Verifier(pub(crate) Arc<Inner>, pub(crate) Arc<UrlRule>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) keys: KeyRing,
    pub(crate) rules: Rules,
    pub(crate) body_limit: usize,
    pub(crate) clock: SharedClock,
    pub(crate) response: Response,
}

impl Verifier {
    /// Starts a builder without keys.
    pub fn builder() -> VerifierBuilder {
        VerifierBuilder::default()
    }

    /// Starts a builder with the keys from environment variables.
    ///
    /// | variable | what it is |
    /// |---|---|
    /// | `QSTASH_SIGNING_SECRET` | the v1 secret, exactly as `qstash-mock-server` reads it: one secret, a comma in it is a part of it |
    /// | `QSTASH_PREVIOUS_SIGNING_SECRET` | the v1 secret before that, while secrets are rotated |
    /// | `QSTASH_CURRENT_SIGNING_KEY`, `QSTASH_NEXT_SIGNING_KEY` | v2 signing keys |
    /// | `US_EAST_1_QSTASH_CURRENT_SIGNING_KEY`, … `_NEXT_…` | v2 signing keys for requests whose `Upstash-Region` is `US-EAST-1`; likewise `EU_CENTRAL_1_…` |
    ///
    /// At least one variable must be set. It is an error to set one to an empty text, or to a value with quotes, white
    /// space or a line end around it; nothing is trimmed, because the sender does not trim either. Requests from a
    /// region without keys of its own are checked with the keys that are bound to no region, as by the official
    /// receivers.
    ///
    /// ```
    /// use qstash_verify::Verifier;
    ///
    /// match Verifier::from_env().public_origin("https://shop.example").build() {
    ///     Ok(verifier) => println!("bodies of up to {} bytes are verified", verifier.body_limit()),
    ///     // Such as: none of QSTASH_SIGNING_SECRET, QSTASH_CURRENT_SIGNING_KEY, … is set
    ///     Err(error) => eprintln!("{error}"),
    /// }
    /// ```
    pub fn from_env() -> VerifierBuilder {
        VerifierBuilder::from_vars(|name| std::env::var_os(name))
    }

    /// Checks the signatures of a request. `body` is its raw body, exactly as it came over the wire.
    ///
    /// `request` is `&Parts`, `&Request<B>`, `&HeaderMap`, or another form of a [`RequestHead`]. Allocates nothing on
    /// success, unless the token's claims have over 1 KiB or escapes.
    ///
    /// # Errors
    /// When the request fails verification. If several things are wrong, the error is the most telling one.
    pub fn verify<'a>(
        &self,
        request: impl Into<RequestHead<'a>>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Delivery<'a>, VerifyError> {
        let head = request.into();
        let keys = self.0.keys.in_use();
        match self.verify_with(&keys, head, body, now) {
            Err(error) if error.is_of_unknown_key() => match self.0.keys.other_than(&keys, now) {
                Some(others) => self.verify_with(&others, head, body, now),
                None => Err(error),
            },
            verdict => verdict,
        }
    }

    fn verify_with<'a>(
        &self,
        keys: &Held,
        head: RequestHead<'a>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Delivery<'a>, VerifyError> {
        let inner = &*self.0;
        if body.len() > inner.body_limit {
            let limit = inner.body_limit;
            return Err(VerifyError::BodyTooLarge { limit });
        }
        let found = Found::read(head.headers(), &inner.keys.ignored)?;
        for (scheme, signature, of_scheme) in [
            (Scheme::Hmac, found.hmac, &keys.secrets),
            (Scheme::Jwt, found.jwt, &keys.signing_keys),
        ] {
            if signature.is_some() && of_scheme.is_empty() {
                return Err(VerifyError::SchemeNotConfigured(scheme));
            }
        }
        let by_hmac = found
            .hmac
            .map(|it| verify_hmac(&keys.secrets, it.as_bytes(), body));
        let by_jwt = found.jwt.map(|token| {
            let context = Context {
                keys: &keys.signing_keys,
                head: &head,
                url: &self.1,
                region: found.region(),
                body,
                now,
            };
            let token = std::str::from_utf8(token.as_bytes())
                .map_err(|_| VerifyError::MalformedToken("it is not ASCII"))?;
            inner.rules.verify(token, &context)
        });
        let (scheme, key, payload) = match (by_hmac, by_jwt) {
            // Where both are wrong, what is said of a key that fits tells more than that no key does.
            (Some(Err(_)), Some(Err(error))) if error.key().is_some() => return Err(error),
            (Some(Err(error)), _) | (_, Some(Err(error))) => return Err(error),
            (_, Some(Ok((key, payload)))) => (Scheme::Jwt, key, Some(payload.into())),
            (Some(Ok(key)), None) => (Scheme::Hmac, key, None),
            (None, None) => return Err(VerifyError::MissingSignature),
        };
        Ok(Delivery {
            scheme,
            key,
            payload,
            headers: found.headers(scheme),
        })
    }

    /// Returns a verifier with the same keys and settings that accepts only v2 tokens for this URL. The call is cheap,
    /// because the two verifiers share everything else: you can make one for each route, or even for a single request.
    ///
    /// ```
    /// use qstash_verify::Verifier;
    ///
    /// let verifier = Verifier::builder()
    ///     .current_signing_key("sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r")
    ///     .public_origin("https://shop.example")
    ///     .build()?;
    /// let of_orders = verifier.with_expected_url("https://shop.example/orders")?;
    /// # let _ = of_orders;
    /// # Ok::<(), qstash_verify::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// [`ConfigError::Url`] when this is no absolute http or https URL.
    pub fn with_expected_url(&self, url: impl AsRef<str>) -> Result<Self, ConfigError> {
        let rule = UrlRule::exactly(url.as_ref())?;
        Ok(Self(Arc::clone(&self.0), Arc::new(rule)))
    }

    /// Returns the largest body that is accepted, in bytes.
    #[must_use]
    pub fn body_limit(&self) -> usize {
        self.0.body_limit
    }

    /// Returns the time of the clock that adapters read.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }
}

fn verify_hmac(secrets: &KeySet, signature: &[u8], body: &[u8]) -> Result<KeyName, VerifyError> {
    let tag = hmac_hex::decode(signature).ok_or(VerifyError::MalformedSignature)?;
    secrets
        .find(body, &tag, None)
        .map_err(|keys| VerifyError::Mismatch { keys })
}
