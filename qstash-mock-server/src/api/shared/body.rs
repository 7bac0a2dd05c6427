//! Reading request bodies within a time limit, a bound for each body, and a bound for all bodies together.

use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::HttpBody;
use axum::extract::Request;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::BodyExt;

use super::error::ApiError;
use super::limits::{Expected, Limits, SMALL_BODY_BYTES};

/// Reads the request bodies of one server.
pub(in crate::api) struct Bodies {
    limits: Limits,
    /// The bytes of all bodies under way, without the first [`SMALL_BODY_BYTES`] of each.
    in_flight: AtomicUsize,
}

/// A request's body, and its share of the bound for all bodies. Its memory is not the connection's buffer, so that a
/// stored message does not keep more memory than its own.
pub(in crate::api) struct Body<'a> {
    bytes: Bytes,
    _share: Share<'a>,
}

impl Deref for Body<'_> {
    type Target = Bytes;

    fn deref(&self) -> &Bytes {
        &self.bytes
    }
}

impl Bodies {
    pub(in crate::api) fn new(limits: Limits) -> Self {
        // One body of the largest size must always be possible. A v2 message of 50 MiB is not worth a larger bound than
        // was asked for.
        let least = limits
            .bound(Expected::Publish)
            .max(limits.bound(Expected::Batch))
            .max(limits.bound(Expected::V2Json));
        let body_bytes_in_flight = limits.body_bytes_in_flight.max(least);
        let limits = Limits {
            body_bytes_in_flight,
            v2_message_bytes: limits.v2_message_bytes.min(body_bytes_in_flight),
            ..limits
        };
        Self {
            limits,
            in_flight: AtomicUsize::new(0),
        }
    }

    /// Reads the body of `request`, which must have a JSON content type, within the bound and the time limit.
    pub(in crate::api) async fn read(
        &self,
        request: Request,
        expected: Expected,
    ) -> Result<Body<'_>, ApiError> {
        let (parts, body) = request.into_parts();
        if body.is_end_stream() {
            return match expected {
                Expected::Optional => Ok(Body {
                    bytes: Bytes::from_static(b"{}"),
                    _share: Share::of(self),
                }),
                _ => Err(ApiError::invalid_json("the request needs a JSON body")),
            };
        }
        if !is_json(&parts.headers) {
            return Err(ApiError::not_json());
        }
        self.read_any(&parts.headers, body, expected).await
    }

    /// Reads a body of any content type within the bound and the time limit. It is empty if there is none.
    pub(in crate::api) async fn read_any(
        &self,
        headers: &HeaderMap,
        body: axum::body::Body,
        expected: Expected,
    ) -> Result<Body<'_>, ApiError> {
        let mut share = Share::of(self);
        let whole = self.whole(headers, body, expected, &mut share);
        let bytes = tokio::time::timeout(self.limits.body_timeout, whole)
            .await
            .map_err(|_| ApiError::request_timeout())??;
        Ok(Body {
            bytes,
            _share: share,
        })
    }

    async fn whole(
        &self,
        headers: &HeaderMap,
        mut body: axum::body::Body,
        expected: Expected,
        share: &mut Share<'_>,
    ) -> Result<Bytes, ApiError> {
        let limit = self.limits.bound(expected);
        let over = || self.limits.too_large(expected);
        let announced = announced_length(headers).unwrap_or(0);
        if announced > limit {
            return Err(over());
        }
        let mut bytes = Vec::with_capacity(announced.min(1 << 20));
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| ApiError::invalid_json("the body broke off"))?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if bytes.len().saturating_add(data.len()) > limit {
                return Err(over());
            }
            if !share.grow_to(bytes.len() + data.len()) {
                return Err(ApiError::too_many_bodies());
            }
            bytes.extend_from_slice(&data);
        }
        Ok(bytes.into())
    }
}

/// The share of one body in the bound for all bodies. Dropping it gives the share back.
struct Share<'a> {
    bodies: &'a Bodies,
    bytes: usize,
}

impl<'a> Share<'a> {
    fn of(bodies: &'a Bodies) -> Self {
        Self { bodies, bytes: 0 }
    }

    /// Takes the share of a body of `length` bytes; false if the bound does not allow it.
    fn grow_to(&mut self, length: usize) -> bool {
        let more = length
            .saturating_sub(SMALL_BODY_BYTES)
            .saturating_sub(self.bytes);
        if more == 0 {
            return true;
        }
        let before = self.bodies.in_flight.fetch_add(more, Ordering::Relaxed);
        self.bytes += more;
        before.saturating_add(more) <= self.bodies.limits.body_bytes_in_flight
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.bodies
                .in_flight
                .fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}

fn announced_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Whether a content type is `application/json` or `application/*+json`, with any parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(given) = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok()) else {
        return false;
    };
    let media_type = given.split(';').next().unwrap_or("").trim();
    let Some((tree, kind)) = media_type.split_once('/') else {
        return false;
    };
    let suffixed = || {
        let suffix = kind.len().checked_sub("+json".len()).filter(|it| *it > 0);
        suffix.is_some_and(|at| kind.as_bytes()[at..].eq_ignore_ascii_case(b"+json"))
    };
    tree.eq_ignore_ascii_case("application") && (kind.eq_ignore_ascii_case("json") || suffixed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request as HttpRequest;

    fn bodies() -> Bodies {
        Bodies::new(Limits::default())
    }

    fn request(content_type: &str, body: impl Into<axum::body::Body>) -> Request {
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
            match bodies().read(request(given, "{}"), Expected::Small).await {
                Ok(body) => assert!(accepted && **body == *b"{}", "{given}"),
                Err(error) => assert_eq!((accepted, error.parts().0), (false, 415), "{given}"),
            }
        }
    }

    #[tokio::test]
    async fn a_body_may_be_as_long_as_its_bound_and_no_longer() {
        for (length, accepted) in [(SMALL_BODY_BYTES, true), (SMALL_BODY_BYTES + 1, false)] {
            let request = request("application/json", vec![b' '; length]);
            match bodies().read(request, Expected::Small).await {
                Ok(body) => assert!(accepted && body.len() == length),
                Err(error) => assert_eq!((accepted, error.parts().1), (false, "body_too_large")),
            }
        }
    }

    #[tokio::test]
    async fn only_an_optional_body_may_be_absent() {
        let empty = || {
            HttpRequest::post("/")
                .body(axum::body::Body::empty())
                .unwrap()
        };
        let bodies = bodies();
        let absent = bodies.read(empty(), Expected::Optional).await.unwrap();
        assert_eq!(**absent, *b"{}");
        let refused = bodies.read(empty(), Expected::Small).await.err().unwrap();
        assert_eq!(refused.parts(), (400, "invalid_json", None));
    }

    #[tokio::test]
    async fn large_bodies_share_one_bound_and_give_back_what_they_took() {
        const LARGE: usize = 1 << 20;
        let limits = Limits {
            message_bytes: 1,
            batch_bytes: LARGE,
            body_bytes_in_flight: 0,
            ..Limits::default()
        };
        let bodies = Bodies::new(limits);
        let read = |length| {
            let request = request("application/json", vec![b' '; length]);
            bodies.read(request, Expected::Batch)
        };
        let alone = read(LARGE).await.ok();
        assert!(alone.is_some(), "the largest body is possible alone");
        let room = SMALL_BODY_BYTES * 2;
        assert!(read(room).await.is_ok());
        let refused = read(room + 1).await.err().unwrap();
        assert_eq!(refused.parts(), (503, "overloaded", None));
        drop(alone);
        assert!(read(LARGE).await.is_ok());
        assert_eq!(bodies.in_flight.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn one_body_of_any_kind_is_always_possible_and_a_larger_v2_message_is_refused_as_such() {
        let limits = Limits {
            message_bytes: 1,
            batch_bytes: 1,
            body_bytes_in_flight: 0,
            ..Limits::default()
        };
        let (bodies, headers) = (Bodies::new(limits), HeaderMap::new());
        for expected in [
            Expected::Publish,
            Expected::Batch,
            Expected::Small,
            Expected::Optional,
            Expected::V2Message,
            Expected::V2Json,
        ] {
            let body = vec![b' '; bodies.limits.bound(expected)];
            let read = bodies.read_any(&headers, body.into(), expected);
            assert!(read.await.is_ok(), "{expected:?}");
        }
        let body = vec![b' '; bodies.limits.bound(Expected::V2Message) + 1];
        let read = bodies.read_any(&headers, body.into(), Expected::V2Message);
        let refused = read.await.err().unwrap();
        assert_eq!(refused.parts(), (413, "body_too_large", None));
    }
}
