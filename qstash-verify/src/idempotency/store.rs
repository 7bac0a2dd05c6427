//! What a guard remembers ids in.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

/// Remembers which messages are being worked on and which are finished.
///
/// An id is free, claimed (until its hold ends), or finished (until it is forgotten). Each method is one atomic
/// step: of any number of simultaneous claims of a free id, one is granted.
pub trait Store: Send + Sync + 'static {
    /// Claims `id` for at most `hold`, if it is free. If this is cancelled or fails, a claim that was made all the
    /// same should be released: nobody knows of it.
    ///
    /// # Errors
    /// The store cannot be reached or is full.
    fn claim(
        &self,
        id: &str,
        hold: Duration,
    ) -> impl Future<Output = Result<Claimed, StoreError>> + Send;

    /// Makes the claimed id finished, for `keep`. If the claim has run out and the id is free, likewise; if
    /// somebody else has claimed it meanwhile, nothing happens. Should be carried out even if it is cancelled:
    /// the work is done.
    ///
    /// # Errors
    /// The store cannot be reached, or has no room.
    fn commit(
        &self,
        claim: &Claim,
        keep: Duration,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Makes the claimed id free again. A claim that is no longer the current one changes nothing.
    ///
    /// # Errors
    /// The store cannot be reached; the id becomes free when the hold ends.
    fn release(&self, claim: &Claim) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// As [`release`](Self::release), from a destructor: a handler panicked or was cancelled. Must neither block
    /// nor panic; what takes time goes on in the background.
    fn abandon(&self, claim: Claim);
}

/// A hold on an id. The fence tells it from an earlier or later hold on the same one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    id: String,
    fence: u64,
}

impl Claim {
    /// For authors of stores: `fence` must differ among all claims of `id`.
    #[must_use]
    pub fn new(id: impl Into<String>, fence: u64) -> Self {
        let id = id.into();
        Self { id, fence }
    }

    /// What is claimed.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Which claim of it this is.
    #[must_use]
    pub fn fence(&self) -> u64 {
        self.fence
    }
}

/// How an attempt to claim an id ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The id was free and is claimed now.
    Granted(Claim),
    /// Somebody else has claimed it.
    InProgress {
        /// How long that claim lasts, unless it is settled before.
        remaining: Duration,
    },
    /// It is finished.
    Finished,
}

/// Why a store could not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The id is empty or has more than 256 bytes.
    #[error("an id must have 1 to 256 bytes")]
    Id,
    /// As many messages are being worked on as the store has room for.
    #[error("the store of message ids is full")]
    Full,
    /// The store behind it failed.
    #[error("the store of message ids failed")]
    Backend(#[source] Box<dyn Error + Send + Sync>),
}
