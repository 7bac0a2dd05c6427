//! Compact JSON Web Signatures with HS256 and nothing else (RFC 7515).
//!
//! The algorithm is never taken from the token. A header that names another algorithm is refused, so a token cannot
//! choose `none` or have a public key taken for a secret.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac;
use serde::Deserialize;

use crate::key::mac;

/// `{"alg":"HS256","typ":"JWT"}`, the header of every token that this crate makes.
pub(crate) const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// A tag of 32 bytes, in unpadded base64url.
const TAG_LEN: usize = 43;

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwsError {
    /// The token is not three parts of unpadded base64url, or the first part is not a JSON object.
    #[error("the token is not a compact JWS")]
    Malformed,
    /// The header does not say HS256, or it asks for an extension that this crate does not know.
    #[error("the token's algorithm is not HS256")]
    Algorithm,
    /// The key does not make this signature.
    #[error("the key does not make the token's signature")]
    Signature,
}

/// Signs `payload` and returns the token. The function takes a key of any length; make sure that yours is strong.
#[must_use]
pub fn sign_hs256(key: &[u8], payload: &[u8]) -> String {
    sign_with(payload, |signed| {
        mac(key).chain_update(signed).finalize().into_bytes().into()
    })
}

/// Makes the token of `payload`. `tag` signs its signing input.
pub(crate) fn sign_with(payload: &[u8], tag: impl FnOnce(&[u8]) -> [u8; 32]) -> String {
    let mut token = String::with_capacity(HEADER.len() + payload.len() / 3 * 4 + 49);
    token.push_str(HEADER);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut token);
    let tag = tag(token.as_bytes());
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(tag, &mut token);
    token
}

/// Returns the payload of `token` if `key` signed it. The claims in the payload are not checked.
///
/// # Errors
/// When the token is malformed, names another algorithm, or was signed with another key.
pub fn verify_hs256(key: &[u8], token: &str) -> Result<Vec<u8>, JwsError> {
    let token = Compact::split(token).ok_or(JwsError::Malformed)?;
    let payload = URL_SAFE_NO_PAD
        .decode(token.payload)
        .map_err(|_| JwsError::Malformed)?;
    mac(key)
        .chain_update(token.signed)
        .verify((&token.tag).into())
        .map_err(|_| JwsError::Signature)?;
    if token.protected != HEADER {
        let header = Header::decode(token.protected).ok_or(JwsError::Malformed)?;
        if !header.is_hs256() {
            return Err(JwsError::Algorithm);
        }
    }
    Ok(payload)
}

/// A token taken apart. Nothing of it is trusted yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Compact<'a> {
    /// What is signed: header and payload with the dot between them.
    pub(crate) signed: &'a str,
    pub(crate) protected: &'a str,
    pub(crate) payload: &'a str,
    pub(crate) tag: [u8; 32],
}

impl<'a> Compact<'a> {
    /// Returns `None` if the token does not have at least three parts, the last of which is 32 bytes in unpadded
    /// base64url. More parts are noticed when the payload is decoded, because a dot is no digit of base64url.
    pub(crate) fn split(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.split_at_checked(token.len().checked_sub(1 + TAG_LEN)?)?;
        let (protected, payload) = signed.split_once('.')?;
        // A little more room than 32 bytes take, so that the decoder never wants for it.
        let mut buffer = [0; 36];
        let signature = signature.strip_prefix('.')?;
        let length = URL_SAFE_NO_PAD.decode_slice(signature, &mut buffer).ok()?;
        let tag = buffer[..length].try_into().ok()?;
        Some(Self {
            signed,
            protected,
            payload,
            tag,
        })
    }
}

/// The protected header. A name that occurs twice is refused, because two readers might see two tokens.
#[derive(Debug, Deserialize)]
pub(crate) struct Header {
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default)]
    crit: Option<serde::de::IgnoredAny>,
}

impl Header {
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let json = URL_SAFE_NO_PAD.decode(text).ok()?;
        from_object(&json)
    }

    /// Whether the header says HS256 and asks for no extension (RFC 7515 section 4.1.11).
    pub(crate) fn is_hs256(&self) -> bool {
        self.alg.as_deref() == Some("HS256") && self.crit.is_none()
    }

    pub(crate) fn is_jwt(&self) -> bool {
        self.typ.as_deref() == Some("JWT")
    }
}

/// Reads a JSON object. An array, which serde would take for a structure as well, is refused.
fn from_object<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Option<T> {
    serde_json::from_str(object(json)?).ok()
}

/// Returns `json` if it may be a JSON object: its first character is a brace. UTF-8 is checked here and once, rather
/// than by the parser for each text.
pub(crate) fn object(json: &[u8]) -> Option<&str> {
    let json = std::str::from_utf8(json).ok()?;
    json.trim_ascii_start().starts_with('{').then_some(json)
}
