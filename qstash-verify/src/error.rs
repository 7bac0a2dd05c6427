//! Why a request is not trusted, and why a key is not one.

/// Why a request is not trusted. Never contains a key or a whole signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The request carries no signature.
    #[error("the request has no `QStash-Signature` header")]
    Missing,
    /// The header is there twice: two parties might read two different ones.
    #[error("the request has more than one `QStash-Signature` header")]
    Repeated,
    /// The header is not 64 hexadecimal digits.
    #[error("the signature is not 64 hexadecimal digits")]
    Malformed,
    /// No key makes this signature of this body.
    #[error(
        "the signature does not fit the body under any configured key; was the body read as the exact bytes that were sent?"
    )]
    Mismatch,
}

/// Why a secret is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// No key was given: nothing could ever be verified.
    #[error("a verifier needs at least one signing secret")]
    None,
    /// An empty secret would let everybody sign.
    #[error("a signing secret must not be empty")]
    Empty,
    /// Too short to be a secret.
    #[error(
        "a signing secret must have at least {} bytes",
        crate::SigningKey::MIN_LEN
    )]
    TooShort,
}
