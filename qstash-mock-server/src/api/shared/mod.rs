//! What the dialects, test control and fixtures have in common.
//!
//! `auth` and `token` find the caller of a request. `body` reads a request's body within its bound, `decode` reads
//! JSON so that every refusal can name the field, `json` writes JSON, `error` has refusals, `limits` all bounds, and
//! `shown` writes the parts of a message, redacted where its publisher asked for it.

pub(super) mod auth;
pub(super) mod body;
pub(super) mod decode;
pub(super) mod error;
pub(super) mod json;
pub(super) mod limits;
pub(super) mod shown;
pub(super) mod token;
