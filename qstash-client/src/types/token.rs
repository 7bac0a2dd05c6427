//! The API token.

use http::HeaderValue;

use crate::error::Error;

/// A bearer token. Neither `Debug` nor any log shows it.
#[derive(Clone)]
pub struct Token(HeaderValue);

impl Token {
    /// Checks that an `Authorization` header can carry the text.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) when the text is empty or holds quotes, blanks, line ends or anything else
    /// but visible ASCII. The error names the rule and does not repeat the text.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if let Some(fault) = fault(text) {
            return Err(Error::config(format!("the token {fault}")));
        }
        let line = zeroize::Zeroizing::new(format!("Bearer {text}"));
        let mut value = HeaderValue::from_str(&line)
            .map_err(|_| Error::config("the token cannot be sent in a header"))?;
        value.set_sensitive(true);
        Ok(Self(value))
    }

    /// Returns the value of the `Authorization` header, marked sensitive.
    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// Says what is wrong with a token, and nothing of its text. The faults that come from copying go first.
pub(crate) fn fault(text: &str) -> Option<&'static str> {
    let first_is = |name: &str| {
        text.get(..name.len())
            .is_some_and(|it| it.eq_ignore_ascii_case(name))
    };
    if text.trim().is_empty() {
        Some("is empty")
    } else if text.contains([
        '"', '\'', '`', '\u{201c}', '\u{201d}', '\u{2018}', '\u{2019}',
    ]) {
        Some("holds quotes; give it without them")
    } else if text.contains(['\r', '\n']) {
        Some("holds a line end; give it without one")
    } else if first_is("Bearer ") {
        Some("begins with the word `Bearer`; give what follows it")
    } else if text.contains(char::is_whitespace) {
        Some("holds a blank; give it without blanks")
    } else if !text.bytes().all(|b| b.is_ascii_graphic()) {
        Some("holds a character that is not visible ASCII")
    } else {
        None
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_never_shown() {
        let token = Token::parse("s3cret").expect("valid");
        assert_eq!(
            format!("{token:?} {:?}", token.header()),
            "Token(..) Sensitive"
        );
    }

    #[test]
    fn a_token_that_was_copied_wrongly_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", "empty"),
            (" \n", "empty"),
            ("\"s3cret\"", "quotes"),
            ("'s3cret'", "quotes"),
            ("s3cret\"", "quotes"),
            ("\u{201c}s3cret\u{201d}", "quotes"),
            ("s3cret\n", "line end"),
            ("s3cret\r\n", "line end"),
            ("Bearer s3cret", "Bearer"),
            ("s3 cret", "blank"),
            (" s3cret", "blank"),
            ("s3cret\t", "blank"),
            ("s3cret\u{a0}", "blank"),
            ("s3cret\u{7f}", "ASCII"),
            ("s3cr\u{e9}t", "ASCII"),
        ] {
            let error = Token::parse(text).expect_err("a bad token");
            let shown = format!("{error} {error:?}");
            assert!(shown.contains(reason), "{text:?}: {shown}");
            assert!(!shown.contains("s3"), "{shown}");
        }
        assert!(Token::parse("eyJVc2VyIjoiYSJ9+/=-_.~").is_ok());
    }
}
