//! Why a request is not trusted, and why a verifier cannot be made.

use std::fmt;
use std::time::Duration;

use http::StatusCode;

use crate::{KeyName, Region, Scheme, SigningKey};

/// Why a request is not trusted; or is, and is not what the handler takes. Never contains a key or a token; what it
/// repeats of a token's claims was signed with one of the configured keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The request carries no signature.
    #[error(
        "the request has neither a `QStash-Signature` nor an `Upstash-Signature` header, ignored ones aside"
    )]
    MissingSignature,
    /// A header that can only be there once is there twice: two parties might read two different ones.
    #[error("the request has more than one `{header}` header")]
    RepeatedHeader {
        /// Its name, in lower case.
        header: &'static str,
    },
    /// The request is signed in a way for which there is no key. Ignoring it would let everybody add one.
    #[error(
        "the request has a `{0}` header, but no key for it is configured; give one, or `ignore` the header"
    )]
    SchemeNotConfigured(Scheme),
    /// v1: the header is not 64 lower-case hexadecimal digits.
    #[error("`QStash-Signature` is not 64 lower-case hexadecimal digits")]
    MalformedSignature,
    /// v1: no key makes this signature of this body.
    #[error(
        "`QStash-Signature` does not fit the body under any of {keys} configured secrets; is it the sender's \
         secret, and was the body read as the exact bytes that were sent (not parsed and written again as JSON)?"
    )]
    Mismatch {
        /// How many were tried.
        keys: usize,
    },
    /// v2: the header is not a token.
    #[error("`Upstash-Signature` is not a token: {0}")]
    MalformedToken(&'static str),
    /// v2: the token's header does not say HS256, whatever else it says.
    #[error("the token's algorithm is not HS256")]
    Algorithm,
    /// v2: the token's header does not say that it is a JWT.
    #[error("the token's type is not `JWT`")]
    TokenType,
    /// v2: no key made this token.
    #[error(
        "no configured signing key made this token ({keys} tried{}); were the keys rotated, or are they those of \
         another region or account?", Of(*region)
    )]
    TokenSignature {
        /// How many were tried.
        keys: usize,
        /// What the header `Upstash-Region` says.
        region: Option<Region>,
    },
    /// v2: a claim is not there.
    #[error("the token, made with {key}, has no claim `{claim}`")]
    MissingClaim {
        /// Its name.
        claim: &'static str,
        /// The key that made the token.
        key: KeyName,
    },
    /// v2: a claim is there but is no number, or no text, where it has to be one.
    #[error("the token, made with {key}, has a claim `{claim}` of the wrong type")]
    MalformedClaim {
        /// Its name.
        claim: &'static str,
        /// The key that made the token.
        key: KeyName,
    },
    /// v2: `iss` is not `Upstash`.
    #[error("the token, made with {key}, was issued by {issuer:?}, not by \"Upstash\"")]
    WrongIssuer {
        /// The claim, cut to 100 characters.
        issuer: String,
        /// The key that made the token.
        key: KeyName,
    },
    /// v2: `exp` is past, tolerance included.
    #[error("the token expired {} ago under {key}", Seconds(*ago))]
    Expired {
        /// For how long. Zero at exactly `exp`, the first moment at which it counts no more.
        ago: Duration,
        /// The key that made the token.
        key: KeyName,
    },
    /// v2: `nbf` is to come, tolerance included.
    #[error("the token, made with {key}, counts only in {}; does this machine's clock lag?", Seconds(*early))]
    NotYetValid {
        /// How much too early it is.
        early: Duration,
        /// The key that made the token.
        key: KeyName,
    },
    /// v2: `iat` is to come, tolerance included.
    #[error("the token, made with {key}, is from {} in the future; does this machine's clock lag?", Seconds(*ahead))]
    IssuedInFuture {
        /// How far ahead it is.
        ahead: Duration,
        /// The key that made the token.
        key: KeyName,
    },
    /// v2: `iat` is longer ago than the configured maximum age, tolerance included.
    #[error("the token, made with {key}, is {} old; at most {} are accepted", Seconds(*age), Seconds(*max_age))]
    TooOld {
        /// How old it is.
        age: Duration,
        /// How old it may be.
        max_age: Duration,
        /// The key that made the token.
        key: KeyName,
    },
    /// v2: `sub` is another URL. Either the request was meant for somebody else, or the verifier does not know
    /// its own public URL.
    #[error("the token, made with {key}, is for {signed}, but this is {expected}")]
    WrongUrl {
        /// The URL of this request, as configured.
        expected: String,
        /// The URL that was signed, without user and password, cut to 500 characters.
        signed: String,
        /// The key that made the token.
        key: KeyName,
    },
    /// v2: `body` is the hash of other bytes.
    #[error(
        "the body is not the one that was signed with {key}; was it read as the exact bytes that were sent \
         (not parsed and written again as JSON)?"
    )]
    BodyMismatch {
        /// The key that made the token.
        key: KeyName,
    },
    /// The body is over the verifier's limit.
    #[error("the body has more than {limit} bytes")]
    BodyTooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The connection broke before the body was complete. Only adapters report it.
    #[error("the body could not be read to its end")]
    UnreadableBody,
    /// The request is trusted, but the handler cannot make sense of it: its body is no JSON, or JSON of another
    /// shape. Only adapters report it.
    #[error("the verified request could not be decoded to what the handler takes")]
    Undecodable,
    /// The request is trusted, but the handler takes another content type. Only adapters report it.
    #[error("the verified request's `Content-Type` is not what the handler takes")]
    ContentType,
}

impl VerifyError {
    /// What adapters answer: 413 over the limit, 400 for a body that broke off or is trusted and cannot be decoded,
    /// 415 for one that is trusted and of the wrong content type, 401 for everything else.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnreadableBody | Self::Undecodable => StatusCode::BAD_REQUEST,
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            _ => StatusCode::UNAUTHORIZED,
        }
    }

    /// The key that made the token, where one did: who sent it knows a key, and something else is wrong.
    #[must_use]
    pub const fn key(&self) -> Option<KeyName> {
        match self {
            Self::MissingClaim { key, .. }
            | Self::MalformedClaim { key, .. }
            | Self::WrongIssuer { key, .. }
            | Self::Expired { key, .. }
            | Self::NotYetValid { key, .. }
            | Self::IssuedInFuture { key, .. }
            | Self::TooOld { key, .. }
            | Self::WrongUrl { key, .. }
            | Self::BodyMismatch { key } => Some(*key),
            _ => None,
        }
    }
}

/// Why a secret is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// An empty secret would let everybody sign.
    #[error("a signing secret must not be empty")]
    Empty,
    /// Too short to be a secret.
    #[error("a signing secret must have at least {} bytes", SigningKey::MIN_LEN)]
    TooShort,
}

/// Why a verifier cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No key was given: nothing could ever be verified.
    #[error("a verifier needs at least one signing secret or signing key")]
    NoKey,
    /// As [`ConfigError::NoKey`], of a verifier that looked into the environment.
    #[error(
        "none of QSTASH_SIGNING_SECRET, QSTASH_CURRENT_SIGNING_KEY, QSTASH_NEXT_SIGNING_KEY and their regional \
         forms (US_EAST_1_QSTASH_…, EU_CENTRAL_1_QSTASH_…) is set"
    )]
    NoKeyInEnvironment,
    /// A key is unusable.
    #[error("{name} is unusable")]
    Key {
        /// The key's name, or that of the environment variable.
        name: String,
        /// What is wrong with it.
        #[source]
        source: KeyError,
    },
    /// An environment variable is not Unicode.
    #[error("the environment variable {0} is not Unicode")]
    Variable(String),
    /// A URL is not one.
    #[error("{field} must be {expected}")]
    Url {
        /// Which one.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// v2 signatures are bound to a URL, and the verifier was not told which is its own.
    #[error(
        "signing keys need `public_origin` or `expected_url`: without, a request signed for one route could be \
         replayed on another"
    )]
    NoUrl,
    /// More than one of `expected_url`, `public_origin` and `dangerously_accept_any_url` was called.
    #[error("the URL to expect was given more than once")]
    ManyUrls,
    /// Keys were given for a header that is to be ignored.
    #[error("there are keys for `{0}`, which is to be ignored")]
    IgnoredKey(Scheme),
}

/// Seconds, with milliseconds where there are any.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.subsec_millis() {
            0 => write!(f, "{} s", self.0.as_secs()),
            millis => write!(f, "{}.{millis:03} s", self.0.as_secs()),
        }
    }
}

struct Of(Option<Region>);

impl fmt::Display for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => Ok(()),
            Some(region) => write!(f, ", the request is from {region}"),
        }
    }
}
