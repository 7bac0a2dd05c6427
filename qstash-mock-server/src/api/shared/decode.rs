//! Reading the JSON of a request: one pass checks the syntax and finds the fields, then each field is decoded by
//! itself, so that every refusal can name the field.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::error::ApiError;
use super::limits::OBJECT_FIELDS;
use crate::engine::QueueName;

/// The fields of a JSON object, each as the slice of the text that it is.
#[derive(Debug)]
pub(in crate::api) struct Object<'a> {
    fields: Vec<(Cow<'a, str>, &'a RawValue)>,
    repeated: Option<String>,
}

impl<'a> Object<'a> {
    /// Reads the whole body of a request, which may have no other fields than `known`.
    pub(in crate::api) fn of_body(body: &'a [u8], known: &[&str]) -> Result<Self, ApiError> {
        Self::of_any_body(body)?.only(known)
    }

    /// Reads the whole body of a request, with any fields. Of a repeated field the first one counts.
    pub(in crate::api) fn of_any_body(body: &'a [u8]) -> Result<Self, ApiError> {
        let text = std::str::from_utf8(body)
            .map_err(|_| ApiError::invalid_json("the body is not UTF-8"))?;
        serde_json::from_str(text).map_err(|error| {
            if error.is_data() {
                ApiError::invalid_json("the body must be a JSON object")
            } else {
                ApiError::invalid_json(format!("the body is not JSON: {error}"))
            }
        })
    }

    /// Reads a value that must be an object with no other fields than `known`.
    pub(in crate::api) fn of_value(value: &'a RawValue, known: &[&str]) -> Result<Self, ApiError> {
        Self::of_any_fields(value)?.only(known)
    }

    /// Reads a value that must be an object with any fields.
    pub(in crate::api) fn of_any_fields(value: &'a RawValue) -> Result<Self, ApiError> {
        let object: Self = serde_json::from_str(value.get())
            .map_err(|_| ApiError::invalid_value("must be a JSON object"))?;
        object.unrepeated()
    }

    fn only(self, known: &[&str]) -> Result<Self, ApiError> {
        self.knows(known)?;
        self.unrepeated()
    }

    /// Refuses fields that are not among `known`.
    pub(in crate::api) fn knows(&self, known: &[&str]) -> Result<(), ApiError> {
        let unknown = |(name, _): &&(Cow<'a, str>, _)| !known.contains(&name.as_ref());
        match self.fields.iter().find(unknown) {
            Some((name, _)) => Err(ApiError::unknown_field(name)),
            None => Ok(()),
        }
    }

    fn unrepeated(self) -> Result<Self, ApiError> {
        match &self.repeated {
            Some(name) => Err(ApiError::invalid_field(name, "must not be given twice")),
            None => Ok(self),
        }
    }

    /// The first [`OBJECT_FIELDS`] fields, in their order.
    pub(in crate::api) fn fields(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.fields
            .iter()
            .map(|(name, value)| (name.as_ref(), *value))
    }

    pub(in crate::api) fn len(&self) -> usize {
        self.fields.len()
    }

    pub(in crate::api) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.fields()
            .find(|(it, _)| *it == name)
            .map(|(_, value)| value)
    }

    /// Decodes a field that is required.
    pub(in crate::api) fn required<T>(
        &self,
        name: &str,
        decode: impl FnOnce(&'a RawValue) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        self.optional(name, decode)?
            .ok_or_else(|| ApiError::invalid_field(name, "is missing"))
    }

    /// Decodes a field that may be absent, but not null.
    pub(in crate::api) fn optional<T>(
        &self,
        name: &str,
        decode: impl FnOnce(&'a RawValue) -> Result<T, ApiError>,
    ) -> Result<Option<T>, ApiError> {
        self.get(name)
            .map(|value| decode(value).map_err(|error| error.under(name)))
            .transpose()
    }

    /// Decodes a field that may be absent or null, which mean the same.
    pub(in crate::api) fn nullable<T>(
        &self,
        name: &str,
        decode: impl FnOnce(&'a RawValue) -> Result<T, ApiError>,
    ) -> Result<Option<T>, ApiError> {
        Ok(self.optional(name, or_null(decode))?.flatten())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Object<'de>, M::Error> {
                #[derive(Deserialize)]
                struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

                let mut object = Object {
                    fields: Vec::with_capacity(8),
                    repeated: None,
                };
                while let Some(Name(name)) = map.next_key()? {
                    if object.fields.len() >= OBJECT_FIELDS {
                        map.next_value::<IgnoredAny>()?;
                    } else if object.get(&name).is_some() {
                        map.next_value::<IgnoredAny>()?;
                        object.repeated.get_or_insert_with(|| name.into_owned());
                    } else {
                        object.fields.push((name, map.next_value()?));
                    }
                }
                Ok(object)
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// The items of an array, which may have at most `most`.
pub(in crate::api) fn array(value: &RawValue, most: usize) -> Result<Vec<&RawValue>, ApiError> {
    struct Items(usize);
    impl<'de> Visitor<'de> for Items {
        type Value = Vec<&'de RawValue>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }

        fn visit_seq<S: SeqAccess<'de>>(self, mut items: S) -> Result<Self::Value, S::Error> {
            let mut found = Vec::new();
            while let Some(item) = items.next_element()? {
                if found.len() == self.0 {
                    return Err(S::Error::custom("too many"));
                }
                found.push(item);
            }
            Ok(found)
        }
    }
    serde_json::Deserializer::from_str(value.get())
        .deserialize_seq(Items(most))
        .map_err(|_| ApiError::invalid_value(format!("must be an array of at most {most} items")))
}

/// Decodes null as `None`, and another value by `decode`.
pub(in crate::api) fn or_null<'a, T>(
    decode: impl FnOnce(&'a RawValue) -> Result<T, ApiError>,
) -> impl FnOnce(&'a RawValue) -> Result<Option<T>, ApiError> {
    |value| match value.get() {
        "null" => Ok(None),
        _ => decode(value).map(Some),
    }
}

pub(in crate::api) fn text(value: &RawValue) -> Result<String, ApiError> {
    serde_json::from_str(value.get()).map_err(|_| ApiError::invalid_value("must be a string"))
}

pub(in crate::api) fn boolean(value: &RawValue) -> Result<bool, ApiError> {
    serde_json::from_str(value.get()).map_err(|_| ApiError::invalid_value("must be true or false"))
}

pub(in crate::api) fn queue_name(value: &RawValue) -> Result<QueueName, ApiError> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    let name = serde_json::from_str(value.get()).ok();
    name.and_then(|Text(name)| QueueName::parse(&name))
        .ok_or_else(|| {
            ApiError::invalid_value("must be a string of 1 to 256 letters, digits, `_`, `.` or `-`")
        })
}

/// A whole number in `range`.
pub(in crate::api) fn integer(
    range: RangeInclusive<u32>,
) -> impl FnOnce(&RawValue) -> Result<u32, ApiError> {
    move |value| {
        let number = serde_json::from_str(value.get()).ok();
        number.filter(|it| range.contains(it)).ok_or_else(|| {
            let (least, most) = (range.start(), range.end());
            ApiError::invalid_value(format!("must be a whole number from {least} to {most}"))
        })
    }
}

/// A number in `range`.
pub(in crate::api) fn number(
    range: RangeInclusive<f64>,
) -> impl FnOnce(&RawValue) -> Result<f64, ApiError> {
    move |value| {
        let number = serde_json::from_str(value.get()).ok();
        number.filter(|it| range.contains(it)).ok_or_else(|| {
            let (least, most) = (range.start(), range.end());
            ApiError::invalid_value(format!("must be a number from {least} to {most}"))
        })
    }
}

/// A duration in seconds, cut to the millisecond.
pub(in crate::api) fn seconds(
    range: RangeInclusive<f64>,
) -> impl FnOnce(&RawValue) -> Result<Duration, ApiError> {
    move |value| {
        let seconds = number(range)(value)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the range of every field begins at 0 and ends at some months"
        )]
        let millis = (seconds * 1000.0).round() as u64;
        Ok(Duration::from_millis(millis))
    }
}

/// Whether arrays and objects in `json`, whose syntax is valid, are nested deeper than `most` levels.
pub(in crate::api) fn is_deeper(json: &str, most: usize) -> bool {
    // Nearly every message has fewer brackets than that in all, and counting them is much cheaper than finding out
    // which of them are inside a string. `[` and `{` differ in one bit. Counted in bytes, chunk by chunk, so that the
    // compiler makes vector instructions of it.
    let brackets = json.as_bytes().chunks(128).map(|chunk| {
        let found: u8 = chunk.iter().map(|byte| u8::from(byte | 0x20 == b'{')).sum();
        usize::from(found)
    });
    if brackets.sum::<usize>() <= most {
        return false;
    }
    let (mut depth, mut in_text, mut escaped) = (0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                if depth > most {
                    return true;
                }
            }
            b']' | b'}' if !in_text => depth -= 1,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse<'a>(
        body: &'a [u8],
        known: &[&str],
    ) -> Result<Object<'a>, (u16, &'static str, Option<String>)> {
        Object::of_body(body, known).map_err(|error| {
            let (status, code, field) = error.parts();
            (status, code, field.map(str::to_owned))
        })
    }

    #[test]
    fn bodies_that_are_no_json_objects() {
        let cut_text = b"{\"a\":\"\xc3\"}";
        for body in [
            &b""[..],
            b" ",
            b"{",
            b"{\"a\"",
            b"{\"a\":}",
            b"{\"a\":1,}",
            b"{\"a\":01}",
            b"{a:1}",
            b"{\"a\":1}}",
            b"{} {}",
            b"[]",
            b"null",
            b"7",
            b"\"{}\"",
            b"{\"a\":\"\n\"}",
            b"{\"a\":tru}",
            b"{\"a\":\"\\x\"}",
            b"{\"a\":NaN}",
            b"\xff",
            b"\xef\xbb\xbf{}",
            cut_text,
        ] {
            let expected = (400, "invalid_json", None);
            assert_eq!(parse(body, &["a"]).unwrap_err(), expected, "{body:?}");
        }
    }

    #[test]
    fn unknown_and_repeated_fields_are_named() {
        let unknown = parse(br#"{"a":1,"aa":2}"#, &["a"]).unwrap_err();
        assert_eq!(unknown, (400, "unknown_field", Some("aa".into())));
        let repeated = parse(br#"{"a":1,"\u0061":2}"#, &["a"]).unwrap_err();
        assert_eq!(repeated, (400, "invalid_field", Some("a".into())));
    }

    #[test]
    fn an_object_with_very_many_fields_is_refused_and_not_kept() {
        let fields: Vec<_> = (0..100_000).map(|it| format!("\"f{it}\":0")).collect();
        let body = format!("{{{}}}", fields.join(","));
        let refused = parse(body.as_bytes(), &["f0"]).unwrap_err();
        assert_eq!(refused, (400, "unknown_field", Some("f1".into())));
    }

    #[test]
    fn values_of_the_wrong_type_or_range() {
        let body = br#"{"t":"5","n":-1,"f":1.5,"h":1e999,"x":"\ud800","z":null,"b":1,"q":"a b"}"#;
        let object = parse(body, &["t", "n", "f", "h", "x", "z", "b", "q"]).unwrap();
        let range = 0.0..=10.0;
        for name in ["t", "n", "h", "z"] {
            let refused = object.optional(name, seconds(range.clone())).unwrap_err();
            assert_eq!(refused.parts(), (400, "invalid_field", Some(name)));
        }
        for name in ["t", "n", "f", "h", "z"] {
            assert!(object.optional(name, integer(0..=10)).is_err(), "{name}");
        }
        assert!(object.required("x", text).is_err());
        assert!(object.required("b", boolean).is_err());
        assert!(object.required("q", queue_name).is_err());
        assert!(object.required("absent", text).is_err());
        assert_eq!(object.nullable("z", text).unwrap(), None);
    }

    #[test]
    fn seconds_have_fractions_and_bounds() {
        for (given, millis) in [
            ("1.5", 1500),
            ("0", 0),
            ("-0", 0),
            ("0.0004", 0),
            ("1e1", 10_000),
        ] {
            let raw: &RawValue = serde_json::from_str(given).unwrap();
            let expected = Duration::from_millis(millis);
            assert_eq!(seconds(0.0..=10.0)(raw).unwrap(), expected, "{given}");
        }
        let past: &RawValue = serde_json::from_str("10.001").unwrap();
        assert!(seconds(0.0..=10.0)(past).is_err());
    }

    #[test]
    fn nesting_is_counted_outside_of_texts() {
        let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(!is_deeper(&nested(128), 128));
        assert!(is_deeper(&nested(129), 128));
        let text = format!("\"\\\"{}\"", "[".repeat(1000));
        assert!(!is_deeper(&text, 128));
        let flat = format!("[{}[]]", "[],".repeat(1000));
        assert!(!is_deeper(&flat, 128));
    }

    #[test]
    fn an_array_has_a_bound() {
        let raw: &RawValue = serde_json::from_str("[1,2,3]").unwrap();
        assert_eq!(array(raw, 3).unwrap().len(), 3);
        assert!(array(raw, 2).is_err());
        let object: &RawValue = serde_json::from_str("{}").unwrap();
        assert!(array(object, 2).is_err());
    }
}
