//! The v1 dialect: named queues over JSON. Each handler decodes, calls and encodes.

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

/// What every handler answers.
type Answer = Result<Response, ApiError>;
