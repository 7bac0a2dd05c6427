//! The caller of a command and its permissions (v1.md section 1).

use crate::engine::model::id::{AccountName, QueueName};

/// The caller of a command: an account, and what the token allows (v1.md section 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account whose state the command reads and changes.
    pub account: AccountName,
    /// Names or globs (`order-*`) of the queues that the token is limited to; `None` means all queues.
    pub queues: Option<Vec<String>>,
    /// What the token allows.
    pub permissions: Permissions,
    /// Whether the token may read everything and change nothing (v2.md section 1.3).
    pub read_only: bool,
}

/// One of the four permissions of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Publish messages.
    Publish,
    /// Receive, extend, acknowledge and release.
    Consume,
    /// Create, change and look at queues and messages.
    Manage,
    /// Read metrics.
    Metrics,
}

impl Permission {
    /// All permissions.
    pub const ALL: [Self; 4] = [Self::Publish, Self::Consume, Self::Manage, Self::Metrics];

    /// The permission as a token spells it.
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
    /// All permissions.
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
    /// A caller that may do everything in the account of this name.
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

    /// Whether the token is not limited to other queues than `queue`.
    #[must_use]
    pub fn sees(&self, queue: &QueueName) -> bool {
        let globs = self.queues.as_ref();
        globs.is_none_or(|globs| globs.iter().any(|glob| glob_matches(glob, queue.as_str())))
    }
}

/// Whether `text` matches `glob`, in which `*` stands for any run of characters. Takes constant memory, and time at
/// most in proportion to the product of both lengths.
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
