//! A consumer's answer.

use bytes::Bytes;

use super::headers::{Headers, headers_cost};

/// A consumer's answer to an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status code.
    pub status: u16,
    /// The headers of the answer.
    pub headers: Headers,
    /// The beginning of the body.
    pub body: Bytes,
}

impl Response {
    /// The number of bytes that the answer counts for in the engine's bounds.
    pub(crate) fn cost(&self) -> usize {
        headers_cost(&self.headers) + self.body.len()
    }

    /// The answer's status code, without headers and body.
    pub(crate) fn stripped(&self) -> Self {
        Self {
            status: self.status,
            headers: Headers::default(),
            body: Bytes::new(),
        }
    }
}
