//! Ids and names. The random part of an id is made by `randomness.rs`.

use std::fmt;
use std::num::NonZeroU64;

use uuid::Uuid;

use crate::engine::model::time::Timestamp;

/// Names a message: a version 7 UUID, so ids order by the time of publishing. Each dialect spells it in its own
/// way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub Uuid);

impl MessageId {
    /// When the message was published, to the millisecond: a version 7 UUID begins with the time.
    #[must_use]
    pub fn published_at(self) -> Timestamp {
        let (high, _) = self.0.as_u64_pair();
        Timestamp::from_millis(high >> 16)
    }
}

/// Names a lease, the hold of a consumer on a message. Every attempt has a new one, so a consumer whose lease has
/// ended cannot act on a later attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseId(pub u64);

/// Names one push attempt within this process. Ids grow in the order in which attempts start, and are never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId(pub u64);

/// Names a caller that waits for a later answer within this process. Never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WaiterId(pub u64);

/// Names a stored body. Several messages may share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BodyId(pub u64);

/// Names a queue as long as it exists. A queue that is created again under its old name has a new id. It is never zero,
/// so that "no queue" takes no room of its own in every message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueId(pub NonZeroU64);

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
    /// Names a URL group within an account: 1 to 256 of `A-Za-z0-9_.-` (v2.md appendix A.5).
    GroupName
);
name!(
    /// Names a schedule within an account: 1 to 256 of `A-Za-z0-9_.-` (v2.md appendix A.5).
    ScheduleId
);

/// Names a row of the log or a listed dead letter. Ids order by time and are unique in the server; the text is
/// `<milliseconds>-<sequence>` (v2.md appendix B).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId {
    /// The time of the row or dead letter.
    pub at: Timestamp,
    /// A number that no other row has, for rows of the same millisecond.
    pub sequence: u64,
}

impl RowId {
    /// Reads the text that `Display` writes; `None` for any other text.
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

/// Names a flow-control key within the server: the account and the publishers' text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowKeyId {
    /// The account that owns the key.
    pub account: AccountName,
    /// The key as publishers write it.
    pub key: std::sync::Arc<str>,
}

impl AccountName {
    /// The account of the first development user, whose signing secret is `Config::signing_secret`.
    pub const DEFAULT: &'static str = "defaultUser";

    /// The account of this name; any text is one.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }
}

impl ScheduleId {
    /// An id that the server made, for a schedule whose creator named none.
    pub(super) fn made(id: &str) -> Self {
        Self(id.into())
    }
}

macro_rules! checked_name {
    ($($name:ident)*) => {$(
        impl $name {
            /// Checks a name; `None` if it is empty, longer than 256 bytes or has a character other than
            /// `A-Za-z0-9_.-`.
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
