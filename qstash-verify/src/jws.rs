//! Compact JSON Web Signatures with HS256 and nothing else (RFC 7515).
//!
//! The algorithm is never taken from the token: a header that names another one is refused, so `none`
//! and public-key confusion have no place to begin.

use base64ct::{Base64UrlUnpadded, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// Why a token is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwsError {
    /// Not three parts of unpadded base64url.
    #[error("the token is not a compact JWS")]
    Malformed,
    /// The header does not say HS256.
    #[error("the token's algorithm is not HS256")]
    Algorithm,
    /// The signature does not fit.
    #[error("the token's signature does not fit")]
    Signature,
}

/// Signs `payload`.
#[must_use]
pub fn sign_hs256(key: &[u8], payload: &[u8]) -> String {
    let mut token = Base64UrlUnpadded::encode_string(HEADER.as_bytes());
    token.push('.');
    token.push_str(&Base64UrlUnpadded::encode_string(payload));
    let tag = mac(key).chain_update(&token).finalize().into_bytes();
    token.push('.');
    token.push_str(&Base64UrlUnpadded::encode_string(&tag));
    token
}

/// The payload of `token`, if `key` signed it. What the payload claims is not looked at.
///
/// # Errors
/// The token is malformed, names another algorithm, or was signed with another key.
pub fn verify_hs256(key: &[u8], token: &str) -> Result<Vec<u8>, JwsError> {
    let decode = |part| Base64UrlUnpadded::decode_vec(part).map_err(|_| JwsError::Malformed);
    let (signed, tag) = token.rsplit_once('.').ok_or(JwsError::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(JwsError::Malformed)?;
    let (header, payload, tag) = (decode(header)?, decode(payload)?, decode(tag)?);
    mac(key)
        .chain_update(signed)
        .verify_slice(&tag)
        .map_err(|_| JwsError::Signature)?;
    let claims_hs256 = std::str::from_utf8(&header).is_ok_and(|header| {
        let compact: String = header.chars().filter(|c| !c.is_whitespace()).collect();
        compact.contains(r#""alg":"HS256""#) && compact.matches(r#""alg""#).count() == 1
    });
    claims_hs256.then_some(payload).ok_or(JwsError::Algorithm)
}

fn mac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}
