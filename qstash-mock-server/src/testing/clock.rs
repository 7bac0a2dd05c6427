//! The server's clock in a consumer's hand.

use std::sync::Arc;

use super::toolkit::Toolkit;
use crate::driver::Clock;

/// Tells the server's time, also where that is a manual clock. Cheap to clone.
#[derive(Clone)]
pub struct ServerClock(Arc<Clock>);

impl std::fmt::Debug for ServerClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServerClock(..)")
    }
}

impl ServerClock {
    pub(crate) fn new(toolkit: &Toolkit) -> Self {
        Self(Arc::clone(&toolkit.clock))
    }
}

impl qstash_verify::Clock for ServerClock {
    fn now(&self) -> qstash_verify::Timestamp {
        qstash_verify::Timestamp::from_millis(self.0.now().as_millis())
    }
}

/// Which time a signature tells that tells one (v2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureClock {
    /// The server's, which a consumer in the same process can verify by; see
    /// [`MockServer::clock`](crate::MockServer::clock).
    #[default]
    Virtual,
    /// The machine's, which is all that foreign consumers know. The program uses this one.
    Real,
}
