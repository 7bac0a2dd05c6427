//! How the calls of v2 make their operations.

use bytes::Bytes;
use http::{Method, Response};

use crate::endpoint::Operation;
use crate::error::BoxError;
use crate::rate_limit::RateLimit;

/// Makes an operation that reads which limit a 429 reports.
pub(crate) fn new<T>(
    name: &'static str,
    attempted: impl Into<String>,
    method: Method,
    path: impl Into<String>,
    decode: fn(&Response<Bytes>) -> Result<T, BoxError>,
) -> Operation<T> {
    Operation::new(name, attempted, method, path, decode).limited(RateLimit::read)
}
