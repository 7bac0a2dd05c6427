//! Any number of keys of one scheme, and which of them fits.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::SigningKey;

/// A region of the hosted service. Each region has keys of its own (v2.md sections 1.1 and 1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Region {
    /// The region `us-east-1`.
    UsEast1,
    /// The region `eu-central-1`, which is the service's default.
    EuCentral1,
}

impl Region {
    pub(crate) const ALL: [Self; 2] = [Self::UsEast1, Self::EuCentral1];

    /// Reads the name of a region as `Upstash-Region` says it, in any letter case and with `-` or `_`. Returns `None`
    /// for an unknown name.
    ///
    /// ```
    /// use qstash_verify::Region;
    ///
    /// assert_eq!(Region::parse("us_east_1"), Some(Region::UsEast1));
    /// assert_eq!(Region::parse("mars-1"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let same = |name: &str| {
            name.len() == text.len()
                && name.bytes().zip(text.bytes()).all(|(ours, theirs)| {
                    ours.eq_ignore_ascii_case(&theirs) || (ours == b'-' && theirs == b'_')
                })
        };
        Self::ALL.into_iter().find(|region| same(region.as_str()))
    }

    /// Returns the region's name, `US-EAST-1` or `EU-CENTRAL-1`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UsEast1 => "US-EAST-1",
            Self::EuCentral1 => "EU-CENTRAL-1",
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name of a configured key, which tells nothing of the key itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyName {
    /// What the key is used for.
    pub role: KeyRole,
    /// The region that the key belongs to; `None` if it is not bound to a region.
    pub region: Option<Region>,
}

/// What a key is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyRole {
    /// It is the signing key in use.
    Current,
    /// It is the signing key that the next rotation puts in use.
    Next,
    /// It is one of the signing keys without a role; the number counts them from 1.
    Other(usize),
    /// It is one of the v1 secrets; the number counts them from 1.
    Secret(usize),
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.role {
            KeyRole::Current => f.write_str("the current signing key"),
            KeyRole::Next => f.write_str("the next signing key"),
            KeyRole::Other(number) => write!(f, "signing key {number}"),
            KeyRole::Secret(number) => write!(f, "signing secret {number}"),
        }?;
        self.region
            .map_or(Ok(()), |region| write!(f, " of {region}"))
    }
}

/// The keys of one scheme.
#[derive(Debug, Default)]
pub(crate) struct KeySet {
    keys: Vec<(KeyName, SigningKey)>,
    /// The key that fitted last. It is tried first, because after a rotation it is not the first in the list.
    last: AtomicUsize,
}

impl KeySet {
    pub(crate) fn new(keys: Vec<(KeyName, SigningKey)>) -> Self {
        let last = AtomicUsize::new(0);
        Self { keys, last }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Returns the key that makes `tag` of `message`, or how many keys were tried.
    ///
    /// The keys of `region` are tried if there are any, else those of no region, else all.
    pub(crate) fn find(
        &self,
        message: &[u8],
        tag: &[u8; 32],
        region: Option<Region>,
    ) -> Result<KeyName, usize> {
        let scope = self.scope(region);
        let fits = |&index: &usize| {
            let (name, key) = &self.keys[index];
            scope.is_none_or(|scope| name.region == scope) && key.verify(message, tag)
        };
        let last = self.last.load(Ordering::Relaxed);
        let others = (0..self.keys.len()).filter(|&index| index != last);
        match std::iter::once(last).chain(others).find(fits) {
            Some(index) => {
                if index != last {
                    self.last.store(index, Ordering::Relaxed);
                }
                Ok(self.keys[index].0)
            }
            None => Err(self.in_scope(scope)),
        }
    }

    /// Returns the region whose keys are tried: `Some(None)` for the keys of no region, `None` for all keys.
    fn scope(&self, region: Option<Region>) -> Option<Option<Region>> {
        [region, None]
            .into_iter()
            .find(|&region| self.keys.iter().any(|(name, _)| name.region == region))
    }

    fn in_scope(&self, scope: Option<Option<Region>>) -> usize {
        let asked = |name: &KeyName| scope.is_none_or(|scope| name.region == scope);
        self.keys.iter().filter(|(name, _)| asked(name)).count()
    }
}
