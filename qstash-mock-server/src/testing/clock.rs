//! The server's clock in a consumer's hand.

use std::sync::Arc;

use crate::instruments::{Clock, Instruments};

/// Tells the server's time, also where that is a manual clock. Cheap to clone.
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
