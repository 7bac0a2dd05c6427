//! Runs the work of a message once.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::{Claim, Claimed, Store, StoreError};

/// The longest id that is remembered, in bytes.
const MAX_ID: usize = 256;

/// Runs the work of a message once, however often it is delivered. Cheap to clone.
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
    /// A guard that remembers in `store`.
    #[must_use]
    pub fn new(store: S) -> Self {
        Self {
            store: Arc::new(store),
            hold: Duration::from_secs(5 * 60),
            keep: Duration::from_secs(24 * 60 * 60),
        }
    }

    /// How long a claim lasts that nobody settles, because the process was killed. Must be longer than the
    /// slowest handler takes: after it another delivery runs the handler again. Default: 5 minutes.
    #[must_use]
    pub fn hold(mut self, hold: Duration) -> Self {
        self.hold = hold;
        self
    }

    /// How long a finished message is remembered. Should be longer than the sender goes on retrying. Default:
    /// 24 hours.
    #[must_use]
    pub fn keep(mut self, keep: Duration) -> Self {
        self.keep = keep;
        self
    }

    /// Claims the message, if nobody has it. Cancel safe: a claim that was granted to nobody is released.
    ///
    /// # Errors
    /// The id is empty or has more than 256 bytes, or the store failed or is full.
    pub async fn begin(&self, id: &str) -> Result<Begin<S>, StoreError> {
        if id.is_empty() || id.len() > MAX_ID {
            return Err(StoreError::Id);
        }
        Ok(match self.store.claim(id, self.hold).await? {
            Claimed::Granted(claim) => Begin::First(Ticket {
                store: Arc::clone(&self.store),
                claim: Some(claim),
                keep: self.keep,
            }),
            Claimed::InProgress { remaining } => Begin::InProgress {
                retry_after: remaining,
            },
            Claimed::Finished => Begin::Finished,
        })
    }

    /// Runs `work` if the message is neither finished nor in progress; finished by `Ok`, free again after `Err`,
    /// a panic, or when the returned future is dropped.
    ///
    /// If the store fails after the work is done, the work's result is returned all the same, and a warning is
    /// traced: a delivery after the hold's end may then run the work again.
    ///
    /// # Errors
    /// As [`begin`](Self::begin); the work was not started.
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
                let result = work().await;
                ticket.settle(result.is_ok()).await;
                Run::First(result)
            }
            Begin::Finished => Run::Finished,
            Begin::InProgress { retry_after } => Run::InProgress { retry_after },
        })
    }
}

/// How [`Guard::begin`] found the message.
#[derive(Debug)]
pub enum Begin<S: Store> {
    /// It is ours to work on.
    First(Ticket<S>),
    /// It is finished: answer 200.
    Finished,
    /// It is being worked on: answer 409 with `Retry-After`.
    InProgress {
        /// When it is certainly settled.
        retry_after: Duration,
    },
}

/// What [`Guard::run`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Run<R> {
    /// The work was run, with this result.
    First(R),
    /// It was finished before: answer 200.
    Finished,
    /// It is being worked on: answer 409 with `Retry-After`.
    InProgress {
        /// When it is certainly settled.
        retry_after: Duration,
    },
}

/// A provisional claim. Dropped without a word, as a panic and a cancellation do, it is released.
#[derive(Debug)]
#[must_use = "a ticket that is dropped releases its message"]
pub struct Ticket<S: Store> {
    store: Arc<S>,
    claim: Option<Claim>,
    keep: Duration,
}

impl<S: Store> Ticket<S> {
    /// The work is done: further deliveries of the message are duplicates. Does nothing if the hold ended and
    /// another delivery has claimed the message meanwhile.
    ///
    /// If this is cancelled or fails, the message is finished, or in progress until its hold ends: work that is
    /// done is not given out again at once. With the stores of this crate, cancelling it undoes nothing.
    ///
    /// # Errors
    /// The store failed.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        // Taken out first, so that the destructor has nothing left to release.
        match self.claim.take() {
            Some(claim) => self.store.commit(&claim, self.keep).await,
            None => Ok(()),
        }
    }

    /// The work failed: the next delivery is to try again.
    ///
    /// # Errors
    /// The store failed; the message is free when the hold ends.
    pub async fn release(mut self) -> Result<(), StoreError> {
        if let Some(claim) = &self.claim {
            self.store.release(claim).await?;
        }
        self.claim = None;
        Ok(())
    }

    /// Commits or releases; what the store says is only traced.
    pub(crate) async fn settle(self, done: bool) {
        let settled = if done {
            self.commit().await
        } else {
            self.release().await
        };
        if let Err(error) = settled {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                done,
                "a message could not be settled"
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
