//! Why a request is refused.

use std::fmt;
use std::time::Duration;

use http::StatusCode;

use crate::{KeyName, Region, Scheme};

/// Why a request is refused: it fails verification, or an adapter cannot give it to the handler although it is
/// verified.
///
/// The error never contains a key or a token. What it repeats of a token's claims was signed with one of the configured
/// keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The request carries no signature.
    #[error(
        "the request has neither a `QStash-Signature` nor an `Upstash-Signature` header (ignored headers do not count)"
    )]
    MissingSignature,
    /// A header that may occur once occurs twice. Two parties might read two different values.
    #[error("the request has more than one `{header}` header")]
    RepeatedHeader {
        /// The header's name, in lower case.
        header: &'static str,
    },
    /// The request is signed in a way for which no key is configured. To ignore the header would let everybody add one.
    #[error(
        "the request has a `{0}` header, but no key for it is configured; give one, or `ignore` the header"
    )]
    SchemeNotConfigured(Scheme),
    /// The v1 header is not 64 lower-case hexadecimal digits.
    #[error("`QStash-Signature` is not 64 lower-case hexadecimal digits")]
    MalformedSignature,
    /// No configured secret makes this v1 signature of this body.
    #[error(
        "`QStash-Signature` does not fit the body under any of {keys} configured secrets; is it the sender's \
         secret, and was the body read as the exact bytes that were sent (not parsed and written again as JSON)?"
    )]
    Mismatch {
        /// How many secrets were tried.
        keys: usize,
    },
    /// The v2 header is not a token.
    #[error("`Upstash-Signature` is not a token: {0}")]
    MalformedToken(&'static str),
    /// The v2 token's header does not say HS256.
    #[error("the token's algorithm is not HS256")]
    Algorithm,
    /// The v2 token's header does not say that the token is a JWT.
    #[error("the token's type is not `JWT`")]
    TokenType,
    /// No configured key signed this v2 token.
    #[error(
        "no configured signing key made this token ({keys} tried{}); were the keys rotated, or are they those of \
         another region or account?", Of(*region)
    )]
    TokenSignature {
        /// How many keys were tried.
        keys: usize,
        /// The region that the header `Upstash-Region` names.
        region: Option<Region>,
    },
    /// The v2 token lacks a claim.
    #[error("the token, made with {key}, has no claim `{claim}`")]
    MissingClaim {
        /// The claim's name.
        claim: &'static str,
        /// The key that signed the token.
        key: KeyName,
    },
    /// A claim of the v2 token is not a number, or not text, as it has to be.
    #[error("the token, made with {key}, has a claim `{claim}` of the wrong type")]
    MalformedClaim {
        /// The claim's name.
        claim: &'static str,
        /// The key that signed the token.
        key: KeyName,
    },
    /// The v2 token was not issued by `Upstash` (claim `iss`).
    #[error("the token, made with {key}, was issued by {issuer:?}, not by \"Upstash\"")]
    WrongIssuer {
        /// The claim, cut to 100 characters.
        issuer: String,
        /// The key that signed the token.
        key: KeyName,
    },
    /// The v2 token has expired (claim `exp`, tolerance included).
    #[error("the token, made with {key}, expired {} ago", Seconds(*ago))]
    Expired {
        /// How long ago the token expired. Zero at exactly `exp`, the first moment at which the token is no longer
        /// valid.
        ago: Duration,
        /// The key that signed the token.
        key: KeyName,
    },
    /// The v2 token is not valid yet (claim `nbf`, tolerance included).
    #[error("the token, made with {key}, becomes valid in {}; is this machine's clock slow?", Seconds(*early))]
    NotYetValid {
        /// How long it takes until the token becomes valid.
        early: Duration,
        /// The key that signed the token.
        key: KeyName,
    },
    /// The v2 token was issued in the future (claim `iat`, tolerance included).
    #[error("the token, made with {key}, was issued {} in the future; is this machine's clock slow?", Seconds(*ahead))]
    IssuedInFuture {
        /// How far in the future the token was issued.
        ahead: Duration,
        /// The key that signed the token.
        key: KeyName,
    },
    /// The v2 token is older than the configured maximum age (claim `iat`, tolerance included).
    #[error("the token, made with {key}, is {} old; at most {} are accepted", Seconds(*age), Seconds(*max_age))]
    TooOld {
        /// The token's age.
        age: Duration,
        /// The configured maximum age.
        max_age: Duration,
        /// The key that signed the token.
        key: KeyName,
    },
    /// The v2 token is for another URL (claim `sub`). Either the request was meant for somebody else, or the verifier
    /// was told the wrong public URL.
    #[error("the token, made with {key}, is for {signed}, but this is {expected}")]
    WrongUrl {
        /// The URL of this request, by the verifier's configuration. If there are several, it is the nearest.
        expected: String,
        /// The URL that was signed. Both URLs are in ASCII, without user, password and fragment, and cut to 500
        /// characters around the place where they differ; a query that is not what differs is `?…`.
        signed: String,
        /// The key that signed the token.
        key: KeyName,
    },
    /// The v2 token is for some URL (claim `sub`), but that of the request is not known: the verifier was given headers
    /// alone, or the function of `expected_url_by` returned nothing.
    #[error(
        "the token, made with {key}, is for {signed}, but the verifier was not told the URL of this request"
    )]
    UnknownUrl {
        /// The URL that was signed, as in [`WrongUrl`](Self::WrongUrl).
        signed: String,
        /// The key that signed the token.
        key: KeyName,
    },
    /// The v2 token was signed for another body (claim `body`).
    #[error(
        "the body is not the one that was signed with {key}; was it read as the exact bytes that were sent \
         (not parsed and written again as JSON)?"
    )]
    BodyMismatch {
        /// The key that signed the token.
        key: KeyName,
    },
    /// The body is larger than the verifier's limit.
    #[error("the body has more than {limit} bytes")]
    BodyTooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The body is larger than a limit that something in front of the adapter has set, such as a layer of tower-http.
    /// Only adapters report it.
    #[error("the body is over a limit that was set in front of the verifier; raise it there")]
    BodyTooLargeInFront,
    /// The connection broke before the body was complete. Only adapters report it.
    #[error("the body could not be read to its end")]
    UnreadableBody,
    /// The request is verified, but the handler cannot decode its body, which is not JSON or JSON of another shape.
    /// Only adapters report it.
    #[error("the verified request could not be decoded into what the handler takes")]
    Undecodable {
        /// What the decoder says, as far as the adapter sees it. It may repeat parts of the body, so mind where you
        /// show it.
        detail: String,
    },
    /// The request is verified, but the handler does not take its content type. Only adapters report it.
    #[error("the verified request's `Content-Type` is not what the handler takes")]
    ContentType {
        /// What the decoder says, as far as the adapter sees it.
        detail: String,
    },
}

impl VerifyError {
    /// Returns the status that adapters answer: 413 for a body over a limit, 400 for a body that broke off or that is
    /// verified and cannot be decoded, 415 for a verified body of the wrong content type, and 401 for everything else.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::BodyTooLarge { .. } | Self::BodyTooLargeInFront => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnreadableBody | Self::Undecodable { .. } => StatusCode::BAD_REQUEST,
            Self::ContentType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            _ => StatusCode::UNAUTHORIZED,
        }
    }

    /// Returns the key that signed the token, if one did. Then the sender has a key, and something else is wrong.
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
            | Self::UnknownUrl { key, .. }
            | Self::BodyMismatch { key } => Some(*key),
            _ => None,
        }
    }

    /// Whether other keys might accept the request.
    pub(crate) const fn is_of_unknown_key(&self) -> bool {
        matches!(
            self,
            Self::SchemeNotConfigured(_) | Self::Mismatch { .. } | Self::TokenSignature { .. }
        )
    }

    /// Returns what the operator can do, if the sender has a key and something else is wrong. It is for the log, not
    /// for the caller.
    #[must_use]
    pub const fn advice(&self) -> Option<&'static str> {
        Some(match self {
            Self::WrongUrl { .. } => {
                "if it was meant for this service, set `public_origin`, `expected_url` or what the function of \
                 `expected_url_by` returns to what the publisher calls"
            }
            Self::UnknownUrl { .. } => {
                "give `verify` the request's URI, or return this URL from the function of `expected_url_by`"
            }
            Self::Expired { .. } => {
                "is this machine's clock fast, or was the request held up for minutes? set the clock, or \
                 `expiry_tolerance`; a request that is replayed later looks the same"
            }
            Self::NotYetValid { .. } => "set this machine's clock, or `not_before_tolerance`",
            Self::IssuedInFuture { .. } => "set this machine's clock, or `issued_ahead_tolerance`",
            Self::TooOld { .. } => "set `max_age` to what a delivery may take",
            Self::BodyMismatch { .. } => {
                "verify the body before anything decodes, decompresses or writes it again"
            }
            Self::MissingClaim { .. } | Self::MalformedClaim { .. } | Self::WrongIssuer { .. } => {
                "another program signs with this key; QStash makes no such token"
            }
            Self::Undecodable { .. } | Self::ContentType { .. } => {
                "let the publisher and the handler agree on the body; QStash delivers it again until its retries end"
            }
            _ => return None,
        })
    }
}

/// Writes seconds, with milliseconds if there are any.
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
