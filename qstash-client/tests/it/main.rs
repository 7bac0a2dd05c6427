//! The client as its users see it: over a scripted transport with virtual time, and over a real connection.

mod fake;
mod leases;
mod lists;
#[cfg(feature = "reqwest")]
mod network;
mod retries;
mod shown;
mod v2;
