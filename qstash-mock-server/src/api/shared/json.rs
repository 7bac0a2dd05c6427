//! Writing JSON straight into bytes, without a tree of values. The bytes of a message go in unchanged.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};

use crate::engine::Timestamp;
use crate::text::write_rfc3339;

/// JSON that is being written. It inserts commas itself.
pub(in crate::api) struct Json(Vec<u8>);

impl Json {
    /// An object; `fill` writes its members.
    pub(in crate::api) fn object(fill: impl FnOnce(&mut Self)) -> Self {
        let mut json = Self(Vec::with_capacity(128));
        json.members(fill);
        json
    }

    /// The text, which is JSON already.
    pub(in crate::api) fn of_text(json: &str) -> Self {
        Self(json.as_bytes().to_vec())
    }

    /// An array; `fill` writes its items.
    pub(in crate::api) fn array(fill: impl FnOnce(&mut Self)) -> Self {
        let mut json = Self(Vec::with_capacity(128));
        json.enclosed(b'[', b']', fill);
        json
    }

    /// Writes the name of the member whose value is written next. It must need no escapes.
    pub(in crate::api) fn key(&mut self, name: &'static str) -> &mut Self {
        self.plain_text(name);
        self.0.push(b':');
        self
    }

    /// Writes the name of the member whose value is written next, with escapes.
    pub(in crate::api) fn text_key(&mut self, name: &str) -> &mut Self {
        self.text(name);
        self.0.push(b':');
        self
    }

    pub(in crate::api) fn members(&mut self, fill: impl FnOnce(&mut Self)) {
        self.enclosed(b'{', b'}', fill);
    }

    pub(in crate::api) fn items<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        self.enclosed(b'[', b']', |json| {
            items.into_iter().for_each(|item| write(json, item));
        });
    }

    pub(in crate::api) fn text(&mut self, text: &str) {
        self.separate();
        let written = serde_json::to_writer(&mut self.0, text);
        debug_assert!(written.is_ok(), "writing text to memory cannot fail");
    }

    /// Writes a string that needs no escapes, such as an id.
    pub(in crate::api) fn plain_text(&mut self, text: &str) {
        self.separate();
        self.0.push(b'"');
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(b'"');
    }

    pub(in crate::api) fn integer(&mut self, number: u64) {
        self.plain(format_args!("{number}"));
    }

    /// Writes a number, which must be finite.
    pub(in crate::api) fn number(&mut self, number: f64) {
        self.plain(format_args!("{number}"));
    }

    pub(in crate::api) fn boolean(&mut self, value: bool) {
        self.plain(format_args!("{value}"));
    }

    pub(in crate::api) fn null(&mut self) {
        self.plain(format_args!("null"));
    }

    /// Writes a value by `write`, or null for `None`.
    pub(in crate::api) fn maybe<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        match value {
            Some(value) => write(self, value),
            None => self.null(),
        }
    }

    /// Writes a duration in seconds, to the millisecond.
    pub(in crate::api) fn seconds(&mut self, duration: Duration) {
        let (whole, millis) = (duration.as_secs(), duration.subsec_millis());
        if millis == 0 {
            self.integer(whole);
        } else {
            self.plain(format_args!("{whole}.{millis:03}"));
            while self.0.last() == Some(&b'0') {
                self.0.pop();
            }
        }
    }

    pub(in crate::api) fn time(&mut self, time: Timestamp) {
        self.separate();
        self.0.push(b'"');
        write_rfc3339(&mut self.0, time);
        self.0.push(b'"');
    }

    /// Writes bytes that are JSON already.
    pub(in crate::api) fn raw(&mut self, json: &[u8]) {
        self.separate();
        self.0.extend_from_slice(json);
    }

    pub(in crate::api) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(in crate::api) fn into_ok(self) -> Response {
        self.into_response(StatusCode::OK)
    }

    pub(in crate::api) fn into_response(self, status: StatusCode) -> Response {
        let mut response = Response::new(Body::from(self.0));
        *response.status_mut() = status;
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        response
    }

    fn plain(&mut self, text: std::fmt::Arguments<'_>) {
        use std::io::Write;
        self.separate();
        let written = self.0.write_fmt(text);
        debug_assert!(written.is_ok(), "writing to memory cannot fail");
    }

    fn enclosed(&mut self, open: u8, close: u8, fill: impl FnOnce(&mut Self)) {
        self.separate();
        self.0.push(open);
        fill(self);
        self.0.push(close);
    }

    /// Whether a comma is needed. No complete value ends in one of these three bytes, so the last byte decides.
    fn separate(&mut self) {
        if !matches!(self.0.last(), None | Some(b'{' | b'[' | b':')) {
            self.0.push(b',');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(fill: impl FnOnce(&mut Json)) -> String {
        String::from_utf8(Json::object(fill).into_bytes()).unwrap()
    }

    #[test]
    fn commas_stand_between_members_and_items_only() {
        let text = written(|json| {
            json.key("a").items([1, 2], Json::integer);
            json.key("b").raw(b"{\"k\" : [ ]}");
            json.key("c").members(|json| {
                json.text_key("q\"").null();
                json.key("ends in a colon").text("x:");
            });
            json.key("d").boolean(false);
        });
        assert_eq!(
            text,
            r#"{"a":[1,2],"b":{"k" : [ ]},"c":{"q\"":null,"ends in a colon":"x:"},"d":false}"#
        );
    }

    #[test]
    fn seconds_show_milliseconds_only_where_there_are_any() {
        for (millis, expected) in [(0, "0"), (1, "0.001"), (1500, "1.5"), (30_000, "30")] {
            let text = written(|json| json.key("s").seconds(Duration::from_millis(millis)));
            assert_eq!(text, format!(r#"{{"s":{expected}}}"#));
        }
    }
}
