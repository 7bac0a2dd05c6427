//! The HTTP face of a running server: what it answers to good and to bad requests.

mod auth;
mod binary;
mod bounds;
mod cors;
mod ids;
mod metrics;
mod publish;
mod queues;
mod receive;
mod routes;
mod sdk;
mod support;
mod testing;
mod v2;
