//! Lenient reading of answers. A field that is missing, null or of an odd type never makes the whole answer unreadable,
//! and what is not understood is kept.

use std::collections::BTreeMap;
use std::time::Duration;

use base64ct::{Base64, Base64Unpadded, Encoding as _};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use crate::timing::Timestamp;
use crate::types::other::Other;

/// Headers by name, each with its values in order.
pub type Headers = BTreeMap<String, Vec<String>>;

/// The fields of a JSON object that have not been read yet.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Fields(BTreeMap<String, Value>);

/// A field without which the object means nothing.
#[derive(Debug, thiserror::Error)]
#[error("the field `{0}` is missing or has the wrong type")]
pub(crate) struct Missing(&'static str);

impl Fields {
    /// Reads a field. A field that cannot be read stays, except for null and the empty text, which count as absent.
    fn take<T>(&mut self, name: &str, read: impl FnOnce(&Value) -> Option<T>) -> Option<T> {
        let value = self.0.get(name)?;
        let found = read(value);
        if found.is_some() || value.is_null() || value.as_str() == Some("") {
            self.0.remove(name);
        }
        found
    }

    pub(crate) fn need<T: std::str::FromStr>(&mut self, name: &'static str) -> Result<T, Missing> {
        self.parsed(name).ok_or(Missing(name))
    }

    /// Reads text, or a number as text.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        self.take(name, text)
    }

    pub(crate) fn parsed<T: std::str::FromStr>(&mut self, name: &str) -> Option<T> {
        self.take(name, |value| text(value)?.parse().ok())
    }

    /// Reads a whole number, also in quotes or with an empty fraction.
    pub(crate) fn number<T: TryFrom<i64>>(&mut self, name: &str) -> Option<T> {
        self.take(name, |value| T::try_from(whole(value)?).ok())
    }

    pub(crate) fn flag(&mut self, name: &str) -> Option<bool> {
        self.take(name, |value| match value {
            Value::Bool(flag) => Some(*flag),
            Value::Number(number) => number.as_i64().map(|number| number != 0),
            Value::String(text) => text.to_ascii_lowercase().parse().ok(),
            _ => None,
        })
    }

    /// Reads milliseconds since the epoch, or RFC 3339 text.
    pub(crate) fn time(&mut self, name: &str) -> Option<Timestamp> {
        self.take(name, |value| Timestamp::deserialize(value).ok())
    }

    /// Reads seconds since the epoch.
    pub(crate) fn time_of_seconds(&mut self, name: &str) -> Option<Timestamp> {
        self.take(name, |value| {
            whole(value)?.checked_mul(1000).map(Timestamp::from_millis)
        })
    }

    pub(crate) fn seconds(&mut self, name: &str) -> Option<Duration> {
        self.number(name).map(Duration::from_secs)
    }

    pub(crate) fn millis(&mut self, name: &str) -> Option<Duration> {
        self.number(name).map(Duration::from_millis)
    }

    /// Reads headers, each with one value or an array of them.
    pub(crate) fn headers(&mut self, name: &str) -> Option<Headers> {
        self.take(name, |value| {
            let headers = value.as_object()?.iter();
            headers
                .map(|(name, value)| Some((name.clone(), texts(value)?)))
                .collect()
        })
    }

    /// Reads an array of texts, or one text.
    pub(crate) fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        self.take(name, texts)
    }

    /// Reads `labels`, or else `label`, in which some services tell only the first of them.
    pub(crate) fn labels(&mut self) -> Vec<String> {
        let first = self.texts("label");
        self.texts("labels").or(first).unwrap_or_default()
    }

    /// Reads the IP address of the caller, whose field the service spells in two ways.
    pub(crate) fn caller_ip(&mut self) -> Option<String> {
        let other = self.text("callerIp");
        self.text("callerIP").or(other)
    }

    /// Reads the status code of an answer. 0 means that there was no answer.
    pub(crate) fn status(&mut self, name: &str) -> Option<u16> {
        self.number(name).filter(|status| *status != 0)
    }

    /// Reads the headers of an answer, whose field the service spells in two ways.
    pub(crate) fn response_headers(&mut self) -> Headers {
        let other = self.headers("responseHeader");
        let headers = self.headers("responseHeaders").or(other);
        headers.unwrap_or_default()
    }

    /// Reads a body that stands as text under one name or in base64 under another.
    pub(crate) fn body(&mut self, plain: &str, base64: &str) -> Option<Bytes> {
        let text = self.take(plain, |value| {
            value.as_str().map(|text| Bytes::from(text.to_owned()))
        });
        text.or_else(|| self.base64(base64))
    }

    pub(crate) fn base64(&mut self, name: &str) -> Option<Bytes> {
        self.take(name, |value| {
            let text = value.as_str()?;
            let bytes = Base64::decode_vec(text).or_else(|_| Base64Unpadded::decode_vec(text));
            bytes.ok().map(Bytes::from)
        })
    }

    /// Reads a body in base64 that may be absent, but is an error where it cannot be read.
    pub(crate) fn need_base64(&mut self, name: &'static str) -> Result<Bytes, Missing> {
        match self.base64(name) {
            None if self.0.contains_key(name) => Err(Missing(name)),
            body => Ok(body.unwrap_or_default()),
        }
    }

    /// Reads the elements of an array as they are; null is an empty array.
    pub(crate) fn array(&mut self, name: &str) -> Option<Vec<Value>> {
        self.take(name, |value| match value {
            Value::Array(values) => Some(values.clone()),
            Value::Null => Some(Vec::new()),
            _ => None,
        })
    }

    /// Reads the elements of an array that have the right shape. If others are among them, the array stays as well.
    pub(crate) fn list<T: for<'de> Deserialize<'de>>(&mut self, name: &str) -> Vec<T> {
        let Some(Value::Array(values)) = self.0.get(name) else {
            self.take(name, |_| None::<()>);
            return Vec::new();
        };
        let read = values.iter().filter_map(|value| T::deserialize(value).ok());
        let list: Vec<T> = read.collect();
        if list.len() == values.len() {
            self.0.remove(name);
        }
        list
    }

    /// Reads texts by name.
    pub(crate) fn map(&mut self, name: &str) -> BTreeMap<String, String> {
        let read = self.take(name, |value| {
            let entries = value.as_object()?.iter();
            entries
                .map(|(name, value)| Some((name.clone(), text(value)?)))
                .collect()
        });
        read.unwrap_or_default()
    }

    pub(crate) fn rest(self) -> Other {
        self.0
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(values) => values.iter().map(text).collect(),
        alone => text(alone).map(|text| vec![text]),
    }
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| {
            let float = number.as_f64()?;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the range is checked, and 2^53 is exact"
            )]
            (float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0).then_some(float as i64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Implements `Deserialize` of a type by its function `read`, through [`Fields`].
macro_rules! read_by_fields {
    ($($type:ty),+ $(,)?) => {$(
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let fields = <$crate::v2::fields::Fields as serde::Deserialize>::deserialize(from)?;
                Self::read(fields).map_err(serde::de::Error::custom)
            }
        }
    )+};
}
pub(crate) use read_by_fields;

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(json: &str) -> Fields {
        serde_json::from_str(json).expect("an object")
    }

    #[test]
    fn odd_types_are_understood_where_they_can_be() {
        let mut odd = fields(
            r#"{"n":"5","f":5.0,"cursor":1725323658779,"flag":"True","one":"x","t":"1795487288250"}"#,
        );
        assert_eq!(odd.number::<u32>("n"), Some(5));
        assert_eq!(odd.number::<u32>("f"), Some(5));
        assert_eq!(odd.text("cursor").as_deref(), Some("1725323658779"));
        assert_eq!(odd.flag("flag"), Some(true));
        assert_eq!(odd.texts("one"), Some(vec!["x".to_owned()]));
        assert_eq!(
            odd.time("t"),
            Some(Timestamp::from_millis(1_795_487_288_250))
        );
        assert!(odd.rest().is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_kept_and_null_is_nothing() {
        let mut odd = fields(r#"{"n":-1,"m":[1],"gone":null,"body":"%%%"}"#);
        assert_eq!(odd.number::<u32>("n"), None);
        assert_eq!(odd.text("m"), None);
        assert_eq!(odd.text("gone"), None);
        assert_eq!(odd.base64("body"), None);
        let rest: Vec<String> = odd.rest().into_keys().collect();
        assert_eq!(rest, ["body", "m", "n"]);
    }

    #[test]
    fn a_field_in_two_spellings_is_read_once_and_leaves_nothing_over() {
        let mut both = fields(
            r#"{"callerIP":"1.2.3.4","callerIp":"1.2.3.4","responseStatus":0,
            "responseHeader":{"a":"1"},"responseHeaders":{"a":["1"]}}"#,
        );
        assert_eq!(both.caller_ip().as_deref(), Some("1.2.3.4"));
        assert_eq!(both.status("responseStatus"), None);
        assert_eq!(both.response_headers()["a"], ["1"]);
        assert!(both.rest().is_empty());
        let mut other = fields(r#"{"callerIp":"::1","responseHeader":{"a":"1"}}"#);
        assert_eq!(other.caller_ip().as_deref(), Some("::1"));
        assert_eq!(other.response_headers()["a"], ["1"]);
    }

    #[test]
    fn a_missing_id_is_named() {
        let error = fields("{}").need::<String>("messageId");
        assert!(
            error
                .expect_err("missing")
                .to_string()
                .contains("messageId")
        );
    }
}
