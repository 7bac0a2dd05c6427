//! The claims of a token: a JSON object, read without copying it.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::{KeyName, Timestamp, VerifyError, jws};

/// The claims of a verified token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claims {
    /// `iss`: who made the token.
    pub issuer: String,
    /// `sub`: the URL that QStash called.
    pub subject: String,
    /// `exp`: when the token expires.
    pub expires_at: Timestamp,
    /// `nbf`: before when the token is not valid.
    pub not_before: Timestamp,
    /// `iat`: when the token was made.
    pub issued_at: Timestamp,
    /// `jti`: the token's id, which is new at each attempt.
    pub id: Option<String>,
    /// `body`: the hash of the body, as the token writes it.
    pub body: String,
}

impl Claims {
    /// Reads the claims of a payload that was accepted before.
    pub(crate) fn decode(payload: &str) -> Option<Self> {
        let json = URL_SAFE_NO_PAD.decode(payload).ok()?;
        let mut raw = RawClaims::default();
        raw.read(&json)?;
        let time = |field: &Field<'_>| match field {
            Field::Millis(millis) => u64::try_from(*millis).ok().map(Timestamp::from_millis),
            _ => None,
        };
        let text = |field: &Field<'_>| match field {
            Field::Text(text) => Some(text.to_string()),
            _ => None,
        };
        Some(Self {
            issuer: text(&raw.iss)?,
            subject: text(&raw.sub)?,
            expires_at: time(&raw.exp)?,
            not_before: time(&raw.nbf).unwrap_or_default(),
            issued_at: time(&raw.iat).unwrap_or_default(),
            id: text(&raw.jti),
            body: text(&raw.body)?,
        })
    }
}

/// The claims as the token writes them. A name that occurs twice is refused, and unknown names are ignored.
#[derive(Debug, Default)]
pub(crate) struct RawClaims<'a> {
    pub(crate) iss: Field<'a>,
    pub(crate) sub: Field<'a>,
    pub(crate) exp: Field<'a>,
    pub(crate) nbf: Field<'a>,
    pub(crate) iat: Field<'a>,
    pub(crate) jti: Field<'a>,
    pub(crate) body: Field<'a>,
}

impl<'a> RawClaims<'a> {
    /// Reads the claims in place: what serde derives moves all of them several times, which takes as long as reading
    /// them.
    pub(crate) fn read(&mut self, json: &'a [u8]) -> Option<()> {
        let mut json = serde_json::Deserializer::from_str(jws::object(json)?);
        (&mut json).deserialize_map(ClaimsVisitor(self)).ok()?;
        json.end().ok()
    }
}

struct ClaimsVisitor<'c, 'a>(&'c mut RawClaims<'a>);

impl<'de> Visitor<'de> for ClaimsVisitor<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("claims")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let claims = self.0;
        while let Some(name) = entries.next_key()? {
            let field = match name {
                Name::Iss => &mut claims.iss,
                Name::Sub => &mut claims.sub,
                Name::Exp => &mut claims.exp,
                Name::Nbf => &mut claims.nbf,
                Name::Iat => &mut claims.iat,
                Name::Jti => &mut claims.jti,
                Name::Body => &mut claims.body,
                Name::Unknown => {
                    entries.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            if !matches!(field, Field::Missing) {
                return Err(serde::de::Error::custom("a claim occurs twice"));
            }
            *field = entries.next_value()?;
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, serde::Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Name {
    Iss,
    Sub,
    Exp,
    Nbf,
    Iat,
    Jti,
    Body,
    #[serde(other)]
    Unknown,
}

/// A claim of any type, so that an error can name a claim of the wrong type.
#[derive(Debug, Default)]
pub(crate) enum Field<'a> {
    #[default]
    Missing,
    /// The token writes seconds (RFC 7519 `NumericDate`, with or without a fraction); these are milliseconds.
    Millis(i64),
    Text(Cow<'a, str>),
    Other,
}

impl Field<'_> {
    pub(crate) fn text(&self, claim: &'static str, key: KeyName) -> Result<&str, VerifyError> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Missing => Err(VerifyError::MissingClaim { claim, key }),
            Self::Millis(_) | Self::Other => Err(VerifyError::MalformedClaim { claim, key }),
        }
    }

    pub(crate) fn millis(&self, claim: &'static str, key: KeyName) -> Result<i64, VerifyError> {
        match self {
            Self::Millis(millis) => Ok(*millis),
            Self::Missing => Err(VerifyError::MissingClaim { claim, key }),
            Self::Text(_) | Self::Other => Err(VerifyError::MalformedClaim { claim, key }),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Field<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Field<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a claim")
    }

    fn visit_u64<E>(self, secs: u64) -> Result<Self::Value, E> {
        let millis = secs.saturating_mul(1000);
        Ok(Field::Millis(i64::try_from(millis).unwrap_or(i64::MAX)))
    }

    fn visit_i64<E>(self, secs: i64) -> Result<Self::Value, E> {
        Ok(Field::Millis(secs.saturating_mul(1000)))
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "`as` saturates, and JSON has no NaN"
    )]
    fn visit_f64<E>(self, secs: f64) -> Result<Self::Value, E> {
        Ok(Field::Millis((secs * 1000.0).floor() as i64))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Field::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Field::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Field::Other)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Field::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Field::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Field::Other)
    }
}
