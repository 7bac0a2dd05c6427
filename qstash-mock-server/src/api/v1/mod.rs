//! The v1 dialect: named queues over JSON. Each handler decodes a request, calls the engine and encodes the reply.

pub(super) mod fixture;
pub(super) mod messages;
pub(super) mod metrics;
mod path;
mod prometheus;
pub(super) mod publish;
mod query;
pub(super) mod queues;
pub(super) mod receive;
mod settings;
pub(super) mod signing_secret;
mod wire;

use axum::response::Response;

pub(super) use query::Query;

use super::error::ApiError;

/// The result of a handler.
type Answer = Result<Response, ApiError>;
