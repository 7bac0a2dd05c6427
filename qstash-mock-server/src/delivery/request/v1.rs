//! The headers of a v1 delivery (v1.md section 5). Pure.

use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};

use super::write::{Unsendable, text};
use crate::engine::{Attempt, QueueEnvelope};
use crate::text::{lease_id, rfc3339};

const SIGNATURE: HeaderName = HeaderName::from_static("qstash-signature");
const MESSAGE_ID: HeaderName = HeaderName::from_static("qstash-message-id");
const QUEUE: HeaderName = HeaderName::from_static("qstash-queue");
const ATTEMPT: HeaderName = HeaderName::from_static("qstash-attempt");
const LEASE_ID: HeaderName = HeaderName::from_static("qstash-lease-id");
const PUBLISHED_AT: HeaderName = HeaderName::from_static("qstash-published-at");
pub(super) const AGENT: &str = concat!("qstash-mock-server/", env!("CARGO_PKG_VERSION"));

/// Adds the server's headers to the publisher's `headers`. The server's replace the publisher's, except the content
/// type and the user agent, which are defaults. A content type that is empty is none.
pub(super) fn add(
    headers: &mut HeaderMap,
    attempt: &Attempt,
    envelope: &QueueEnvelope,
    signature: &str,
) -> Result<(), Unsendable> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    if types.all(|it| it.as_bytes().trim_ascii().is_empty()) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    headers
        .entry(USER_AGENT)
        .or_insert(HeaderValue::from_static(AGENT));
    headers.insert(SIGNATURE, text(signature)?);
    headers.insert(MESSAGE_ID, text(&attempt.message.0.to_string())?);
    headers.insert(QUEUE, text(envelope.queue.as_str())?);
    headers.insert(ATTEMPT, HeaderValue::from(attempt.number));
    headers.insert(LEASE_ID, text(&lease_id(envelope.lease))?);
    headers.insert(PUBLISHED_AT, text(&rfc3339(attempt.published_at))?);
    Ok(())
}
