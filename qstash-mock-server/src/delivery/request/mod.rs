//! Turning an attempt into the HTTP request of v1.md section 5 or v2.md section 3.1. Pure.
//!
//! `write` makes the request; the headers of each dialect are in `v1` and `v2`.

#[cfg(test)]
pub(super) mod tests;
mod v1;
mod v2;
mod write;

pub(crate) use write::headers;
pub(super) use write::{Unsendable, request};
