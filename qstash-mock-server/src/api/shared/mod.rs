//! What the dialects, test control and fixtures share: who calls, reading JSON, writing JSON, refusing, and every bound
//! of the HTTP face.
//!
//! `auth` and `token` find out who calls. `body` reads a request's body within its bound, `decode` takes JSON apart so
//! that every refusal names what is at fault, `json` writes it, `error` is a refusal, `limits` holds every bound, `shown` is what
//! anybody is shown of a message.

pub(super) mod auth;
pub(super) mod body;
pub(super) mod decode;
pub(super) mod error;
pub(super) mod json;
pub(super) mod limits;
pub(super) mod shown;
pub(super) mod token;
