//! The client as its users see it: over a scripted transport with virtual time, and over a real connection.

mod fake;
mod leases;
#[cfg(feature = "reqwest")]
mod lengths;
mod lists;
mod retries;
mod v2;
#[cfg(feature = "reqwest")]
mod wire;
