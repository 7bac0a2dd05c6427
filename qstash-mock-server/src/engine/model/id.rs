//! Ids and the randomness they are made of.
//!
//! A message's randomness derives from (seed, epoch, its sequence, purpose) and not from one shared
//! stream, so that two engines with the same seed and the same inputs make the same ids, and adding
//! one random decision does not shift all the others.

use std::fmt;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::engine::model::time::Timestamp;

/// The source of all randomness of one engine. Never printed: secrets are derived from it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seed([u64; 4]);

impl Seed {
    /// A seed made of 32 bytes, normally from the operating system.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        let word = |i: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[i * 8..i * 8 + 8]);
            u64::from_le_bytes(word)
        };
        Self([word(0), word(1), word(2), word(3)])
    }
}

impl From<u64> for Seed {
    fn from(seed: u64) -> Self {
        Self([seed, 0, 0, 0])
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// What a random number is for; each purpose has its own stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    MessageId = 1,
    Lease = 2,
    Jitter = 3,
    ScheduleId = 4,
}

/// Makes random numbers out of a seed, an epoch and what they are for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Randomness {
    seed: Seed,
    epoch: u64,
}

impl Randomness {
    pub(crate) const fn new(seed: Seed, epoch: u64) -> Self {
        Self { seed, epoch }
    }

    /// A 64-bit number for the `counter`-th use of `purpose` by the entity `sequence`.
    pub(crate) fn number(&self, purpose: Purpose, sequence: u64, counter: u64) -> u64 {
        let [a, b, c, d] = self.seed.0;
        let mut mixed = mix(a ^ self.epoch.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for word in [b, c, d, purpose as u64, sequence, counter] {
            mixed = mix(mixed ^ word.wrapping_mul(0xff51_afd7_ed55_8ccd)).wrapping_add(word);
        }
        mix(mixed)
    }

    /// A number in `0.0..1.0`.
    pub(crate) fn fraction(&self, purpose: Purpose, sequence: u64, counter: u64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
        let numerator = (self.number(purpose, sequence, counter) >> 11) as f64;
        numerator / (1u64 << 53) as f64
    }

    /// A version 7 UUID: ordered by `now`, random otherwise.
    pub(crate) fn uuid_v7(&self, now: Timestamp, purpose: Purpose, sequence: u64) -> Uuid {
        let mut random = [0; 10];
        random[..8].copy_from_slice(&self.number(purpose, sequence, 0).to_le_bytes());
        random[8..].copy_from_slice(&self.number(purpose, sequence, 1).to_le_bytes()[..2]);
        uuid::Builder::from_unix_timestamp_millis(now.as_millis(), &random).into_uuid()
    }

    /// 32 hex digits nobody can guess without the seed.
    pub(crate) fn secret(&self, account: &str, generation: u64) -> String {
        let digest = self.digest(account, generation);
        digest[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// A signing key of the hosted protocol: `sig_` and 28 base58 characters nobody can guess without
    /// the seed (v2.md appendix B). Keys and secrets of one account have nothing in common.
    pub(crate) fn signing_key(&self, account: &str, generation: u64) -> String {
        let digest = self.digest(&format!("signing key of {account}"), generation);
        base58("sig_", &digest[..28])
    }

    /// `scd_` and 28 base58 characters (v2.md appendix B).
    pub(crate) fn schedule_id(&self, sequence: u64) -> ScheduleId {
        let mut bytes = [0; 32];
        for (counter, chunk) in (0..).zip(bytes.chunks_exact_mut(8)) {
            let number = self.number(Purpose::ScheduleId, sequence, counter);
            chunk.copy_from_slice(&number.to_le_bytes());
        }
        ScheduleId(base58("scd_", &bytes[..28]).into())
    }

    fn digest(&self, account: &str, generation: u64) -> [u8; 32] {
        let mut hash = Sha256::new();
        for word in self.seed.0 {
            hash.update(word.to_le_bytes());
        }
        hash.update(self.epoch.to_le_bytes());
        hash.update(generation.to_le_bytes());
        hash.update(account.as_bytes());
        hash.finalize().into()
    }
}

/// One base58 character for each byte: not an encoding, only the alphabet.
fn base58(prefix: &str, bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let digits = bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]));
    prefix.chars().chain(digits).collect()
}

/// The finaliser of SplitMix64: every input bit changes every output bit with even odds.
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Names a message. Ordered by the time of publishing; each dialect has its own spelling of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub Uuid);

/// Names a hold on a message. A new one for every attempt, so that it fences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseId(pub u64);

/// Names one push attempt in this process; never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId(pub u64);

/// Names a caller that waits for an answer; never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WaiterId(pub u64);

/// Names a stored body, which several messages may share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BodyId(pub u64);

/// Names a queue for as long as it exists; a queue made again under its old name is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueId(pub u64);

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// Names an account, the owner of tokens, keys and all state.
    AccountName
);
name!(
    /// Names a queue within an account: 1 to 256 of `A-Za-z0-9_.-` (v1.md section 2).
    QueueName
);

name!(
    /// Names a URL group within an account: `A-Za-z0-9_.-` (v2.md appendix A.5).
    GroupName
);
name!(
    /// Names a schedule within an account: `A-Za-z0-9_.-` (v2.md appendix A.5).
    ScheduleId
);

/// Names a row of the log or a dead letter: ordered by time, unique in the server. Written
/// `<milliseconds>-<sequence>` (v2.md appendix B).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId {
    /// The row's time.
    pub at: Timestamp,
    /// Tells rows of one millisecond apart.
    pub sequence: u64,
}

impl RowId {
    /// Reads what `Display` writes; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse::<u64>().ok())?
        };
        let (at, sequence) = text.split_once('-')?;
        Some(Self {
            at: Timestamp::from_millis(number(at)?),
            sequence: number(sequence)?,
        })
    }
}

impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.at.as_millis(), self.sequence)
    }
}

/// Names a flow-control key: an account and the text that publishers give.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowKeyId {
    /// Whose it is.
    pub account: AccountName,
    /// The key.
    pub key: std::sync::Arc<str>,
}

impl AccountName {
    /// The account of v2's development user 1, which has the server's signing secret.
    pub const DEFAULT: &'static str = "defaultUser";

    /// An account; any text is a name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }
}

macro_rules! checked_name {
    ($($name:ident)*) => {$(
        impl $name {
            /// Checks a name; `None` if it is empty, longer than 256 or has another character.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                let valid =
                    |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
                ((1..=256).contains(&name.len()) && name.bytes().all(valid))
                    .then(|| Self(name.into()))
            }
        }
    )*};
}

checked_name!(QueueName GroupName ScheduleId);
