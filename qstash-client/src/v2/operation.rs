//! Operations as all calls of v2 make them.

use bytes::Bytes;
use http::{Method, Response};

use crate::endpoint::Operation;
use crate::error::BoxError;
use crate::rate_limit::RateLimit;

/// An operation whose 429 tells which limit was reached.
pub(crate) fn new<T>(
    name: &'static str,
    attempted: impl Into<String>,
    method: Method,
    path: impl Into<String>,
    decode: fn(&Response<Bytes>) -> Result<T, BoxError>,
) -> Operation<T> {
    Operation::new(name, attempted, method, path, decode).limited(RateLimit::read)
}
