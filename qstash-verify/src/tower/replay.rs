//! The first answer to a message, as a store keeps it for the duplicates.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING};
use http::response::Parts;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::BodyExt;

use super::AnswerBody;

/// What is kept: status, headers and body, in JSON, because the store may be another machine's.
#[derive(serde::Serialize, serde::Deserialize)]
struct Kept {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// Reads the body of an answer if it is short enough to be kept. Returns the same answer, and what is to be kept of it.
///
/// A body of unknown or greater length is passed on untouched, because half of it could not be put back.
pub(super) async fn keep<R: AnswerBody>(
    response: Response<R>,
    longest: usize,
) -> (Response<R>, Option<Vec<u8>>) {
    let length = response.body().size_hint().upper();
    if length.is_none_or(|length| length > longest as u64) {
        return (response, None);
    }
    let (parts, body) = response.into_parts();
    let Ok(body) = body.collect().await else {
        // The work is done all the same, and its status says so.
        return (Response::from_parts(parts, R::of_text(Bytes::new())), None);
    };
    let body = body.to_bytes();
    let kept = serde_json::to_vec(&Kept::new(&parts, &body)).ok();
    (Response::from_parts(parts, R::of_text(body)), kept)
}

/// Makes the answer anew. `None` if the store holds something else, such as that of another version.
pub(super) fn replay<R: AnswerBody>(kept: &[u8]) -> Option<Response<R>> {
    let kept: Kept = serde_json::from_slice(kept).ok()?;
    let body = STANDARD.decode(kept.body).ok()?;
    let mut response = Response::new(R::of_text(body.into()));
    *response.status_mut() = StatusCode::from_u16(kept.status).ok()?;
    for (name, value) in kept.headers {
        let name = HeaderName::try_from(name).ok()?;
        let value = HeaderValue::from_bytes(&STANDARD.decode(value).ok()?).ok()?;
        response.headers_mut().append(name, value);
    }
    Some(response)
}

impl Kept {
    fn new(parts: &Parts, body: &[u8]) -> Self {
        // These are about one connection or one moment; the server writes them anew.
        let passing = [CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING];
        let headers = parts.headers.iter();
        Self {
            status: parts.status.as_u16(),
            headers: headers
                .filter(|(name, _)| !passing.contains(name))
                .map(|(name, value)| (name.to_string(), STANDARD.encode(value)))
                .collect(),
            body: STANDARD.encode(body),
        }
    }
}
