//! Does the work of a message once.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use super::{Claim, Claimed, Store, StoreError};

/// The longest id that the guard remembers, in bytes.
const MAX_ID: usize = 256;

/// Does the work of a message once, however often the message is delivered. Clones are cheap.
#[derive(Debug)]
pub struct Guard<S> {
    store: Arc<S>,
    hold: Duration,
    keep: Duration,
}

impl<S> Clone for Guard<S> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            ..*self
        }
    }
}

impl<S: Store> Guard<S> {
    /// Makes a guard that remembers ids in `store`.
    #[must_use]
    pub fn new(store: S) -> Self {
        Self {
            store: Arc::new(store),
            hold: Duration::from_secs(5 * 60),
            keep: Duration::from_secs(24 * 60 * 60),
        }
    }

    /// Sets how long a claim lasts that is neither committed nor released, because the process was killed. While the
    /// work goes on, its claim is renewed, however long it takes. Work that does not let its task be polled for the
    /// whole hold, because it blocks the thread, can lose the claim. 5 minutes by default.
    #[must_use]
    pub fn hold(mut self, hold: Duration) -> Self {
        self.hold = hold;
        self
    }

    /// Sets how long the guard remembers a finished message. It should be longer than the sender goes on retrying. 24
    /// hours by default.
    #[must_use]
    pub fn keep(mut self, keep: Duration) -> Self {
        self.keep = keep;
        self
    }

    /// Claims the message, if no one else has. If the future is dropped, a claim that was made meanwhile is released.
    ///
    /// # Errors
    /// When the id is empty or has more than 256 bytes, and when the store fails or is full.
    pub async fn begin(&self, id: &str) -> Result<Begin<S>, StoreError> {
        Ok(self.begin_or_answer(id).await?.0)
    }

    /// Does as [`begin`](Self::begin), and returns the answer of a finished message, if it was kept.
    pub(crate) async fn begin_or_answer(
        &self,
        id: &str,
    ) -> Result<(Begin<S>, Option<Vec<u8>>), StoreError> {
        if id.is_empty() || id.len() > MAX_ID {
            return Err(StoreError::Id);
        }
        let begin = match self.store.claim(id, self.hold).await? {
            Claimed::Granted(claim) => Begin::First(Ticket {
                store: Arc::clone(&self.store),
                claim: Some(claim),
                hold: self.hold,
                keep: self.keep,
            }),
            Claimed::InProgress { remaining } => Begin::InProgress {
                retry_after: remaining,
            },
            Claimed::Finished => Begin::Finished,
            Claimed::Answered(answer) => return Ok((Begin::Finished, Some(answer))),
        };
        Ok((begin, None))
    }

    /// Does `work` if the message is neither finished nor in progress. `Ok` finishes the message; `Err`, a panic, and
    /// dropping the returned future make it free again.
    ///
    /// If the store fails after the work is done, the result of the work is returned all the same, and a warning is
    /// traced. A delivery after the hold's end may then do the work again.
    ///
    /// # Errors
    /// As [`begin`](Self::begin). The work was not started.
    ///
    /// ```
    /// use qstash_verify::idempotency::{Guard, MemoryStore, Run};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let guard = Guard::new(MemoryStore::new(10_000));
    /// let charge = || async { Ok::<_, std::io::Error>("charged") };
    /// assert!(matches!(guard.run("msg_1", charge).await?, Run::First(Ok("charged"))));
    /// assert!(matches!(guard.run("msg_1", charge).await?, Run::Finished));
    /// # Ok(()) }
    /// ```
    pub async fn run<T, E, F>(
        &self,
        id: &str,
        work: impl FnOnce() -> F,
    ) -> Result<Run<Result<T, E>>, StoreError>
    where
        F: Future<Output = Result<T, E>>,
    {
        Ok(match self.begin(id).await? {
            Begin::First(ticket) => {
                let result = ticket.during(work()).await;
                ticket.settle(result.is_ok()).await;
                Run::First(result)
            }
            Begin::Finished => Run::Finished,
            Begin::InProgress { retry_after } => Run::InProgress { retry_after },
        })
    }
}

/// The state in which [`Guard::begin`] found the message.
#[derive(Debug)]
pub enum Begin<S: Store> {
    /// The message was free. It is now claimed, and the caller does its work.
    First(Ticket<S>),
    /// The message is finished: answer 200.
    Finished,
    /// Another delivery is doing the work: answer 409 with `Retry-After`.
    InProgress {
        /// How long its claim lasts at most, unless it is renewed.
        retry_after: Duration,
    },
}

/// What [`Guard::run`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Run<R> {
    /// It did the work, with this result.
    First(R),
    /// It did nothing, because the message is finished: answer 200.
    Finished,
    /// It did nothing, because another delivery is doing the work: answer 409 with `Retry-After`.
    InProgress {
        /// How long the other delivery's claim lasts at most, unless it is renewed.
        retry_after: Duration,
    },
}

/// A claim on a message whose work is not done yet. Dropping the ticket, as a panic and a cancellation do, releases the
/// message.
#[derive(Debug)]
#[must_use = "a ticket that is dropped releases its message"]
pub struct Ticket<S: Store> {
    store: Arc<S>,
    claim: Option<Claim>,
    hold: Duration,
    keep: Duration,
}

impl<S: Store> Ticket<S> {
    /// Does `work`, and renews the claim while it goes on. Work that is done without this method has to end within the
    /// guard's hold.
    ///
    /// Dropping the future drops the work, but not the ticket.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let Some(claim) = &self.claim else {
            return work.await;
        };
        let mut renew = pin!(self.store.renew(claim, self.hold));
        let mut work = pin!(work);
        let mut renews = true;
        poll_fn(|cx| {
            // First, so that the claim is safe when the work begins.
            renews = renews && renew.as_mut().poll(cx).is_pending();
            work.as_mut().poll(cx)
        })
        .await
    }

    /// Commits the claim: the work is done, and further deliveries of the message are duplicates. Does nothing if the
    /// hold has ended and another delivery has claimed the message since.
    ///
    /// If the future is dropped or fails, the message is finished, or in progress until its hold ends: work that is
    /// done is not given out again at once. The stores of this crate commit even if the future is dropped.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.finish(None).await
    }

    async fn finish(mut self, answer: Option<&[u8]>) -> Result<(), StoreError> {
        // Taken out first, so that the destructor has nothing left to release.
        let Some(claim) = self.claim.take() else {
            return Ok(());
        };
        match answer {
            Some(answer) => {
                self.store
                    .commit_with_answer(&claim, self.keep, answer)
                    .await
            }
            None => self.store.commit(&claim, self.keep).await,
        }
    }

    /// Releases the claim: the work failed, and the next delivery tries again.
    ///
    /// # Errors
    /// When the store fails. The message is then free when the hold ends.
    pub async fn release(mut self) -> Result<(), StoreError> {
        if let Some(claim) = &self.claim {
            self.store.release(claim).await?;
        }
        self.claim = None;
        Ok(())
    }

    /// Commits or releases the claim. An error of the store is only traced.
    pub(crate) async fn settle(self, done: bool) {
        self.settle_with(done, None).await;
    }

    /// Does as [`settle`](Self::settle), and keeps the answer of work that is done.
    pub(crate) async fn settle_with(self, done: bool, answer: Option<&[u8]>) {
        let settled = if done {
            self.finish(answer).await
        } else {
            self.release().await
        };
        if let Err(error) = settled {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                done,
                "a claim could not be committed or released"
            );
        }
    }
}

impl<S: Store> Drop for Ticket<S> {
    fn drop(&mut self) {
        if let Some(claim) = self.claim.take() {
            self.store.abandon(claim);
        }
    }
}
