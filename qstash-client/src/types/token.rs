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
    /// [`Config`](crate::ErrorKind::Config) when the text is empty or holds anything but visible ASCII. The error does
    /// not repeat the text.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::config(
                "the token must be visible ASCII characters and not empty",
            ));
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
        let error = Token::parse("s3cret with blanks").expect_err("blanks");
        assert!(!format!("{error} {error:?}").contains("s3cret"));
        // From a file that ends with a line break.
        let error = Token::parse("s3cret\n").expect_err("a line break");
        assert!(!format!("{error} {error:?}").contains("s3cret"));
        assert!(Token::parse("").is_err());
    }
}
