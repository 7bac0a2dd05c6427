//! The server as a value: a builder configures it, it runs on the caller's runtime, and it stops when it is dropped.
//!
//! `builder` has every setting, `start` puts the parts together, `listen` accepts connections, and `dedicated` runs
//! the server on a thread of its own. `handle` is the running server, `control` its methods for tests.

mod builder;
mod control;
mod dedicated;
mod handle;
mod listen;
mod seeds;
mod start;

pub use builder::MockServerBuilder;
pub use handle::MockServer;
#[cfg(feature = "program")]
pub(crate) use start::MIN_SECRET;
pub use start::StartError;
