//! A store in Redis, for services of more than one instance (feature `redis`).

use std::fmt;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{RedisError, Script};
use tokio::runtime::Handle;

use super::{Claim, Claimed, Store, StoreError};

/// Remembers messages in Redis, with one key for each message. The key's value is the fence of the claim, or `done`
/// and perhaps the answer.
///
/// Each step is one script, so it is atomic, and on a cluster it touches one key only. Times run by the Redis server's
/// clock. The store connects again when the connection breaks. A command that takes more than 2 seconds fails.
pub struct RedisStore {
    connection: ConnectionManager,
    runtime: Handle,
    prefix: String,
}

const CLAIM: &str = r"
local value = redis.call('GET', KEYS[1])
if not value then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return {0, 0, ''}
elseif value == 'done' then
  return {2, 0, ''}
elseif string.sub(value, 1, 5) == 'done:' then
  return {3, 0, string.sub(value, 6)}
else
  return {1, math.max(redis.call('PTTL', KEYS[1]), 0), ''}
end";

const RENEW: &str = r"
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0";

const COMMIT: &str = r"
local value = redis.call('GET', KEYS[1])
if not value or value == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[2])
end";

const RELEASE: &str = r"
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end";

impl RedisStore {
    /// Connects to a server such as `redis://127.0.0.1:6379/0`. Call it on a tokio runtime; the store releases claims
    /// on that runtime after a panic.
    ///
    /// With feature `redis-tls` it connects over TLS to `rediss://…`, and trusts the root certificates of the system.
    /// If the program has chosen no `CryptoProvider` of rustls for the process, the store chooses *ring*.
    ///
    /// # Errors
    /// When the URL is not valid, or the server cannot be reached; when the URL is `rediss://…` and the feature is off.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        #[cfg(feature = "redis-tls")]
        if url.starts_with("rediss:") {
            choose_cryptography();
        }
        let limit = Some(Duration::from_secs(2));
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(limit)
            .set_response_timeout(limit)
            .set_number_of_retries(1);
        let client = redis::Client::open(url).map_err(failed)?;
        let connection = ConnectionManager::new_with_config(client, config)
            .await
            .map_err(failed)?;
        Ok(Self::new(connection))
    }

    /// Makes a store of a connection that you have opened.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn new(connection: ConnectionManager) -> Self {
        Self {
            connection,
            runtime: Handle::current(),
            prefix: "qstash:message:".to_owned(),
        }
    }

    /// Sets what stands before the message's id in a key. By default it is `qstash:message:`. Services that share a
    /// Redis server and get the same messages need a prefix each.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    async fn finish(
        &self,
        claim: &Claim,
        keep: Duration,
        value: Vec<u8>,
    ) -> Result<(), StoreError> {
        let key = self.key(claim.id());
        let committed = commit(self.connection.clone(), key, claim.fence(), keep, value);
        // A task of its own goes on when the caller is cancelled: the work is done.
        match self.runtime.spawn(committed).await {
            Ok(result) => result.map_err(failed),
            Err(error) => Err(StoreError::Backend(error.into())),
        }
    }

    fn key(&self, id: &str) -> String {
        format!("{}{id}", self.prefix)
    }
}

impl Store for RedisStore {
    async fn claim(&self, id: &str, hold: Duration) -> Result<Claimed, StoreError> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| StoreError::Backend(error.into()))?;
        let fence = u64::from_ne_bytes(random);
        let asked = Asked {
            store: self,
            claim: Some(Claim::new(id, fence)),
        };
        let (state, remaining, answer): (u8, u64, Vec<u8>) = Script::new(CLAIM)
            .key(self.key(id))
            .arg(fence.to_string())
            .arg(millis(hold))
            .invoke_async(&mut self.connection.clone())
            .await
            .map_err(failed)?;
        let claim = asked.answered();
        Ok(match state {
            0 => Claimed::Granted(claim),
            1 => Claimed::InProgress {
                remaining: Duration::from_millis(remaining),
            },
            3 => Claimed::Answered(answer),
            _ => Claimed::Finished,
        })
    }

    async fn renew(&self, claim: &Claim, hold: Duration) {
        loop {
            // Often enough that one or two failures do no harm.
            tokio::time::sleep((hold / 3).max(Duration::from_millis(1))).await;
            let renewed: Result<bool, _> = Script::new(RENEW)
                .key(self.key(claim.id()))
                .arg(claim.fence().to_string())
                .arg(millis(hold))
                .invoke_async(&mut self.connection.clone())
                .await;
            match renewed {
                Ok(true) => {}
                Ok(false) => {
                    tracing::warn!(
                        "a claim ended before its work; another delivery may do it again"
                    );
                    return std::future::pending().await;
                }
                Err(error) => tracing::warn!(%error, "a claim could not be renewed"),
            }
        }
    }

    async fn commit(&self, claim: &Claim, keep: Duration) -> Result<(), StoreError> {
        self.finish(claim, keep, b"done".to_vec()).await
    }

    async fn commit_with_answer(
        &self,
        claim: &Claim,
        keep: Duration,
        answer: &[u8],
    ) -> Result<(), StoreError> {
        let value = [b"done:", answer].concat();
        self.finish(claim, keep, value).await
    }

    async fn release(&self, claim: &Claim) -> Result<(), StoreError> {
        release(self.connection.clone(), self.key(claim.id()), claim.fence())
            .await
            .map_err(failed)
    }

    fn abandon(&self, claim: Claim) {
        let released = release(self.connection.clone(), self.key(claim.id()), claim.fence());
        self.runtime.spawn(async move {
            if let Err(error) = released.await {
                tracing::warn!(%error, "an abandoned claim could not be released; it lasts until its hold ends");
            }
        });
    }
}

/// A claim that was asked for. If it is dropped before the answer is there, because the caller was cancelled or the
/// server was slow, it is released: the server may grant it all the same, and nobody would know of it.
struct Asked<'a> {
    store: &'a RedisStore,
    claim: Option<Claim>,
}

impl Asked<'_> {
    fn answered(mut self) -> Claim {
        self.claim.take().expect("taken only here")
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if let Some(claim) = self.claim.take() {
            self.store.abandon(claim);
        }
    }
}

/// rustls panics where several providers are linked and none is chosen, as by the features of other crates.
#[cfg(feature = "redis-tls")]
fn choose_cryptography() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // An error says that another thread has chosen one meanwhile, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

async fn commit(
    mut connection: ConnectionManager,
    key: String,
    fence: u64,
    keep: Duration,
    value: Vec<u8>,
) -> Result<(), RedisError> {
    Script::new(COMMIT)
        .key(key)
        .arg(fence.to_string())
        .arg(millis(keep))
        .arg(value)
        .invoke_async(&mut connection)
        .await
}

async fn release(
    mut connection: ConnectionManager,
    key: String,
    fence: u64,
) -> Result<(), RedisError> {
    Script::new(RELEASE)
        .key(key)
        .arg(fence.to_string())
        .invoke_async(&mut connection)
        .await
}

/// Returns the milliseconds, at least 1, because Redis refuses a time to live of zero.
fn millis(duration: Duration) -> u64 {
    // And one that overflows its own clock: a thousand years are enough.
    const LONGEST: u128 = 1000 * 365 * 24 * 60 * 60 * 1000;
    u64::try_from(duration.as_millis().clamp(1, LONGEST)).unwrap_or(u64::MAX)
}

fn failed(error: RedisError) -> StoreError {
    StoreError::Backend(error.into())
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The connection knows a password.
        f.debug_struct("RedisStore")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}
