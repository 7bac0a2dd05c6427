//! Where a guard remembers ids.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

/// Remembers which messages are in progress and which are finished.
///
/// An id is free, claimed (until its hold ends), or finished (until it is forgotten). Each method is one atomic step:
/// of any number of simultaneous claims of a free id, one is granted. [`AnyStore`](super::AnyStore) stands for
/// `dyn Store`, which the trait does not allow.
pub trait Store: Send + Sync + 'static {
    /// Claims `id` for at most `hold`, if it is free. If the future is dropped or fails, the store should release a
    /// claim that was made all the same, because nobody knows of it.
    ///
    /// # Errors
    /// When the store cannot be reached or is full.
    fn claim(
        &self,
        id: &str,
        hold: Duration,
    ) -> impl Future<Output = Result<Claimed, StoreError>> + Send;

    /// Keeps the claim for as long as the future is polled, and then for at most `hold`. The guard polls it beside the
    /// work and drops it when the work is done; it never completes. A claim that is no longer the current one is not
    /// renewed.
    ///
    /// By default nothing is done, and the claim ends with the hold that it was made for.
    fn renew(&self, claim: &Claim, hold: Duration) -> impl Future<Output = ()> + Send {
        let _ = (claim, hold);
        std::future::pending()
    }

    /// Makes the claimed id finished, for `keep`. It does so too if the claim has run out and the id is free; if
    /// another delivery has claimed the id since, nothing happens. The store should commit even if the future is
    /// dropped, because the work is done.
    ///
    /// # Errors
    /// When the store cannot be reached or has no room.
    fn commit(
        &self,
        claim: &Claim,
        keep: Duration,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Does as [`commit`](Self::commit), and keeps `answer` as long: later claims of the id get it back as
    /// [`Claimed::Answered`].
    ///
    /// By default the answer is not kept.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    fn commit_with_answer(
        &self,
        claim: &Claim,
        keep: Duration,
        answer: &[u8],
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        let _ = answer;
        self.commit(claim, keep)
    }

    /// Makes the claimed id free again. A claim that is no longer the current one changes nothing.
    ///
    /// # Errors
    /// When the store cannot be reached. The id becomes free when the hold ends.
    fn release(&self, claim: &Claim) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Releases a claim from a destructor, because a handler panicked or was cancelled. It must neither block nor
    /// panic; what takes time goes on in the background.
    fn abandon(&self, claim: Claim);
}

/// A claim on an id. Its fence tells it from an earlier or later claim on the same id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    id: String,
    fence: u64,
}

impl Claim {
    /// Makes a claim; only a store does. `fence` must differ among all claims on `id`.
    #[must_use]
    pub fn new(id: impl Into<String>, fence: u64) -> Self {
        let id = id.into();
        Self { id, fence }
    }

    /// Returns the id that is claimed.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the fence, which tells this claim from others on the same id.
    #[must_use]
    pub fn fence(&self) -> u64 {
        self.fence
    }
}

/// The outcome of an attempt to claim an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The id was free and is claimed now.
    Granted(Claim),
    /// Another delivery has claimed the id.
    InProgress {
        /// How long that claim lasts, unless it is committed, released or renewed before.
        remaining: Duration,
    },
    /// The id is finished.
    Finished,
    /// The id is finished, and was given this answer with `commit_with_answer`.
    Answered(Vec<u8>),
}

/// Why a store failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The id is empty or has more than 256 bytes.
    #[error("an id must have 1 to 256 bytes")]
    Id,
    /// The store has no room, because too many messages are in progress.
    #[error("the store of message ids is full")]
    Full,
    /// The storage behind the store failed.
    #[error("the store of message ids failed")]
    Backend(#[source] Box<dyn Error + Send + Sync>),
}
