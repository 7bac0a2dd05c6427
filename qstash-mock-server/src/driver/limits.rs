//! Every bound of the driver.

use std::time::Duration;

/// How long, and how much, the driver waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How long, in real time, whoever moves the clock waits for a consumer's answer, while no other one answers.
    pub(crate) real_time: Duration,
    /// How many calls may publish at one moment of a clock that is being moved.
    pub(crate) settle: usize,
    /// How many change sets may be handed to the store and not be durable yet. Beyond it calls are refused; outcomes and
    /// timers still come in, because they end what was begun.
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
