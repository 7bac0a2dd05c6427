//! How keys are exchanged while a verifier serves.
//!
//! A verification takes the keys that are in use when it begins, and keeps them to its end. An exchange puts other keys
//! in their place. Both hold the lock for as long as it takes to copy or to move one pointer. All that takes longer
//! happens outside of it: to check keys, to ask for them, and to wipe the former ones, which the last verification that
//! uses them does.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use std::{fmt, mem};

use crate::keyset::KeySet;
use crate::{ConfigError, KeyName, Keys, Scheme, SigningKey, Timestamp, Verifier};

/// The keys of both schemes, as one verification sees them. What is remembered about keys, such as which of them fitted
/// last, is in here, so that it goes with them.
#[derive(Debug)]
pub(crate) struct Held {
    /// v1
    pub(crate) secrets: KeySet,
    /// v2
    pub(crate) signing_keys: KeySet,
}

impl Held {
    pub(crate) fn new(
        secrets: Vec<(KeyName, SigningKey)>,
        signing_keys: Vec<(KeyName, SigningKey)>,
    ) -> Self {
        Self {
            secrets: KeySet::new(secrets),
            signing_keys: KeySet::new(signing_keys),
        }
    }
}

/// The keys in use, which all clones of a verifier share, and what other keys must meet to take their place.
#[derive(Debug)]
pub(crate) struct KeyRing {
    in_use: RwLock<Arc<Held>>,
    pub(crate) ignored: Vec<Scheme>,
    has_url: bool,
    refresh: Option<Refresh>,
}

impl KeyRing {
    pub(crate) fn new(
        keys: Keys,
        ignored: Vec<Scheme>,
        has_url: bool,
        source: Option<Source>,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            in_use: RwLock::new(Arc::new(keys.hold(&ignored, has_url)?)),
            ignored,
            has_url,
            refresh: source.map(Refresh::new),
        })
    }

    pub(crate) fn in_use(&self) -> Arc<Held> {
        let in_use = self.in_use.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&in_use)
    }

    /// Returns other keys than `tried`, under which nothing fitted, if there are any: such as somebody has exchanged
    /// meanwhile, or such as the source of keys has now.
    pub(crate) fn other_than(&self, tried: &Arc<Held>, now: Timestamp) -> Option<Arc<Held>> {
        let others = || Some(self.in_use()).filter(|it| !Arc::ptr_eq(it, tried));
        others().or_else(|| {
            self.refresh(tried, now);
            others()
        })
    }

    /// Asks the source, if it is due, and puts its keys in the place of `tried`.
    fn refresh(&self, tried: &Arc<Held>, now: Timestamp) {
        let Some(refresh) = self.refresh.as_ref().filter(|it| it.is_due(now)) else {
            return;
        };
        let answer = (refresh.source.ask)();
        let fresh = answer.and_then(|keys| {
            let held = keys.map(|keys| keys.hold(&self.ignored, self.has_url));
            held.transpose().map_err(Into::into)
        });
        match fresh {
            Ok(None) => {}
            // Whoever has exchanged keys while the source was asked knows better.
            Ok(Some(fresh)) => self.put(fresh, |in_use| Arc::ptr_eq(in_use, tried)),
            Err(error) => tracing::event!(
                target: "qstash_verify::keys", tracing::Level::WARN,
                error = &*error as &(dyn Error + 'static), "the keys stay as they are: none came to refresh them"
            ),
        }
    }

    /// Puts keys in the place of those in use, if these are to be replaced.
    fn put(&self, fresh: Held, replaces: impl FnOnce(&Arc<Held>) -> bool) {
        let mut spare = Arc::new(fresh);
        {
            let mut in_use = self.in_use.write().unwrap_or_else(PoisonError::into_inner);
            if replaces(&in_use) {
                mem::swap(&mut *in_use, &mut spare);
            }
        }
        // Here nobody waits while keys are wiped.
        drop(spare);
    }
}

pub(crate) type Answer = Result<Option<Keys>, Box<dyn Error + Send + Sync>>;

/// Where keys come from, and how long it is left alone after each question.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) interval: Duration,
    pub(crate) ask: Arc<dyn Fn() -> Answer + Send + Sync>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Refresh {
    source: Source,
    asked: Mutex<Option<Timestamp>>,
}

impl Refresh {
    fn new(source: Source) -> Self {
        let asked = Mutex::default();
        Self { source, asked }
    }

    /// Whether the source may be asked. Whoever hears that it may is the one to ask.
    fn is_due(&self, now: Timestamp) -> bool {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back does not keep the source from being asked for as long as it was ahead.
        let apart = |asked: Timestamp| now.since(asked).max(asked.since(now));
        let due = asked.is_none_or(|asked| apart(asked) >= self.source.interval);
        if due {
            *asked = Some(now);
        }
        due
    }
}

impl Verifier {
    /// Exchanges all keys: what was given before no longer counts. The exchange holds at once, for all clones of this
    /// verifier, wherever they are: in layers, in extractors, and those that
    /// [`with_expected_url`](Self::with_expected_url) made. A verification that is under way ends with the keys with
    /// which it began; if none of them fits, it tries the new ones. No verification waits for an exchange. When the last
    /// one that uses the former keys ends, these are wiped from memory.
    ///
    /// Two verifiers that were built by two calls of [`build`](crate::VerifierBuilder::build) share no keys.
    ///
    /// ```
    /// use qstash_verify::{Keys, Verifier};
    ///
    /// let verifier = Verifier::builder()
    ///     .current_signing_key("sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r")
    ///     .next_signing_key("sig_5ZB6DVzB1wjE8S6rZ7eenA8Pdnhs")
    ///     .public_origin("https://shop.example")
    ///     .build()?;
    ///
    /// // With `qstash-client`: let keys = client.v2().keys().rotate().await?;
    /// // and then `keys.current.expose()` and `keys.next.expose()`.
    /// let (current, next) = ("sig_5ZB6DVzB1wjE8S6rZ7eenA8Pdnhs", "sig_4mFq2hXw9TnB7sLd3KcVzR8yPjUe");
    /// verifier.replace_keys(Keys::new().current_signing_key(current).next_signing_key(next))?;
    ///
    /// // A refused exchange changes nothing.
    /// assert!(verifier.replace_keys(Keys::new()).is_err());
    /// # Ok::<(), qstash_verify::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// When there is no key, or a key cannot be used or is for an ignored header; [`ConfigError::NoUrl`] when there are
    /// signing keys and the verifier was built without a rule for their URL. The keys stay as they were.
    pub fn replace_keys(&self, keys: Keys) -> Result<(), ConfigError> {
        let ring = &self.0.keys;
        let fresh = keys.hold(&ring.ignored, ring.has_url)?;
        ring.put(fresh, |_| true);
        Ok(())
    }
}
