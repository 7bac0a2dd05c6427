//! The v2 header: a JWT with HS256 (v2.md section 4).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::claims::{Field, RawClaims};
use crate::jws::{self, Compact, Header};
use crate::keyset::KeySet;
use crate::sign::ISSUER;
use crate::url::UrlRule;
use crate::{KeyName, Region, RequestHead, Timestamp, VerifyError};

/// No token is longer. QStash's have some 350 bytes and the destination's URL.
const MAX_LEN: usize = 16 * 1024;

/// Payloads up to this many bytes are decoded without an allocation.
const ON_STACK: usize = 1024;

/// What every token has to meet.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) tolerance: Tolerance,
    pub(crate) max_age: Option<Duration>,
}

/// How far the clocks of sender and receiver may differ, for each time in a token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tolerance {
    pub(crate) expiry: Duration,
    pub(crate) not_before: Duration,
    pub(crate) issued_ahead: Duration,
}

impl Default for Tolerance {
    /// `iat` only tells when the token was made, and the sender's clock may well be ahead of ours. What bounds a token
    /// is `exp`.
    fn default() -> Self {
        Self {
            expiry: Duration::ZERO,
            not_before: Duration::ZERO,
            issued_ahead: Duration::from_secs(60),
        }
    }
}

/// The keys and the request that a token has to fit.
pub(crate) struct Context<'a> {
    pub(crate) keys: &'a KeySet,
    pub(crate) head: &'a RequestHead<'a>,
    pub(crate) url: &'a UrlRule,
    pub(crate) region: Option<Region>,
    pub(crate) body: &'a [u8],
    pub(crate) now: Timestamp,
}

impl Rules {
    /// Returns the key that signed `token`, and its payload, if everything is in order.
    ///
    /// The key is found first and the claims are checked then. So an error in the claims names the key that signed
    /// them, whatever the other keys would say.
    pub(crate) fn verify<'t>(
        &self,
        token: &'t str,
        context: &Context<'_>,
    ) -> Result<(KeyName, &'t str), VerifyError> {
        if token.len() > MAX_LEN {
            return Err(VerifyError::MalformedToken("it is longer than 16 KiB"));
        }
        let Some(token) = Compact::split(token) else {
            return Err(malformed(token));
        };
        check_header(token.protected)?;
        let mut stack = [0; ON_STACK];
        let mut heap = Vec::new();
        let size = token.payload.len() / 4 * 3 + 3;
        let buffer = if size <= ON_STACK {
            &mut stack[..]
        } else {
            heap.resize(size, 0);
            &mut heap
        };
        let length = URL_SAFE_NO_PAD
            .decode_slice(token.payload, buffer)
            .map_err(|_| VerifyError::MalformedToken("its payload is not base64url"))?;
        let region = context.region;
        let key = context
            .keys
            .find(token.signed.as_bytes(), &token.tag, region)
            .map_err(|keys| VerifyError::TokenSignature { keys, region })?;
        let mut claims = RawClaims::default();
        claims
            .read(&buffer[..length])
            .ok_or(VerifyError::MalformedToken(
                "its claims are not a JSON object with distinct names",
            ))?;
        self.check(&claims, key, context)?;
        Ok((key, token.payload))
    }

    /// Checks each claim, in the order of the official receivers.
    fn check(
        &self,
        claims: &RawClaims<'_>,
        key: KeyName,
        context: &Context<'_>,
    ) -> Result<(), VerifyError> {
        let issuer = claims.iss.text("iss", key)?;
        if issuer != ISSUER {
            let issuer = issuer.chars().take(100).collect();
            return Err(VerifyError::WrongIssuer { issuer, key });
        }
        self.check_times(claims, key, context.now)?;
        let signed = claims.sub.text("sub", key)?;
        context
            .url
            .check(signed, context.head)
            .map_err(|it| match it.expected {
                Some(expected) => VerifyError::WrongUrl {
                    expected,
                    signed: it.signed,
                    key,
                },
                None => VerifyError::UnknownUrl {
                    signed: it.signed,
                    key,
                },
            })?;
        if !matches!(claims.jti, Field::Missing) {
            claims.jti.text("jti", key)?;
        }
        let hash = claims.body.text("body", key)?;
        if is_hash_of(hash, context.body) {
            Ok(())
        } else {
            Err(VerifyError::BodyMismatch { key })
        }
    }

    fn check_times(
        &self,
        claims: &RawClaims<'_>,
        key: KeyName,
        now: Timestamp,
    ) -> Result<(), VerifyError> {
        let now = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        let tolerance = &self.tolerance;
        let expires_at = claims.exp.millis("exp", key)?;
        // At exactly `exp` the token is expired, as for PyJWT and jose.
        if now >= expires_at.saturating_add(millis(tolerance.expiry)) {
            let ago = between(expires_at, now);
            return Err(VerifyError::Expired { ago, key });
        }
        let not_before = claims.nbf.millis("nbf", key)?;
        if not_before > now.saturating_add(millis(tolerance.not_before)) {
            let early = between(now, not_before);
            return Err(VerifyError::NotYetValid { early, key });
        }
        let issued_at = claims.iat.millis("iat", key)?;
        if issued_at > now.saturating_add(millis(tolerance.issued_ahead)) {
            let ahead = between(now, issued_at);
            return Err(VerifyError::IssuedInFuture { ahead, key });
        }
        let age = between(issued_at, now);
        match self.max_age {
            Some(max_age) if age > max_age.saturating_add(tolerance.expiry) => {
                Err(VerifyError::TooOld { age, max_age, key })
            }
            _ => Ok(()),
        }
    }
}

/// Says what is wrong with a token that cannot be taken apart: if it says so, that it has another algorithm, which
/// makes tags of another length.
fn malformed(token: &str) -> VerifyError {
    let mut parts = token.split('.');
    let header = parts.next().and_then(Header::decode);
    match header {
        Some(header) if !header.is_hs256() && parts.count() == 2 => VerifyError::Algorithm,
        _ => {
            VerifyError::MalformedToken("it is not three parts of base64url, the last of 32 bytes")
        }
    }
}

fn check_header(protected: &str) -> Result<(), VerifyError> {
    if protected == jws::HEADER {
        return Ok(());
    }
    let header = Header::decode(protected).ok_or(VerifyError::MalformedToken(
        "its header is not a JSON object with distinct names in base64url",
    ))?;
    if !header.is_hs256() {
        return Err(VerifyError::Algorithm);
    }
    if !header.is_jwt() {
        return Err(VerifyError::TokenType);
    }
    Ok(())
}

/// Whether `claim` is the SHA-256 of `body` in base64url, with or without its one `=`.
fn is_hash_of(claim: &str, body: &[u8]) -> bool {
    let mut text = [0; 43];
    let hash = Sha256::digest(body);
    let length = URL_SAFE_NO_PAD.encode_slice(hash, &mut text);
    debug_assert_eq!(length, Ok(text.len()));
    claim.strip_suffix('=').unwrap_or(claim).as_bytes() == text
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn between(earlier: i64, later: i64) -> Duration {
    Duration::from_millis(u64::try_from(later.saturating_sub(earlier)).unwrap_or(0))
}
