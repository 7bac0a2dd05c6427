//! All bounds of the API.

use std::time::Duration;

use super::error::ApiError;

/// The bounds that are server settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The most bytes of one v1 message.
    pub(crate) message_bytes: usize,
    /// The most bytes of one v2 message. The engine applies the quota, which may be smaller.
    pub(crate) v2_message_bytes: usize,
    /// The most bytes of one batch request.
    pub(crate) batch_bytes: usize,
    /// The most bytes of all request bodies under way, without the first [`SMALL_BODY_BYTES`] of each.
    pub(crate) body_bytes_in_flight: usize,
    /// How long a request body may take to arrive.
    pub(crate) body_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 1 << 20,
            v2_message_bytes: V2_MESSAGE_BYTES,
            batch_bytes: 100 << 20,
            body_bytes_in_flight: 256 << 20,
            body_timeout: Duration::from_secs(60),
        }
    }
}

/// The most bytes of a publish beside its message: headers and key, even if every character is escaped.
const ENVELOPE_BYTES: usize = 128 << 10;
/// The most bytes of any other request body.
pub(in crate::api) const SMALL_BODY_BYTES: usize = 64 << 10;

/// The most bytes of the header names that a preflight may ask for: room for those of every message.
pub(in crate::api) const PREFLIGHT_HEADER_BYTES: usize = 16 << 10;

/// Items of a batch.
pub(in crate::api) const BATCH_ITEMS: usize = 1000;
/// Levels of arrays and objects in a message.
pub(in crate::api) const MESSAGE_DEPTH: usize = 128;
/// The most fields of a JSON object that are kept; no object of the contract has as many.
pub(in crate::api) const OBJECT_FIELDS: usize = V2_HEADERS + 1;
/// Headers of one message, and the bytes of all their names and values.
pub(in crate::api) const HEADERS: usize = 64;
pub(in crate::api) const HEADER_BYTES: usize = 16 << 10;
/// Header lines of one v2 request and their bytes. Settings are headers, too.
pub(in crate::api) const V2_HEADERS: usize = 256;
pub(in crate::api) const V2_HEADER_BYTES: usize = 64 << 10;
/// The most bytes of one v2 message: as many as the largest plan allows.
pub(in crate::api) const V2_MESSAGE_BYTES: usize = 50 << 20;
/// The most bytes of any other v2 body: enough for the most ids or endpoints.
pub(in crate::api) const V2_JSON_BYTES: usize = 1 << 20;
/// The most bytes of a label, a flow-control key or a deduplication id.
pub(in crate::api) const V2_NAME_BYTES: usize = 256;
/// Labels of one message.
pub(in crate::api) const V2_LABELS: usize = 64;
/// Bytes of a destination.
pub(in crate::api) const DESTINATION_BYTES: usize = 8 << 10;
/// Values of one filter, and ids of one bulk operation.
pub(in crate::api) const FILTER_VALUES: usize = 1000;
/// Bytes of an idempotency key.
pub(in crate::api) const IDEMPOTENCY_KEY_BYTES: usize = 256;
/// Bytes of a webhook's URL.
pub(in crate::api) const WEBHOOK_URL_BYTES: usize = 2048;
/// The most entries of a list of backoffs: one for each possible retry.
pub(in crate::api) const BACKOFF_ENTRIES: usize = 100;
/// Messages of one `receive`.
pub(in crate::api) const RECEIVE_MESSAGES: u32 = 100;
/// Entries of one page of a list: the most, and the default.
pub(in crate::api) const PAGE: u32 = 1000;
pub(in crate::api) const DEFAULT_PAGE: u32 = 100;
/// The most snapshots that test control keeps, and the most bytes of all of them.
pub(in crate::api) const SNAPSHOTS: usize = 16;
pub(in crate::api) const SNAPSHOT_BYTES: u64 = 2 << 30;
/// The most bytes of a token, and how many verified tokens are cached.
pub(in crate::api) const TOKEN_BYTES: usize = 16 << 10;
pub(in crate::api) const REMEMBERED_TOKENS: usize = 1024;

/// What names of queues, URL groups and schedules must be, as the rest of a sentence.
pub(in crate::api) const NAME_RULE: &str = "must be 1 to 256 letters, digits, `_`, `.` or `-`";

/// The kind of body that a route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::api) enum Expected {
    /// One v1 message.
    Publish,
    /// A v1 batch of messages.
    Batch,
    /// A JSON object.
    Small,
    /// A JSON object that may be absent, because all its fields are optional.
    Optional,
    /// One v2 message: any bytes.
    V2Message,
    /// Any other v2 body.
    V2Json,
}

impl Limits {
    /// The most bytes of a body of this kind.
    pub(in crate::api) fn bound(&self, expected: Expected) -> usize {
        match expected {
            Expected::Publish => self.message_bytes.saturating_add(ENVELOPE_BYTES),
            Expected::Batch => self.batch_bytes,
            Expected::V2Message => self.v2_message_bytes,
            Expected::V2Json => V2_JSON_BYTES,
            Expected::Small | Expected::Optional => SMALL_BODY_BYTES,
        }
    }

    /// The refusal of a body over the bound.
    pub(in crate::api) fn too_large(&self, expected: Expected) -> ApiError {
        match expected {
            Expected::Publish => ApiError::message_too_large(self.message_bytes),
            other => ApiError::body_too_large(self.bound(other)),
        }
    }
}
