//! The v1 header: an HMAC-SHA256 in lower-case hexadecimal digits (v1.md section 5).

/// Returns the tag that the header carries, or `None` if the header is not 64 lower-case hexadecimal digits. Each tag
/// has one spelling, so that no other header than the one that was sent is accepted.
pub(crate) fn decode(text: &[u8]) -> Option<[u8; 32]> {
    let digits: &[u8; 64] = text.try_into().ok()?;
    let mut tag = [0; 32];
    for (byte, pair) in tag.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(tag)
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}
