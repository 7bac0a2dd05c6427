//! All bounds of the driver.

use std::time::Duration;

/// The bounds of the driver.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How long, in real time, a call that moves the clock waits for consumers while none of them answers.
    pub(crate) real_time: Duration,
    /// How many calls may publish at one moment of the server's time while the clock is being moved.
    pub(crate) settle: usize,
    /// How many change sets may be committed and not durable yet. Beyond that the driver refuses calls; it still
    /// takes outcomes and timers, because they finish what has begun.
    pub(crate) uncommitted: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            real_time: Duration::from_secs(5),
            settle: 10_000,
            uncommitted: 10_000,
        }
    }
}
