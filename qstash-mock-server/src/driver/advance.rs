//! Moving a manual clock, from deadline to deadline.
//!
//! At each deadline the deliveries it started are awaited, their outcomes applied in attempt order, and
//! only then does time go on. Not waited for is an attempt
//!
//! - that is parked: a consumer of the test or a fault is known to wait for the clock; its time is
//!   a deadline like any other,
//! - whose consumer did not answer within the driver's real-time limit, while no other one did: it is
//!   left behind, fails at its virtual timeout, and the report lists it. The next call waits for it anew.
//!
//! Consumers that publish in answer to what was published, without a delay, would be waited for without
//! end: over the driver's bound of calls that publish at one deadline the clock stays there and says so.
//!
//! One caller at a time moves the clock. Another one, also from inside a consumer, is told [`ClockBusy`]:
//! waiting would be a deadlock, because the clock waits for that consumer.

use std::sync::Arc;

use tokio::sync::MutexGuard;

use super::handle::Driver;
use super::lock::{Core, Moved};
use crate::engine::{Attempt, MessageId, QueueName, Timestamp};
use crate::instruments::RealSleep;

/// What happened while the clock was moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Advanced {
    /// The time that it is now.
    pub now: Timestamp,
    /// Deadlines that were met on the way. Some are the server's own, such as forgetting a finished message.
    pub deadlines: usize,
    /// Deliveries that were started on the way.
    pub started: usize,
    /// Which ones: the first [`Advanced::MAX_LISTED`] of them.
    pub due: Vec<Due>,
    /// Deliveries whose consumer did not answer in time and were left behind.
    pub unanswered: usize,
    /// Which ones: the first [`Advanced::MAX_LISTED`] of them.
    pub left_behind: Vec<Due>,
}

/// A delivery, as a report names it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Due {
    /// The message.
    pub message: MessageId,
    /// Its queue, if it is delivered by a queue's rules.
    pub queue: Option<QueueName>,
    /// Where to.
    pub url: Arc<str>,
    /// Which attempt it is; 1 for the first.
    pub attempt: u32,
    /// When it was started, in the server's time.
    pub at: Timestamp,
}

impl Due {
    fn of(attempt: &Attempt) -> Self {
        Self {
            message: attempt.message,
            queue: attempt.queue().cloned(),
            url: Arc::clone(&attempt.url),
            attempt: attempt.number,
            at: attempt.started_at,
        }
    }
}

impl Advanced {
    /// How many deliveries a report lists.
    pub const MAX_LISTED: usize = 1_000;

    /// A delivery was started.
    pub(super) fn note(&mut self, attempt: &Attempt) {
        self.started += 1;
        if self.due.len() < Self::MAX_LISTED {
            self.due.push(Due::of(attempt));
        }
    }

    fn leave_behind(&mut self, attempt: &Attempt) {
        self.unanswered += 1;
        if self.left_behind.len() < Self::MAX_LISTED {
            self.left_behind.push(Due::of(attempt));
        }
    }
}

/// Why the clock was not moved, or not as far as it was to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClockBusy {
    /// Another `advance` or `settle` is under way, perhaps the one that called this handler.
    #[error("the clock is being moved already")]
    Moving,
    /// The server runs on the system clock.
    #[error("the server's clock is not a manual one")]
    NotManual,
    /// Consumers publish in answer to what was published, without a delay, and so for ever: more often at one
    /// moment than [`MockServerBuilder::settle_limit`](crate::MockServerBuilder::settle_limit) allows. The clock
    /// stands at that moment.
    #[error(
        "consumers publish without end, at one moment of the server's time: let them use a delay"
    )]
    Endless,
}

impl Driver {
    /// Moves the clock to `target`, stopping at every deadline before it.
    pub(crate) async fn advance_to(&self, target: Timestamp) -> Result<Advanced, ClockBusy> {
        let moving = Moving::begin(self)?;
        self.settle_now().await?;
        while let Some(next) = self.next_deadline().filter(|next| *next <= target) {
            self.step_to(next).await?;
        }
        self.shared().clock.set(target);
        Ok(moving.report())
    }

    /// Moves the clock to the next deadline and settles there; `None` if there is none.
    pub(crate) async fn advance_to_next(&self) -> Result<Option<Advanced>, ClockBusy> {
        let moving = Moving::begin(self)?;
        self.settle_now().await?;
        moving.forget();
        match self.next_deadline() {
            Some(next) => {
                self.step_to(next).await?;
                Ok(Some(moving.report()))
            }
            None => Ok(None),
        }
    }

    /// Moves the clock from deadline to deadline until `done` says so, none is left, or it is `latest`.
    pub(crate) async fn advance_until(
        &self,
        latest: Timestamp,
        mut done: impl FnMut() -> bool,
    ) -> Result<Advanced, ClockBusy> {
        let moving = Moving::begin(self)?;
        self.settle_now().await?;
        while !done()
            && let Some(next) = self.next_deadline().filter(|next| *next <= latest)
        {
            self.step_to(next).await?;
        }
        Ok(moving.report())
    }

    /// Waits until nothing is due or under way at the time that it is.
    pub(crate) async fn settle(&self) -> Result<Advanced, ClockBusy> {
        self.advance_to(self.now()).await
    }

    /// Whether no message will go on by itself, however much time passes.
    pub(crate) fn is_idle(&self) -> bool {
        self.lock().engine.is_idle(self.now())
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        let core = self.lock();
        if core.stopped {
            return None;
        }
        let parked = self.instruments().parking.next();
        core.engine.poll_timeout().into_iter().chain(parked).min()
    }

    async fn step_to(&self, next: Timestamp) -> Result<(), ClockBusy> {
        self.shared().clock.set(next);
        // First what the engine has due: an answer at the very time of a timeout comes too late.
        self.fire_all();
        self.instruments().parking.wake(self.now());
        if let Some(moved) = &mut self.lock().moved {
            moved.report.deadlines += 1;
            moved.published = 0;
        }
        self.settle_now().await
    }

    async fn settle_now(&self) -> Result<(), ClockBusy> {
        loop {
            self.fire_all();
            if !self.await_deliveries().await? {
                return Ok(());
            }
        }
    }

    /// Calls the engine until nothing is due.
    fn fire_all(&self) {
        let is_due = |core: &Core| {
            let next = core.engine.poll_timeout();
            !core.stopped && next.is_some_and(|next| next <= self.now())
        };
        while is_due(&self.lock()) {
            self.fire();
        }
    }

    /// Waits for what is under way and applies the outcomes; false if there was nothing.
    async fn await_deliveries(&self) -> Result<bool, ClockBusy> {
        let mut limit = None;
        while self.is_open()? {
            let (sleep, over) = limit.get_or_insert_with(|| {
                let over = self.lock().moved.as_ref().map_or(0, Moved::over);
                (RealSleep::start(self.shared().limits.real_time), over)
            });
            tokio::select! {
                () = self.shared().delivered.notified() => {}
                () = self.instruments().parking.changed.notified() => {}
                () = sleep.wait() => {
                    // Who has to wait for a busy machine does not hang.
                    let now_over = self.lock().moved.as_ref().map_or(0, Moved::over);
                    if now_over > *over {
                        limit = None;
                    } else {
                        self.leave_behind();
                        break;
                    }
                }
            }
        }
        Ok(self.apply_held())
    }

    /// Whether something is under way that will be over without the clock moving.
    fn is_open(&self) -> Result<bool, ClockBusy> {
        let core = self.lock();
        let published = core.moved.as_ref().map_or(0, |moved| moved.published);
        if published > self.shared().limits.settle {
            return Err(ClockBusy::Endless);
        }
        let parking = &self.instruments().parking;
        let mut flights = core.deliveries.iter();
        let open = !core.is_committed()
            || flights.any(|(id, flight)| !flight.left_behind && !parking.is_parked(*id));
        Ok(open && !core.stopped)
    }

    fn leave_behind(&self) {
        let parking = &self.instruments().parking;
        let mut core = self.lock();
        let core = &mut *core;
        let mut left: Vec<_> = core
            .deliveries
            .iter_mut()
            .filter(|(id, flight)| !flight.left_behind && !parking.is_parked(**id))
            .collect();
        left.sort_unstable_by_key(|(id, _)| **id);
        for (_, flight) in left {
            flight.left_behind = true;
            if let Some(moved) = &mut core.moved {
                moved.report.leave_behind(&flight.attempt);
            }
        }
    }

    /// Applies what was held back, in attempt order; false if there was nothing.
    fn apply_held(&self) -> bool {
        let mut core = self.lock();
        let moved = core.moved.as_mut();
        let held = moved.map_or_else(Default::default, |moved| {
            std::mem::take(&mut moved.outcomes)
        });
        let any = !held.is_empty();
        for (attempt, (outcome, record)) in held {
            if core.stopped {
                return false;
            }
            self.apply(&mut core, attempt, outcome, record.as_deref());
        }
        any
    }
}

/// Holds outcomes back while the clock is being moved; lets them go however that ends.
struct Moving<'a> {
    driver: &'a Driver,
    _guard: MutexGuard<'a, ()>,
}

impl<'a> Moving<'a> {
    fn begin(driver: &'a Driver) -> Result<Self, ClockBusy> {
        if !driver.shared().clock.is_manual() {
            return Err(ClockBusy::NotManual);
        }
        let guard = driver
            .shared()
            .moving
            .try_lock()
            .map_err(|_| ClockBusy::Moving)?;
        {
            let mut core = driver.lock();
            core.moved = Some(Moved::default());
            // Who did not answer a former call may do now.
            for flight in core.deliveries.values_mut() {
                flight.left_behind = false;
            }
        }
        Ok(Self {
            driver,
            _guard: guard,
        })
    }

    /// Begins the report anew.
    fn forget(&self) {
        if let Some(moved) = &mut self.driver.lock().moved {
            moved.report = Advanced::default();
        }
    }

    fn report(self) -> Advanced {
        let report = {
            let mut core = self.driver.lock();
            let moved = core.moved.as_mut();
            moved.map_or_else(Advanced::default, |it| std::mem::take(&mut it.report))
        };
        let now = self.driver.now();
        Advanced { now, ..report }
    }
}

impl Drop for Moving<'_> {
    fn drop(&mut self) {
        self.driver.apply_held();
        self.driver.lock().moved = None;
    }
}
