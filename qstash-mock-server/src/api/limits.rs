//! Every bound of this layer, and the reading of bodies within them.

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use http_body_util::BodyExt;

use super::error::ApiError;

/// The bounds that are server settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes of one `message`.
    pub(crate) message_bytes: usize,
    /// Bytes of one batch request.
    pub(crate) batch_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 1 << 20,
            batch_bytes: 100 << 20,
        }
    }
}

/// What a publish may need beside its message: headers and key, even if all of it is escapes.
const ENVELOPE_BYTES: usize = 128 << 10;
/// Any other request body.
const SMALL_BODY_BYTES: usize = 64 << 10;
/// A body over its bound is read and thrown away up to here, so that the caller, who is still sending, gets
/// to see the answer instead of a broken connection.
const DISCARDED_BYTES: usize = 16 << 20;

/// Items of a batch.
pub(super) const BATCH_ITEMS: usize = 1000;
/// Levels of arrays and objects in a message.
pub(super) const MESSAGE_DEPTH: usize = 128;
/// Fields of a JSON object that are looked at; more than any object of the contract has.
pub(super) const OBJECT_FIELDS: usize = V2_HEADERS + 1;
/// Headers of one message, and the bytes of all their names and values.
pub(super) const HEADERS: usize = 64;
pub(super) const HEADER_BYTES: usize = 16 << 10;
/// The same in v2, whose settings are headers, too.
pub(super) const V2_HEADERS: usize = 256;
pub(super) const V2_HEADER_BYTES: usize = 64 << 10;
/// Bytes of one setting that is a name: a label, a flow-control key, a deduplication id.
pub(super) const V2_NAME_BYTES: usize = 256;
/// Labels of one message.
pub(super) const V2_LABELS: usize = 64;
/// Bytes of a destination.
pub(super) const DESTINATION_BYTES: usize = 8 << 10;
/// Values of one filter, and ids of one bulk operation.
pub(super) const FILTER_VALUES: usize = 1000;
/// Bytes of an idempotency key.
pub(super) const IDEMPOTENCY_KEY_BYTES: usize = 256;
/// Bytes of a webhook's URL.
pub(super) const WEBHOOK_URL_BYTES: usize = 2048;
/// Entries of a list of backoffs: one for each retry there can be.
pub(super) const BACKOFF_ENTRIES: usize = 100;
/// Messages of one `receive`.
pub(super) const RECEIVE_MESSAGES: u32 = 100;
/// Entries of one page of a list: the bound, and what is given unless asked for.
pub(super) const PAGE: u32 = 1000;
pub(super) const DEFAULT_PAGE: u32 = 100;
/// Bytes of a token, and how many verified ones are remembered.
pub(super) const TOKEN_BYTES: usize = 16 << 10;
pub(super) const REMEMBERED_TOKENS: usize = 1024;

/// What kind of body a route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// One message.
    Publish,
    /// Many messages.
    Batch,
    /// A JSON object.
    Small,
    /// A JSON object all of whose fields are optional, so that it may be absent.
    Optional,
}

impl Limits {
    /// The body of `request`: JSON by its content type, and within its bound. It has its own memory, which
    /// is not the connection's buffer, so that a small message may keep it without keeping more.
    pub(super) async fn body(
        &self,
        request: Request,
        expected: Expected,
    ) -> Result<Bytes, ApiError> {
        let (parts, body) = request.into_parts();
        if body.is_end_stream() {
            return match expected {
                Expected::Optional => Ok(Bytes::from_static(b"{}")),
                _ => Err(ApiError::invalid_json("the request needs a JSON body")),
            };
        }
        if !is_json(&parts.headers) {
            return Err(ApiError::not_json());
        }
        let (limit, over) = self.bound(expected);
        read(&parts.headers, body, limit).await?.ok_or(over)
    }

    /// The bound in bytes and the refusal past it.
    fn bound(&self, expected: Expected) -> (usize, ApiError) {
        match expected {
            Expected::Publish => (
                self.message_bytes.saturating_add(ENVELOPE_BYTES),
                ApiError::message_too_large(self.message_bytes),
            ),
            Expected::Batch => (self.batch_bytes, ApiError::body_too_large(self.batch_bytes)),
            Expected::Small | Expected::Optional => {
                (SMALL_BODY_BYTES, ApiError::body_too_large(SMALL_BODY_BYTES))
            }
        }
    }
}

/// The whole of `body`, or `None` if it is over `limit`.
async fn read(
    headers: &HeaderMap,
    mut body: Body,
    limit: usize,
) -> Result<Option<Bytes>, ApiError> {
    let announced = announced_length(headers);
    let most = limit.saturating_add(DISCARDED_BYTES);
    let waits = headers.contains_key(EXPECT);
    if announced.is_some_and(|length| length > most || (waits && length > limit)) {
        return Ok(None);
    }
    let expected = announced.unwrap_or(0).min(limit).min(1 << 20);
    let (mut bytes, mut length) = (Vec::with_capacity(expected), 0_usize);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| ApiError::invalid_json("the body broke off"))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        length = length.saturating_add(data.len());
        if length <= limit {
            bytes.extend_from_slice(&data);
        } else if length > most {
            break;
        }
    }
    Ok((length <= limit).then(|| bytes.into()))
}

fn announced_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// `application/json` or `application/*+json`, with any parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(given) = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok()) else {
        return false;
    };
    let media_type = given.split(';').next().unwrap_or("").trim();
    let media_type = media_type.to_ascii_lowercase();
    media_type
        .strip_prefix("application/")
        .is_some_and(|kind| kind == "json" || (kind.ends_with("+json") && kind.len() > 5))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request as HttpRequest;

    fn request(content_type: &str, body: impl Into<Body>) -> Request {
        HttpRequest::post("/")
            .header("content-type", content_type)
            .body(body.into())
            .unwrap()
    }

    #[tokio::test]
    async fn content_types_that_are_json() {
        for (given, accepted) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/cloudevents+json", true),
            ("application/+json", false),
            ("text/json", false),
            ("application/x-www-form-urlencoded", false),
            ("", false),
        ] {
            let limits = Limits::default();
            match limits.body(request(given, "{}"), Expected::Small).await {
                Ok(body) => assert!(accepted && body == "{}", "{given}"),
                Err(error) => assert_eq!((accepted, error.parts().0), (false, 415), "{given}"),
            }
        }
    }

    #[tokio::test]
    async fn a_body_may_be_as_long_as_its_bound_and_no_longer() {
        for (length, accepted) in [(SMALL_BODY_BYTES, true), (SMALL_BODY_BYTES + 1, false)] {
            let request = request("application/json", vec![b' '; length]);
            let body = Limits::default().body(request, Expected::Small).await;
            match body {
                Ok(body) => assert!(accepted && body.len() == length),
                Err(error) => assert_eq!((accepted, error.parts().1), (false, "body_too_large")),
            }
        }
    }

    #[tokio::test]
    async fn only_an_optional_body_may_be_absent() {
        let empty = || HttpRequest::post("/").body(Body::empty()).unwrap();
        let limits = Limits::default();
        assert_eq!(
            limits.body(empty(), Expected::Optional).await.unwrap(),
            "{}"
        );
        let refused = limits.body(empty(), Expected::Small).await.unwrap_err();
        assert_eq!(refused.parts(), (400, "invalid_json", None));
    }
}
