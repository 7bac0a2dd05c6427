//! Who asks, and how far the grant reaches (v1.md section 1).

use crate::engine::model::id::{AccountName, QueueName};

/// Who asks: an account, and how far the token's grant reaches (v1.md section 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The owner of all state that the command may see.
    pub account: AccountName,
    /// Queue names or globs (`order-*`) that the caller is limited to; `None`: all.
    pub queues: Option<Vec<String>>,
    /// Permissions that the caller has.
    pub permissions: Permissions,
    /// May read everything and change nothing (v2.md section 1.3).
    pub read_only: bool,
}

/// One of the four things a token may allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Publish messages.
    Publish,
    /// Receive, extend, acknowledge and release.
    Consume,
    /// Create, change and look at queues and messages.
    Manage,
    /// Read the figures.
    Metrics,
}

impl Permission {
    /// All permissions.
    pub const ALL: [Self; 4] = [Self::Publish, Self::Consume, Self::Manage, Self::Metrics];

    /// The permission as it stands in a token.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Consume => "consume",
            Self::Manage => "manage",
            Self::Metrics => "metrics",
        }
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions(u8);

impl Permissions {
    /// Everything.
    pub const ALL: Self = Self(0b1111);

    /// Whether `permission` is in the set.
    #[must_use]
    pub const fn has(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u8) != 0
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(
            permissions
                .into_iter()
                .fold(0, |set, permission| set | 1 << permission as u8),
        )
    }
}

impl Caller {
    /// A caller that may do everything with an account.
    #[must_use]
    pub fn owner(account: &str) -> Self {
        let account = AccountName::new(account);
        Self {
            account,
            queues: None,
            permissions: Permissions::ALL,
            read_only: false,
        }
    }

    /// Whether the queue is among those the caller is limited to.
    #[must_use]
    pub fn sees(&self, queue: &QueueName) -> bool {
        let globs = self.queues.as_ref();
        globs.is_none_or(|globs| globs.iter().any(|glob| glob_matches(glob, queue.as_str())))
    }
}

/// Whether `text` is `glob`, in which `*` stands for any run of characters. Linear in memory and at
/// most quadratic in time, whatever the glob.
fn glob_matches(glob: &str, text: &str) -> bool {
    let (glob, text) = (glob.as_bytes(), text.as_bytes());
    let (mut g, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        if g < glob.len() && glob[g] == b'*' {
            retry = Some((g, t));
            g += 1;
        } else if g < glob.len() && glob[g] == text[t] {
            g += 1;
            t += 1;
        } else if let Some((star, matched)) = retry {
            retry = Some((star, matched + 1));
            g = star + 1;
            t = matched + 1;
        } else {
            return false;
        }
    }
    glob[g..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::glob_matches;

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        for (glob, text, expected) in [
            ("order-*", "order-events", true),
            ("order-*", "order-", true),
            ("order-*", "border-events", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("*-dlq", "order-dlq-dlq", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b-", false),
            ("order", "orders", false),
        ] {
            assert_eq!(glob_matches(glob, text), expected, "{glob} against {text}");
        }
    }
}
