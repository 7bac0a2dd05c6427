//! The requests that a consumer received.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::HeaderMap;
use http::request::Parts;
use qstash_verify::VerifyError;
use serde::de::DeserializeOwned;

use crate::engine::Timestamp;
use crate::instruments::Recorder;

/// The most requests, and bytes of their bodies, that a consumer keeps. The oldest are forgotten first.
const MAX_KEPT: usize = 10_000;
const MAX_KEPT_BYTES: usize = 64 << 20;

/// A request that a consumer received.
#[derive(Clone, Debug)]
pub struct Received {
    pub(super) parts: Parts,
    pub(super) body: Bytes,
    pub(super) at: Timestamp,
    pub(super) signature: Result<(), VerifyError>,
}

impl Received {
    /// The headers of the request.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// The value of a header, if there is one and it is text. Upper and lower case of the name do not matter.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().get(name)?.to_str().ok()
    }

    /// The path of the request, with the query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.parts
            .uri
            .path_and_query()
            .map_or("/", |it| it.as_str())
    }

    /// The HTTP method of the request.
    #[must_use]
    pub fn method(&self) -> &http::Method {
        &self.parts.method
    }

    /// The body of the request, byte for byte.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The body of the request, parsed as JSON.
    ///
    /// # Errors
    /// The body is not the JSON of a `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// When the request arrived, in the server's time.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// The number of the attempt, from 1, as the headers of either dialect give it; 1 if there is no such header.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        let number = |name| self.header(name)?.parse::<u32>().ok();
        let retried = || number("upstash-retried").map(|retried| retried.saturating_add(1));
        number("qstash-attempt").or_else(retried).unwrap_or(1)
    }

    /// The message's id, if a header of either dialect gives it.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        self.header("qstash-message-id")
            .or_else(|| self.header("upstash-message-id"))
    }

    /// Whether the signature of the server is valid.
    ///
    /// # Errors
    /// The signature is missing or not valid; the error says why.
    pub fn signature(&self) -> Result<(), VerifyError> {
        self.signature.clone()
    }
}

/// The newest requests of a consumer.
#[derive(Debug, Default)]
pub(super) struct Recorded(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    requests: VecDeque<Received>,
    bytes: usize,
    total: usize,
}

impl Recorded {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, received: Received) {
        let mut kept = self.lock();
        kept.bytes += received.body.len();
        kept.total += 1;
        kept.requests.push_back(received);
        while kept.requests.len() > MAX_KEPT || kept.bytes > MAX_KEPT_BYTES {
            let Some(oldest) = kept.requests.pop_front() else {
                break;
            };
            kept.bytes -= oldest.body.len();
        }
    }

    pub(super) fn all(&self) -> Vec<Received> {
        self.lock().requests.iter().cloned().collect()
    }

    pub(super) fn total(&self) -> usize {
        self.lock().total
    }
}

impl Recorder for Recorded {
    fn clear(&self) {
        *self.lock() = Kept::default();
    }
}
