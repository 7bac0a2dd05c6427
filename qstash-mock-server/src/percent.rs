//! Percent-decoding, for queries, segments of paths and credentials.

/// Decodes a name or value of a query, in which `+` is a blank. `None` if it is malformed or not UTF-8.
pub(crate) fn query_text(text: &str) -> Option<String> {
    String::from_utf8(bytes(text, true)?).ok()
}

/// Decodes a segment of a path. `None` if it is malformed or not UTF-8.
pub(crate) fn segment(text: &str) -> Option<String> {
    String::from_utf8(bytes(text, false)?).ok()
}

fn bytes(text: &str, plus_is_blank: bool) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' if plus_is_blank => b' ',
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let (high, low) = (digit(bytes.next()?)?, digit(bytes.next()?)?);
                u8::try_from(high * 16 + low).ok()?
            }
            plain => plain,
        });
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plus_is_a_blank_in_queries_only() {
        assert_eq!(query_text("a%2Bb+%C3%A4").unwrap(), "a+b ä");
        assert_eq!(segment("a%2Bb+%C3%A4").unwrap(), "a+b+ä");
    }

    #[test]
    fn what_is_broken_is_nothing() {
        for broken in ["%", "%4", "%zz", "%4z", "%ff", "%c3"] {
            assert_eq!(query_text(broken), None, "{broken}");
            assert_eq!(segment(broken), None, "{broken}");
        }
    }
}
