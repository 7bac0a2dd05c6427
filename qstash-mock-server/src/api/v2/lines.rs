//! Header lines, from a request, its query, an item of a batch, or the defaults of a URL group.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::value::RawValue;

use super::super::decode::{Object, array, text};
use super::super::error::ApiError;
use super::super::limits::{V2_HEADER_BYTES, V2_HEADERS};
use super::error::Refusal;
use crate::percent::query_text;

/// Header lines in order: names in lower case, values unchanged. A repeated header is several lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lines(Vec<(String, Bytes)>);

impl Lines {
    /// The headers of a request.
    pub(super) fn of_request(headers: &HeaderMap) -> Result<Self, Refusal> {
        let lines = headers.iter().map(|(name, value)| {
            let value = Bytes::copy_from_slice(value.as_bytes());
            (name.as_str().to_owned(), value)
        });
        Self(lines.collect()).bounded()
    }

    /// The settings among the parameters of a query; the others belong to the destination.
    pub(super) fn of_query(query: &str) -> Result<Self, Refusal> {
        let mut lines = Vec::new();
        for pair in query.split('&').filter(|pair| is_setting(pair)) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decoded = query_text(name).zip(query_text(value));
            let (name, value) =
                decoded.ok_or_else(|| Refusal::of(name, "must be UTF-8, percent-encoded"))?;
            lines.push(line(&name, &value)?);
        }
        Self(lines).bounded()
    }

    /// Reads a JSON object whose values are strings or arrays of strings. A null is no line.
    pub(super) fn of_json(value: &RawValue) -> Result<Self, ApiError> {
        let object = Object::of_any_fields(value)?;
        let mut lines = Vec::new();
        for (name, value) in object.fields() {
            let values = match value.get().as_bytes().first() {
                Some(b'n') => Vec::new(),
                Some(b'[') => array(value, V2_HEADERS)
                    .and_then(|items| items.into_iter().map(text).collect())
                    .map_err(|error| error.under(name))?,
                _ => vec![text(value).map_err(|_| {
                    ApiError::invalid_field(name, "must be a string or an array of strings")
                })?],
            };
            for value in values {
                let line = line(name, &value).map_err(|_| {
                    ApiError::invalid_field(name, "is no header that HTTP can carry")
                })?;
                lines.push(line);
            }
        }
        Self(lines)
            .bounded()
            .map_err(|_| ApiError::invalid_value(too_many()))
    }

    /// The lines, which were checked before.
    pub(super) fn of_pairs(pairs: &[(String, String)]) -> Self {
        let line = |(name, value): &(String, String)| (name.clone(), Bytes::from(value.clone()));
        Self(pairs.iter().map(line).collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Bytes)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(it, _)| it == name)
    }

    /// These lines, and those of `others` whose names are not among them.
    pub(super) fn or(mut self, others: &Self) -> Self {
        let missing: Vec<_> = others
            .0
            .iter()
            .filter(|(name, _)| !self.has(name))
            .cloned()
            .collect();
        self.0.extend(missing);
        self
    }

    fn bounded(self) -> Result<Self, Refusal> {
        let bytes: usize = self
            .0
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        if self.0.len() > V2_HEADERS || bytes > V2_HEADER_BYTES {
            return Err(Refusal::invalid(format!("the request {}", too_many())));
        }
        Ok(self)
    }
}

fn too_many() -> String {
    format!(
        "must have at most {V2_HEADERS} headers with {V2_HEADER_BYTES} bytes, names and values together"
    )
}

/// A line whose name and value are valid in HTTP.
fn line(name: &str, value: &str) -> Result<(String, Bytes), Refusal> {
    let known = HeaderName::from_bytes(name.as_bytes());
    let value = HeaderValue::from_bytes(value.as_bytes());
    match (known, value) {
        (Ok(name), Ok(value)) => Ok((
            name.as_str().to_owned(),
            Bytes::copy_from_slice(value.as_bytes()),
        )),
        _ => Err(Refusal::of(name, "is no header that HTTP can carry")),
    }
}

/// The names of the settings in a query, in lower case, whatever their values are.
pub(super) fn names_in_query(query: &str) -> impl Iterator<Item = String> {
    let pairs = query.split('&').filter(|pair| is_setting(pair));
    pairs.map(name_of)
}

/// Whether the parameter `pair` of a query is a setting (v2.md section 1.9).
fn is_setting(pair: &str) -> bool {
    name_of(pair).starts_with("upstash-")
}

/// Whether the parameter `pair` of a query is the service's and not the destination's (v2.md section 1.9).
pub(super) fn is_owned(pair: &str) -> bool {
    let name = name_of(pair);
    name == "qstash_token" || name.starts_with("upstash-")
}

fn name_of(pair: &str) -> String {
    let name = pair.split('=').next().unwrap_or_default();
    query_text(name).unwrap_or_default().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(lines: &Lines) -> Vec<String> {
        lines
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.escape_ascii()))
            .collect()
    }

    #[test]
    fn repeated_lines_and_any_bytes_are_kept() {
        let mut headers = HeaderMap::new();
        headers.append("Upstash-Forward-A", HeaderValue::from_static("1, 2"));
        headers.append(
            "Upstash-Forward-A",
            HeaderValue::from_bytes(b"\xff").unwrap(),
        );
        let lines = Lines::of_request(&headers).unwrap();
        assert_eq!(
            shown(&lines),
            ["upstash-forward-a: 1, 2", "upstash-forward-a: \\xff"]
        );
    }

    #[test]
    fn settings_are_picked_out_of_a_query() {
        let query =
            "x=1&Upstash-Retries=3&upstash-delay=1h&qstash_token=t&%75pstash-cron=*+*%20*+*+*&y";
        let lines = Lines::of_query(query).unwrap();
        assert_eq!(
            shown(&lines),
            [
                "upstash-retries: 3",
                "upstash-delay: 1h",
                "upstash-cron: * * * * *"
            ]
        );
        for query in [
            "upstash-x=%ff",
            "upstash-x=%0d%0a",
            "upstash-%20=1",
            "upstash-%zz=1&upstash-x=%z",
        ] {
            assert!(Lines::of_query(query).is_err(), "{query}");
        }
    }

    #[test]
    fn json_headers_are_strings_or_arrays_of_strings() {
        let read = |json: &str| {
            let value: Box<RawValue> = serde_json::from_str(json).unwrap();
            Lines::of_json(&value)
                .map(|lines| shown(&lines))
                .map_err(|error| error.into_sentence().1)
        };
        assert_eq!(
            read(r#"{"Upstash-Retries":"3","x":["a","b,c"],"none":null,"empty":[]}"#).unwrap(),
            ["upstash-retries: 3", "x: a", "x: b,c"]
        );
        assert_eq!(
            read(r#"{"X":3}"#).unwrap_err(),
            "`X` must be a string or an array of strings"
        );
        assert_eq!(
            read(r#"{"X":["a",3]}"#).unwrap_err(),
            "`X` must be a string"
        );
        for json in ["[]", "3", r#"{"a b":"1"}"#, r#"{"a":"\n"}"#, r#"{"a":{}}"#] {
            assert!(read(json).is_err(), "{json}");
        }
    }

    #[test]
    fn the_number_and_the_size_of_headers_are_bounded() {
        let query = |count: usize, value: &str| {
            let pairs: Vec<String> = (0..count).map(|i| format!("upstash-{i}={value}")).collect();
            Lines::of_query(&pairs.join("&")).is_ok()
        };
        assert!(query(V2_HEADERS, "1"));
        assert!(!query(V2_HEADERS + 1, "1"));
        let longest = V2_HEADER_BYTES - "upstash-0".len();
        assert!(query(1, &"x".repeat(longest)));
        assert!(!query(1, &"x".repeat(longest + 1)));
    }

    #[test]
    fn a_name_that_is_there_hides_all_lines_of_it_further_down() {
        let lines = |query| Lines::of_query(query).unwrap();
        let merged =
            lines("upstash-a=1").or(&lines("upstash-a=2&upstash-a=3&upstash-b=4&upstash-b=5"));
        assert_eq!(
            shown(&merged),
            ["upstash-a: 1", "upstash-b: 4", "upstash-b: 5"]
        );
    }
}
