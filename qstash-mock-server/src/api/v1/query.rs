//! The query parameters of lists.

use base64ct::{Base64UrlUnpadded, Encoding};

use super::super::error::ApiError;
use super::super::limits::{DEFAULT_PAGE, PAGE};
use super::wire::stage_name;
use crate::engine::Stage;
use crate::percent::query_text;

/// Decoded query parameters. Each is known and occurs at most once.
#[derive(Debug)]
pub(in crate::api) struct Query(Vec<(String, String)>);

impl Query {
    pub(in crate::api) fn parse(query: Option<&str>, known: &[&str]) -> Result<Self, ApiError> {
        let mut found: Vec<(String, String)> = Vec::new();
        let pairs = query.unwrap_or("").split('&').filter(|it| !it.is_empty());
        for pair in pairs {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = query_text(name).ok_or_else(|| ApiError::unknown_field(name))?;
            if !known.contains(&name.as_str()) {
                return Err(ApiError::unknown_field(&name));
            }
            if found.iter().any(|(it, _)| *it == name) {
                return Err(ApiError::invalid_field(&name, "must not be given twice"));
            }
            let Some(value) = query_text(value) else {
                return Err(ApiError::invalid_field(
                    &name,
                    "must be UTF-8, percent-encoded",
                ));
            };
            found.push((name, value));
        }
        Ok(Self(found))
    }

    pub(in crate::api) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(it, _)| it == name)
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn limit(&self) -> Result<usize, ApiError> {
        let Some(given) = self.get("limit") else {
            return Ok(DEFAULT_PAGE as usize);
        };
        match given.parse::<u32>() {
            Ok(limit) if (1..=PAGE).contains(&limit) => Ok(limit as usize),
            _ => {
                let error = format!("must be a whole number from 1 to {PAGE}");
                Err(ApiError::invalid_field("limit", error))
            }
        }
    }

    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>, ApiError> {
        self.get(name)
            .map(|given| {
                let error = "must be true or false";
                given
                    .parse()
                    .map_err(|_| ApiError::invalid_field(name, error))
            })
            .transpose()
    }

    pub(super) fn state(&self) -> Result<Option<Stage>, ApiError> {
        let stage = |given| Stage::ALL.into_iter().find(|it| stage_name(*it) == given);
        self.get("state")
            .map(|given| {
                let error = "must be the name of a message state";
                stage(given).ok_or_else(|| ApiError::invalid_field("state", error))
            })
            .transpose()
    }

    /// The text that the cursor of an earlier page encodes.
    pub(super) fn text_cursor(&self) -> Result<Option<String>, ApiError> {
        self.get("cursor")
            .map(|given| {
                let bytes = Base64UrlUnpadded::decode_vec(given).ok();
                bytes
                    .and_then(|bytes| String::from_utf8(bytes).ok())
                    .ok_or_else(bad_cursor)
            })
            .transpose()
    }

    /// The number that the cursor of an earlier page encodes.
    pub(super) fn number_cursor(&self) -> Result<Option<u64>, ApiError> {
        self.text_cursor()?
            .map(|text| text.parse().map_err(|_| bad_cursor()))
            .transpose()
    }
}

/// The cursor that encodes `text`.
pub(super) fn cursor(text: &str) -> String {
    Base64UrlUnpadded::encode_string(text.as_bytes())
}

fn bad_cursor() -> ApiError {
    ApiError::invalid_field("cursor", "must be the cursor of an earlier page")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(query: &str) -> (u16, &'static str, Option<String>) {
        let parsed = Query::parse(Some(query), &["limit", "state", "cursor"]).and_then(|query| {
            query.limit()?;
            query.state()?;
            query.number_cursor()
        });
        let error = parsed.unwrap_err();
        let (status, code, field) = error.parts();
        (status, code, field.map(str::to_owned))
    }

    #[test]
    fn bad_parameters_are_named() {
        for query in [
            "limit=0",
            "limit=1001",
            "limit=-1",
            "limit=x",
            "limit=",
            "limit=1&limit=1",
            "limit=%zz",
        ] {
            assert_eq!(
                refused(query),
                (400, "invalid_field", Some("limit".into())),
                "{query}"
            );
        }
        for query in ["state=gone", "state="] {
            assert_eq!(
                refused(query),
                (400, "invalid_field", Some("state".into())),
                "{query}"
            );
        }
        for query in ["cursor=!", "cursor=bm8"] {
            assert_eq!(
                refused(query),
                (400, "invalid_field", Some("cursor".into())),
                "{query}"
            );
        }
        assert_eq!(
            refused("limt=1"),
            (400, "unknown_field", Some("limt".into()))
        );
    }

    #[test]
    fn good_parameters_are_decoded() {
        let text = format!("limit=1000&state=in_flight&cursor={}", cursor("42"));
        let query = Query::parse(Some(&text), &["limit", "state", "cursor"]).unwrap();
        assert_eq!(query.limit().unwrap(), 1000);
        assert_eq!(query.state().unwrap(), Some(Stage::InFlight));
        assert_eq!(query.number_cursor().unwrap(), Some(42));
        assert_eq!(Query::parse(None, &[]).unwrap().limit().unwrap(), 100);
    }
}
