//! What is accepted and what is not, and what the adapters make of it.

mod actix;
mod adapters;
mod common;
mod config;
mod delivery;
mod extractors;
mod fixtures;
mod fuzz;
mod guard;
mod guard_layer;
mod hmac;
mod jwt;
mod limits;
mod log;
mod nested;
mod properties;
mod receivers;
mod redis;
mod refresh;
mod rotation;
mod server;
mod slips;
mod strangers;
mod urls;
