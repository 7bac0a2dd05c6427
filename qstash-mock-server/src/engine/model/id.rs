//! Ids and names. What is random about ids comes from `randomness.rs`.

use std::fmt;

use uuid::Uuid;

use crate::engine::model::time::Timestamp;

/// Names a message. Ordered by the time of publishing; each dialect has its own spelling of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub Uuid);

impl MessageId {
    /// When the message was published: a version 7 UUID begins with the time.
    #[must_use]
    pub fn published_at(self) -> Timestamp {
        let (high, _) = self.0.as_u64_pair();
        Timestamp::from_millis(high >> 16)
    }
}

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

impl ScheduleId {
    /// The id of a schedule that its maker gave no name.
    pub(super) fn made(id: &str) -> Self {
        Self(id.into())
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
