//! A store whose type is chosen at run time.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::{Claim, Claimed, Store, StoreError};

/// A store of any type, chosen when the program runs: memory in development, Redis in production. Clones share the
/// store.
///
/// Each step costs one allocation more than with the store itself.
///
/// ```
/// # #[cfg(feature = "redis")]
/// # mod shop {
/// use qstash_verify::idempotency::{AnyStore, Guard, MemoryStore, RedisStore, StoreError};
///
/// pub async fn guard(redis: Option<&str>) -> Result<Guard<AnyStore>, StoreError> {
///     Ok(Guard::new(match redis {
///         Some(url) => AnyStore::new(RedisStore::connect(url).await?),
///         None => AnyStore::new(MemoryStore::new(10_000)),
///     }))
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct AnyStore(Arc<dyn Erased>);

impl AnyStore {
    /// Hides the type of `store`.
    #[must_use]
    pub fn new(store: impl Store) -> Self {
        Self(Arc::new(store))
    }
}

type Step<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// [`Store`] with futures of one type.
trait Erased: Send + Sync {
    fn claim<'a>(&'a self, id: &'a str, hold: Duration) -> Step<'a, Claimed>;
    fn renew<'a>(
        &'a self,
        claim: &'a Claim,
        hold: Duration,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
    fn commit<'a>(&'a self, claim: &'a Claim, keep: Duration) -> Step<'a, ()>;
    fn commit_with_answer<'a>(
        &'a self,
        claim: &'a Claim,
        keep: Duration,
        answer: &'a [u8],
    ) -> Step<'a, ()>;
    fn release<'a>(&'a self, claim: &'a Claim) -> Step<'a, ()>;
    fn abandon(&self, claim: Claim);
}

impl<S: Store> Erased for S {
    fn claim<'a>(&'a self, id: &'a str, hold: Duration) -> Step<'a, Claimed> {
        Box::pin(Store::claim(self, id, hold))
    }

    fn renew<'a>(
        &'a self,
        claim: &'a Claim,
        hold: Duration,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(Store::renew(self, claim, hold))
    }

    fn commit<'a>(&'a self, claim: &'a Claim, keep: Duration) -> Step<'a, ()> {
        Box::pin(Store::commit(self, claim, keep))
    }

    fn commit_with_answer<'a>(
        &'a self,
        claim: &'a Claim,
        keep: Duration,
        answer: &'a [u8],
    ) -> Step<'a, ()> {
        Box::pin(Store::commit_with_answer(self, claim, keep, answer))
    }

    fn release<'a>(&'a self, claim: &'a Claim) -> Step<'a, ()> {
        Box::pin(Store::release(self, claim))
    }

    fn abandon(&self, claim: Claim) {
        Store::abandon(self, claim);
    }
}

impl Store for AnyStore {
    async fn claim(&self, id: &str, hold: Duration) -> Result<Claimed, StoreError> {
        Erased::claim(&*self.0, id, hold).await
    }

    async fn renew(&self, claim: &Claim, hold: Duration) {
        Erased::renew(&*self.0, claim, hold).await;
    }

    async fn commit(&self, claim: &Claim, keep: Duration) -> Result<(), StoreError> {
        Erased::commit(&*self.0, claim, keep).await
    }

    async fn commit_with_answer(
        &self,
        claim: &Claim,
        keep: Duration,
        answer: &[u8],
    ) -> Result<(), StoreError> {
        Erased::commit_with_answer(&*self.0, claim, keep, answer).await
    }

    async fn release(&self, claim: &Claim) -> Result<(), StoreError> {
        Erased::release(&*self.0, claim).await
    }

    fn abandon(&self, claim: Claim) {
        Erased::abandon(&*self.0, claim);
    }
}

impl fmt::Debug for AnyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyStore(..)")
    }
}
