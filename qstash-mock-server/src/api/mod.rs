//! The HTTP API: it decodes a request to a command, calls the driver, and encodes the reply.
//!
//! It has no rules of queueing. `router.rs` lists every route; `v1` and `v2` are the two dialects, which do not know
//! each other, `admin` is test control, and `shared` is what they have in common. The contract is `protocol/v1.md`
//! and `protocol/v2.md` and, where they are silent, `docs/wire-v1.md` and `docs/wire-v2.md`.
//!
//! Each request first passes `cors.rs`, which says what pages in browsers may do, and `fault_gate.rs`, where the faults
//! of a test strike; `fixture.rs` decodes fixtures.

mod admin;
mod cors;
mod fault_gate;
mod fixture;
mod router;
mod shared;
mod state;
mod v1;
mod v2;

pub(crate) use cors::CorsGate;
pub use cors::{Origin, OriginError};
pub(crate) use fault_gate::FaultGate;
pub(crate) use fixture::{Decoded as DecodedFixture, decode_fixture};
pub(crate) use shared::auth::Authenticator;
pub(crate) use shared::limits::Limits;
#[cfg(feature = "program")]
pub(crate) use shared::token::{is_queue_pattern, issue_token};
use shared::{auth, body, decode, error, json, limits, shown};
pub(crate) use state::{ApiState, Control, Peer};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use v2::fuzz_request;
pub(crate) use v2::write_callback;
