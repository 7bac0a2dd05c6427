//! Every bound of this layer.

use std::time::Duration;

use super::error::ApiError;

/// The bounds that are server settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes of one `message`.
    pub(crate) message_bytes: usize,
    /// Bytes of one batch request.
    pub(crate) batch_bytes: usize,
    /// Bytes of all request bodies under way, less the first [`SMALL_BODY_BYTES`] of each.
    pub(crate) body_bytes_in_flight: usize,
    /// How long a request body may take to arrive.
    pub(crate) body_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 1 << 20,
            batch_bytes: 100 << 20,
            body_bytes_in_flight: 256 << 20,
            body_timeout: Duration::from_secs(60),
        }
    }
}

/// What a publish may need beside its message: headers and key, even if all of it is escapes.
const ENVELOPE_BYTES: usize = 128 << 10;
/// Any other request body.
pub(in crate::api) const SMALL_BODY_BYTES: usize = 64 << 10;

/// Items of a batch.
pub(in crate::api) const BATCH_ITEMS: usize = 1000;
/// Levels of arrays and objects in a message.
pub(in crate::api) const MESSAGE_DEPTH: usize = 128;
/// Fields of a JSON object that are looked at; more than any object of the contract has.
pub(in crate::api) const OBJECT_FIELDS: usize = V2_HEADERS + 1;
/// Headers of one message, and the bytes of all their names and values.
pub(in crate::api) const HEADERS: usize = 64;
pub(in crate::api) const HEADER_BYTES: usize = 16 << 10;
/// The same in v2, whose settings are headers, too.
pub(in crate::api) const V2_HEADERS: usize = 256;
pub(in crate::api) const V2_HEADER_BYTES: usize = 64 << 10;
/// Bytes of one v2 message: what the largest plan allows. A smaller plan is the engine's business.
pub(in crate::api) const V2_MESSAGE_BYTES: usize = 50 << 20;
/// Bytes of any other v2 body: room for as many ids or endpoints as one may hold.
pub(in crate::api) const V2_JSON_BYTES: usize = 1 << 20;
/// Bytes of one setting that is a name: a label, a flow-control key, a deduplication id.
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
/// Entries of a list of backoffs: one for each retry there can be.
pub(in crate::api) const BACKOFF_ENTRIES: usize = 100;
/// Messages of one `receive`.
pub(in crate::api) const RECEIVE_MESSAGES: u32 = 100;
/// Entries of one page of a list: the bound, and what is given unless asked for.
pub(in crate::api) const PAGE: u32 = 1000;
pub(in crate::api) const DEFAULT_PAGE: u32 = 100;
/// Snapshots that test control keeps, and the bytes of all of them. What the server still holds is not held twice.
pub(in crate::api) const SNAPSHOTS: usize = 16;
pub(in crate::api) const SNAPSHOT_BYTES: u64 = 2 << 30;
/// Bytes of a token, and how many verified ones are remembered.
pub(in crate::api) const TOKEN_BYTES: usize = 16 << 10;
pub(in crate::api) const REMEMBERED_TOKENS: usize = 1024;

/// What kind of body a route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::api) enum Expected {
    /// One message.
    Publish,
    /// Many messages.
    Batch,
    /// A JSON object.
    Small,
    /// A JSON object all of whose fields are optional, so that it may be absent.
    Optional,
    /// One message of v2: any bytes.
    V2Message,
    /// Any other body of v2.
    V2Json,
}

impl Limits {
    /// The bound of a body in bytes.
    pub(in crate::api) fn bound(&self, expected: Expected) -> usize {
        match expected {
            Expected::Publish => self.message_bytes.saturating_add(ENVELOPE_BYTES),
            Expected::Batch => self.batch_bytes,
            Expected::V2Message => V2_MESSAGE_BYTES,
            Expected::V2Json => V2_JSON_BYTES,
            Expected::Small | Expected::Optional => SMALL_BODY_BYTES,
        }
    }

    /// The refusal of a body past its bound.
    pub(in crate::api) fn too_large(&self, expected: Expected) -> ApiError {
        match expected {
            Expected::Publish => ApiError::message_too_large(self.message_bytes),
            other => ApiError::body_too_large(self.bound(other)),
        }
    }
}
