//! What is accepted and what is not, and what the adapters make of it.

mod common;
mod config;
mod delivery;
mod fixtures;
mod hmac;
mod jwt;
mod urls;
