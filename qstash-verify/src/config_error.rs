//! Why a verifier cannot be made, and why its keys cannot be exchanged.

use crate::{Scheme, SigningKey};

/// Why a secret is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The secret is empty. It would let everybody sign.
    #[error("a signing secret must not be empty")]
    Empty,
    /// The secret is too short.
    #[error("a signing secret must have at least {} bytes", SigningKey::MIN_LEN)]
    TooShort,
    /// The secret begins with a byte-order mark, as some editors write it into files.
    #[error("the secret begins with a byte-order mark; save it as UTF-8 without one")]
    ByteOrderMark,
    /// The secret begins or ends with white space, or has a line end, as a file or a pasted text does.
    #[error("the secret begins or ends with white space or has a line end; cut that off")]
    Blank,
    /// The secret stands in quotes. They are for a shell; where no shell reads them, they become part of the secret.
    #[error("the secret stands in quotes, which would be part of it; leave them out")]
    Quoted,
    /// This is no secret but a token for the API: QStash's, or another JWT.
    #[error("this is an API token, such as the value of QSTASH_TOKEN, and no signing secret")]
    Token,
    /// This is no signing key of v2. All of them start with `sig_`.
    #[error("this is no signing key of QStash: those start with `sig_`")]
    NotASigningKey,
}

/// Why a verifier cannot be made, or its keys cannot be exchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No key was given, so nothing could ever be verified.
    #[error("a verifier needs at least one signing secret or signing key")]
    NoKey,
    /// No key was given, and the environment or the text with variables names none.
    #[error(
        "none of QSTASH_SIGNING_SECRET, QSTASH_PREVIOUS_SIGNING_SECRET, QSTASH_CURRENT_SIGNING_KEY, \
         QSTASH_NEXT_SIGNING_KEY and their regional forms (US_EAST_1_QSTASH_…, EU_CENTRAL_1_QSTASH_…) is set"
    )]
    NoKeyInEnvironment,
    /// A key cannot be used.
    #[error("{name} cannot be used")]
    Key {
        /// The name of the key or of its environment variable.
        name: String,
        /// Why the key cannot be used.
        #[source]
        source: KeyError,
    },
    /// A text with variables has a line that cannot be read.
    #[error("line {number} {problem}")]
    Line {
        /// The line's number, counted from 1.
        number: usize,
        /// What is wrong with the line.
        problem: &'static str,
    },
    /// The value of this environment variable is not Unicode.
    #[error("the environment variable {0} is not Unicode")]
    Variable(String),
    /// A URL is not valid.
    #[error("{field} must be {expected}")]
    Url {
        /// The method that got the URL.
        field: &'static str,
        /// What the URL must be.
        expected: &'static str,
    },
    /// There are signing keys, but the verifier does not know its own URL, for which v2 tokens are signed.
    #[error(
        "signing keys need `public_origin`, `expected_url` or `expected_url_by`: without them, a request signed for \
         one route could be replayed on another"
    )]
    NoUrl,
    /// Two of `expected_url`, `public_origin`, `expected_url_by` and `dangerously_accept_any_url` were called, or one
    /// of the last two twice.
    #[error(
        "only one of `expected_url`, `public_origin`, `expected_url_by` and `dangerously_accept_any_url` can be \
         called; the first two can be called many times"
    )]
    ManyUrls,
    /// Keys were given for a header that is ignored.
    #[error("keys were given for `{0}`, but that header is ignored")]
    IgnoredKey(Scheme),
}
