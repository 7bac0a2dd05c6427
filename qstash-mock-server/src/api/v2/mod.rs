//! The v2 dialect: Upstash's HTTP API (contract: v2.md; where it is silent, `docs/wire-v2.md`).
//!
//! `route.rs` finds the operation in a raw path, because destinations stand in it as they are. `settings.rs` reads the
//! headers, which say everything about a message but its body.

mod callback;
mod destination;
mod duration;
mod error;
mod flow;
mod lines;
mod query;
mod redact;
mod route;
mod settings;

pub(crate) use callback::write_callback;
