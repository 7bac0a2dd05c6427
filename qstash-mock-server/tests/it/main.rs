//! The HTTP face of a running server: what it answers to good and to bad requests.

mod auth;
mod bounds;
mod cors;
mod ids;
mod metrics;
mod publish;
mod queues;
mod receive;
mod routes;
mod support;
mod testing;
#[cfg(feature = "tls")]
mod tls;
mod v2;
