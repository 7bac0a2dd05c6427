//! All crates together, over HTTP: the real client, the real server, the real verifier.
//!
//! `support` is the vocabulary: a [`support::World`] is a server with its client, a [`support::Consumer`]
//! a verifying webhook that keeps what reached it. Time is the manual clock's wherever a story needs any.

mod accounts;
mod clock;
mod dead_letters;
mod gate;
mod hostile;
mod lifecycle;
mod order;
mod publish;
mod pull;
mod restart;
mod runtimes;
mod storage;
mod support;
mod tidy;
mod v2_client;
mod webhook;
