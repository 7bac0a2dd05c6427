//! The two ways in which QStash signs.

use std::fmt;

use http::HeaderName;

/// The way in which a request is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// v1 signs with `QStash-Signature`, the hexadecimal HMAC-SHA256 of the body (v1.md section 5).
    Hmac,
    /// v2 signs with `Upstash-Signature`, a JWT with HS256 (v2.md section 4).
    Jwt,
}

impl Scheme {
    /// Returns the name of the header that carries the signature.
    #[must_use]
    pub const fn header(self) -> HeaderName {
        HeaderName::from_static(self.header_name())
    }

    pub(crate) const fn header_name(self) -> &'static str {
        match self {
            Self::Hmac => "qstash-signature",
            Self::Jwt => "upstash-signature",
        }
    }
}

/// Writes the header's name as people write it.
impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hmac => "QStash-Signature",
            Self::Jwt => "Upstash-Signature",
        })
    }
}
