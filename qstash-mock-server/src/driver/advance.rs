//! Moving a manual clock, from deadline to deadline.
//!
//! At each deadline the driver waits for the deliveries that started there, applies their outcomes in the order of
//! the attempts, and only then moves the clock on. It does not wait for an attempt
//!
//! - that is parked, because a consumer of the test or a fault waits for the clock. The time until which it is parked
//!   is a deadline like any other;
//! - whose consumer did not answer within the driver's real-time limit, while no other consumer did. Such an attempt is
//!   left behind: it fails at its timeout in the server's time, and the report lists it. The next call that moves the
//!   clock waits for it again.
//!
//! If consumers publish a message for each that they receive, without a delay, the driver would wait for ever. So it
//! counts the calls that publish at one deadline, and over a bound it stops with [`ClockBusy::Endless`].
//!
//! One caller at a time moves the clock. Another one, also from inside a consumer, gets [`ClockBusy::Moving`] instead
//! of waiting: that could be a deadlock, because the clock waits for the consumer.

use std::sync::Arc;

use tokio::sync::MutexGuard;

use super::handle::Driver;
use super::lock::{Core, Moved};
use crate::engine::{Attempt, MessageId, QueueName, Timestamp};
use crate::instruments::RealSleep;

/// The report of a call that moved a manual clock, such as [`MockServer::advance`](crate::MockServer::advance).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Advanced {
    /// The server's time at the end.
    pub now: Timestamp,
    /// How many deadlines the clock stopped at. Some are internal, for example when the server forgets a finished
    /// message.
    pub deadlines: usize,
    /// How many deliveries started.
    pub started: usize,
    /// The deliveries that started, in order; at most [`Advanced::MAX_LISTED`].
    pub due: Vec<Due>,
    /// How many deliveries were left behind, because their consumer did not answer within the real-time limit.
    pub unanswered: usize,
    /// The deliveries that were left behind; at most [`Advanced::MAX_LISTED`].
    pub left_behind: Vec<Due>,
}

/// A delivery in a report.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Due {
    /// The message's id.
    pub message: MessageId,
    /// The queue that the message is in, if the message follows its rules.
    pub queue: Option<QueueName>,
    /// The URL that the message was published for.
    pub url: Arc<str>,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// When the attempt started, in the server's time.
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
    /// The most deliveries that each list of a report has.
    pub const MAX_LISTED: usize = 1_000;

    /// Notes a delivery that has started.
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

/// Why the clock was not moved, or not as far as the caller wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClockBusy {
    /// Another call is moving the clock. If the caller is a consumer's handler, that call may be waiting for its
    /// answer.
    #[error("the clock is being moved already")]
    Moving,
    /// The server runs on the system clock, which cannot be moved.
    #[error("the server's clock is not a manual one")]
    NotManual,
    /// Consumers publish without end: more calls published at one moment of the server's time than
    /// [`MockServerBuilder::settle_limit`](crate::MockServerBuilder::settle_limit) allows. The clock stays at that
    /// moment.
    #[error(
        "consumers publish without end, at one moment of the server's time: let them use a delay"
    )]
    Endless,
}

impl Driver {
    /// Moves the clock to `target`, and stops at every deadline on the way.
    pub(crate) async fn advance_to(&self, target: Timestamp) -> Result<Advanced, ClockBusy> {
        let moving = Moving::begin(self)?;
        self.settle_now().await?;
        while let Some(next) = self.next_deadline().filter(|next| *next <= target) {
            self.step_to(next).await?;
        }
        self.shared().clock.set(target);
        Ok(moving.report())
    }

    /// Moves the clock to the next deadline and waits there until nothing is due; `None` if there is no deadline.
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

    /// Moves the clock from deadline to deadline until `done` returns true, or no deadline is left up to `latest`.
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

    /// Waits until nothing is due or under way at the current time.
    pub(crate) async fn settle(&self) -> Result<Advanced, ClockBusy> {
        self.advance_to(self.now()).await
    }

    /// Whether the state of no message will change, however much time passes.
    pub(crate) fn is_idle(&self) -> bool {
        self.lock().engine.is_idle(self.now())
    }

    /// Whether nothing will happen before somebody moves the clock or calls the API: the clock is a manual one that
    /// nobody moves, and nothing is due or under way that could end while it stands still.
    pub(crate) fn stands_still(&self) -> bool {
        let now = self.now();
        let core = self.lock();
        let due = core.engine.poll_timeout().is_some_and(|next| next <= now);
        let parking = &self.instruments().parking;
        let under_way = core.deliveries.keys().any(|id| !parking.is_parked(*id));
        let idle = core.is_committed() && !due && !under_way;
        core.stopped || (self.is_manual() && core.moved.is_none() && idle)
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
        // The engine's timers come first, so an answer at the very time of a timeout is too late.
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

    /// Fires the engine's timers until nothing is due.
    fn fire_all(&self) {
        let is_due = |core: &Core| {
            let next = core.engine.poll_timeout();
            !core.stopped && next.is_some_and(|next| next <= self.now())
        };
        while is_due(&self.lock()) {
            self.fire();
        }
    }

    /// Waits for the deliveries under way and applies their outcomes; false if there were none.
    async fn await_deliveries(&self) -> Result<bool, ClockBusy> {
        let mut limit = None;
        loop {
            let delivered = self.shared().delivered.notified();
            let parked = self.instruments().parking.changed.notified();
            if !self.is_open()? {
                break;
            }
            let (sleep, over) = limit.get_or_insert_with(|| {
                let over = self.lock().moved.as_ref().map_or(0, Moved::over);
                (RealSleep::start(self.shared().limits.real_time), over)
            });
            tokio::select! {
                () = delivered => {}
                () = parked => {}
                () = sleep.wait() => {
                    // As long as some consumer answers, the computer is only busy and nothing hangs.
                    let now_over = self.lock().moved.as_ref().map_or(0, Moved::over);
                    if now_over > *over {
                        limit = None;
                    } else {
                        self.leave_behind(sleep.tokio_stood_still());
                        break;
                    }
                }
            }
        }
        Ok(self.apply_held())
    }

    /// Whether something is under way that ends although the clock stands still.
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

    fn leave_behind(&self, tokio_stood_still: bool) {
        let parking = &self.instruments().parking;
        let limit = self.shared().limits.real_time;
        let mut locked = self.lock();
        let core = &mut *locked;
        let mut silent = Vec::new();
        let mut left: Vec<_> = core
            .deliveries
            .iter_mut()
            .filter(|(id, flight)| !flight.left_behind && !parking.is_parked(**id))
            .collect();
        left.sort_unstable_by_key(|(id, _)| **id);
        for (_, flight) in left {
            flight.left_behind = true;
            if let Some(record) = &flight.record {
                record.waited_in_vain(limit);
            }
            silent.push(Arc::clone(&flight.attempt));
            if let Some(moved) = &mut core.moved {
                moved.report.leave_behind(&flight.attempt);
            }
        }
        drop(locked);
        for attempt in silent {
            self.shared()
                .silent
                .warn(&attempt, limit, tokio_stood_still);
        }
    }

    /// Applies the outcomes that were held back, in the order of the attempts; false if there were none.
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

/// Holds outcomes back while the clock is being moved, and applies them when it is dropped.
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
            // Consumers that did not answer during an earlier call may answer now.
            for flight in core.deliveries.values_mut() {
                flight.left_behind = false;
            }
        }
        Ok(Self {
            driver,
            _guard: guard,
        })
    }

    /// Clears the report.
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
        // Those who wait for deliveries look whether anything can still come.
        self.driver.instruments().parking.changed.notify_waiters();
    }
}
