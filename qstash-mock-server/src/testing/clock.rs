//! The server's clock, for consumers that verify signatures.

use std::sync::Arc;

use crate::instruments::{Clock, Instruments};

/// The server's clock, manual or not, as a [`qstash_verify::Clock`]. Cheap to clone.
/// [`MockServer::clock`](crate::MockServer::clock) makes it.
#[derive(Clone)]
pub struct ServerClock(Arc<Clock>);

impl std::fmt::Debug for ServerClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServerClock(..)")
    }
}

impl ServerClock {
    pub(crate) fn new(instruments: &Instruments) -> Self {
        Self(Arc::clone(&instruments.clock))
    }
}

impl qstash_verify::Clock for ServerClock {
    fn now(&self) -> qstash_verify::Timestamp {
        qstash_verify::Timestamp::from_millis(self.0.now().as_millis())
    }
}
