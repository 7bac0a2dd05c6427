//! What a consumer answered.

use bytes::Bytes;

use super::headers::{Headers, headers_cost};

/// What a consumer answered to an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Its status code.
    pub status: u16,
    /// Its headers.
    pub headers: Headers,
    /// The beginning of its body.
    pub body: Bytes,
}

impl Response {
    /// What it counts for in bounds on bytes.
    pub(crate) fn cost(&self) -> usize {
        headers_cost(&self.headers) + self.body.len()
    }

    /// The same without what takes room: the status stays.
    pub(crate) fn stripped(&self) -> Self {
        Self {
            status: self.status,
            headers: Headers::default(),
            body: Bytes::new(),
        }
    }
}
