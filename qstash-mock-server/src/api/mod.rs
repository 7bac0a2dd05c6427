//! The HTTP face: decode a request to a command, call the driver, encode the reply.
//!
//! No rule of queueing lives here. `router.rs` is the one page that lists every route; `v1` and `v2` are the two
//! dialects, which do not know each other, `admin` is test control, and `shared` is what they have in common. The contract
//! is `protocol/v1.md` and `protocol/v2.md` and, where they are silent, `docs/wire-v1.md` and `docs/wire-v2.md`.
//!
//! `fault_gate.rs` takes a request first and lets it meet the faults that a test has set; `fixture.rs` reads what a server is
//! to begin with.

mod admin;
mod fault_gate;
mod fixture;
mod router;
mod shared;
mod state;
mod v1;
mod v2;

pub(crate) use fault_gate::FaultGate;
pub(crate) use fixture::{Decoded as DecodedFixture, decode_fixture};
pub(crate) use shared::auth::{Authenticator, development_keys};
pub(crate) use shared::limits::Limits;
pub(crate) use shared::token::issue_token;
use shared::{auth, body, decode, error, json, limits, shown};
pub(crate) use state::{ApiState, Control, Peer};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use v2::fuzz_request;
pub(crate) use v2::write_callback;
