//! The server as a value: configured by a builder, started on the caller's runtime, stopped when it is dropped.
//!
//! `builder` holds every setting, `start` puts the parts together, `listen` accepts connections, `dedicated` runs all of
//! it on a thread of its own. `handle` is the running server, `control` what a test does with it.

mod builder;
mod control;
mod dedicated;
mod handle;
mod listen;
mod seeds;
mod start;

pub use builder::MockServerBuilder;
pub use handle::MockServer;
pub use start::StartError;
