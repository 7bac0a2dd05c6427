//! Requests that belong to Upstash Workflow, a product of its own. They are refused whole and by the header's name,
//! before anything else is found wrong with them: Workflow's SDK takes 400 for the end of its run, and a step that is
//! published in part is lost without a word.

use std::borrow::Cow;
use std::fmt;

use http::HeaderMap;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::error::Refusal;
use super::lines::names_in_query;
use super::settings::canonical;

/// Refuses `names` of headers if one of them is Workflow's. With the forward prefix a name belongs to the publisher.
pub(super) fn refuse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<(), Refusal> {
    match names.into_iter().find(|name| is_of_workflow(name)) {
        Some(name) => Err(Refusal::workflow_header(&canonical(name))),
        None => Ok(()),
    }
}

/// Refuses a request by its headers or by the settings in its query.
pub(super) fn refuse_request(headers: &HeaderMap, query: Option<&str>) -> Result<(), Refusal> {
    refuse(headers.keys().map(http::HeaderName::as_str))?;
    refuse_query(query.unwrap_or_default())
}

fn refuse_query(query: &str) -> Result<(), Refusal> {
    names_in_query(query).try_for_each(|name| refuse([&*name]))
}

/// Refuses a batch by the headers and destinations of its items, however malformed the items are otherwise.
pub(super) fn refuse_batch(items: &RawValue) -> Result<(), Refusal> {
    let mut found = Ok(());
    each_item(items, |item| {
        each_field(item, |name, value| {
            if found.is_err() {
                return;
            }
            match name {
                "headers" => found = refuse_names_of(value),
                "destination" => found = refuse_destination(value),
                _ => {}
            }
        });
    });
    found
}

/// Refuses an object by the names in its field `headers`.
pub(super) fn refuse_headers_in(object: &RawValue) -> Result<(), Refusal> {
    let mut found = Ok(());
    each_field(object, |name, value| {
        if name == "headers" && found.is_ok() {
            found = refuse_names_of(value);
        }
    });
    found
}

fn refuse_names_of(headers: &RawValue) -> Result<(), Refusal> {
    let mut found = Ok(());
    each_field(headers, |name, value| {
        if found.is_ok() && is_a_line(value) {
            found = refuse([name]);
        }
    });
    found
}

fn refuse_destination(value: &RawValue) -> Result<(), Refusal> {
    let text: Cow<'_, str> = serde_json::from_str(value.get()).unwrap_or_default();
    let (_, query) = text.split_once('?').unwrap_or_default();
    refuse_query(query)
}

/// Whether a value of the object `headers` makes a line: null and an empty array do not.
fn is_a_line(value: &RawValue) -> bool {
    let text = value.get();
    let array = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    text != "null" && array.is_none_or(|items| !items.trim().is_empty())
}

/// Whether `Upstash-Workflow-…` is the name, or that of a callback.
fn is_of_workflow(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let Some(rest) = name.strip_prefix("upstash-") else {
        return false;
    };
    let callbacks = ["callback-", "failure-callback-"];
    let of_callback = callbacks.iter().find_map(|it| rest.strip_prefix(it));
    of_callback.unwrap_or(rest).starts_with("workflow-")
}

/// Calls `each` with every item of an array; what is no array has none. Nothing is collected, because the array may
/// have as many items as fit in a request.
fn each_item<'a>(value: &'a RawValue, each: impl FnMut(&'a RawValue)) {
    struct Items<F>(F);
    impl<'de, F: FnMut(&'de RawValue)> Visitor<'de> for Items<F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }

        fn visit_seq<S: SeqAccess<'de>>(mut self, mut items: S) -> Result<(), S::Error> {
            while let Some(item) = items.next_element()? {
                (self.0)(item);
            }
            Ok(())
        }
    }
    // The syntax is known to be good.
    let _ = serde_json::Deserializer::from_str(value.get()).deserialize_seq(Items(each));
}

/// Calls `each` with every field of an object, repeated ones included; what is no object has none.
fn each_field<'a>(value: &'a RawValue, each: impl FnMut(&str, &'a RawValue)) {
    /// A name in bytes, because an escape may make it no text.
    #[derive(Deserialize)]
    struct Name<'a>(#[serde(borrow)] Cow<'a, [u8]>);

    struct Fields<F>(F);
    impl<'de, F: FnMut(&str, &'de RawValue)> Visitor<'de> for Fields<F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<M: MapAccess<'de>>(mut self, mut fields: M) -> Result<(), M::Error> {
            while let Some(Name(name)) = fields.next_key()? {
                match std::str::from_utf8(&name) {
                    Ok(name) => (self.0)(name, fields.next_value()?),
                    Err(_) => {
                        fields.next_value::<IgnoredAny>()?;
                    }
                }
            }
            Ok(())
        }
    }
    // The syntax is known to be good.
    let _ = serde_json::Deserializer::from_str(value.get()).deserialize_map(Fields(each));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_workflow_and_of_its_callbacks_are_told_from_those_that_are_forwarded() {
        for name in [
            "Upstash-Workflow-Init",
            "upstash-workflow-",
            "UPSTASH-CALLBACK-WORKFLOW-RUNID",
            "Upstash-Failure-Callback-Workflow-Url",
        ] {
            let refusal = refuse(["x", name]).unwrap_err();
            let (status, sentence) = refusal.parts();
            let named = sentence.contains(&format!("`{}`", canonical(name)));
            assert!(status == 501 && named, "{name}: {status} {sentence}");
        }
        for name in [
            "Upstash-Forward-Upstash-Workflow-Init",
            "Upstash-Callback-Forward-Upstash-Workflow-Init",
            "Upstash-Failure-Callback-Forward-Workflow-Init",
            "Upstash-Workflow",
            "Upstash-Workflows-Init",
            "Workflow-Init",
            "X-Upstash-Workflow-Init",
            "Upstash-Callback-Callback-Workflow-Init",
            "Upstash-Feature-Set",
        ] {
            assert_eq!(refuse([name]), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_name_with_an_escape_that_is_no_text_hides_no_other_name() {
        let json = r#"{"\ud800":1,"a":{"b":[2]},"a":"3"}"#;
        let value: Box<RawValue> = serde_json::from_str(json).unwrap();
        let mut found = vec![];
        each_field(&value, |name, value| {
            found.push(format!("{name}={}", value.get()));
        });
        assert_eq!(found, [r#"a={"b":[2]}"#, r#"a="3""#]);
    }
}
