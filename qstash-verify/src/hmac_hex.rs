//! The v1 header: hexadecimal digits of an HMAC-SHA256 (v1.md section 5).

use http::HeaderMap;

use crate::{Scheme, VerifyError};

/// The tag that the one signature header carries.
pub(crate) fn tag(headers: &HeaderMap) -> Result<[u8; 32], VerifyError> {
    let mut values = headers.get_all(Scheme::Hmac.header()).iter();
    let value = values.next().ok_or(VerifyError::Missing)?;
    if values.next().is_some() {
        return Err(VerifyError::Repeated);
    }
    decode(value.as_bytes()).ok_or(VerifyError::Malformed)
}

fn decode(text: &[u8]) -> Option<[u8; 32]> {
    let digits: &[u8; 64] = text.try_into().ok()?;
    let mut tag = [0; 32];
    for (byte, pair) in tag.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(tag)
}
