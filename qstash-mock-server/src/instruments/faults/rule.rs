//! Rules: what goes wrong, where, and how often.

use std::time::Duration;

use http::{HeaderMap, StatusCode};

use super::rules::ApiCall;
use crate::engine::Attempt;

/// A fault whose settings are valid.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) kind: Kind,
    pub(crate) scope: Scope,
    pub(crate) when: When,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    ApiStatus(StatusCode, HeaderMap),
    ApiDelay(Duration),
    ApiResetBefore,
    ApiResetAfter,
    Delay(Duration),
    Reorder,
    Duplicate,
    LoseAnswer,
    ResetMidBody,
    Slow(Duration),
    BadSignature,
    SignerAhead(Duration),
    SignerBehind(Duration),
    RotateKey,
}

impl Kind {
    pub(crate) const fn is_api(&self) -> bool {
        matches!(
            self,
            Self::ApiStatus(..) | Self::ApiDelay(_) | Self::ApiResetBefore | Self::ApiResetAfter
        )
    }

    /// The answer of [`Kind::ApiStatus`].
    pub(crate) const fn answer(&self) -> Option<(StatusCode, &HeaderMap)> {
        match self {
            Self::ApiStatus(status, headers) => Some((*status, headers)),
            _ => None,
        }
    }

    /// By how much something is delayed, or a clock is wrong.
    pub(crate) const fn duration(&self) -> Option<Duration> {
        match self {
            Self::ApiDelay(by)
            | Self::Delay(by)
            | Self::Slow(by)
            | Self::SignerAhead(by)
            | Self::SignerBehind(by) => Some(*by),
            _ => None,
        }
    }

    /// The kind's name over HTTP and in captured deliveries.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::ApiStatus(..) => "api_status",
            Self::ApiDelay(_) => "api_delay",
            Self::ApiResetBefore => "api_reset_before",
            Self::ApiResetAfter => "api_reset_after",
            Self::Delay(_) => "delay",
            Self::Reorder => "reorder",
            Self::Duplicate => "duplicate",
            Self::LoseAnswer => "lose_answer",
            Self::ResetMidBody => "reset_mid_body",
            Self::Slow(_) => "slow",
            Self::BadSignature => "bad_signature",
            Self::SignerAhead(_) => "signer_ahead",
            Self::SignerBehind(_) => "signer_behind",
            Self::RotateKey => "rotate_key",
        }
    }
}

/// Where a fault strikes; a field that is `None` does not limit it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) account: Option<String>,
    pub(crate) queue: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) path: Option<String>,
}

/// How often a fault strikes, of the times that it could.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct When {
    pub(crate) probability: Option<f64>,
    pub(crate) script: Option<Vec<bool>>,
    pub(crate) times: Option<u64>,
}

impl Scope {
    pub(super) fn has_delivery(&self, attempt: &Attempt) -> bool {
        let same = |wanted: &Option<String>, it: &str| wanted.as_deref().is_none_or(|w| w == it);
        same(&self.account, attempt.account.as_str())
            && same(
                &self.queue,
                attempt.queue().map_or("", |queue| queue.as_str()),
            )
            && fits(self.url.as_deref(), &attempt.url)
    }

    pub(super) fn has_call(&self, call: &ApiCall<'_>) -> bool {
        let same =
            |wanted: &Option<String>, it: Option<&str>| wanted.is_none() || wanted.as_deref() == it;
        same(&self.account, call.account)
            && same(&self.queue, call.queue)
            && fits(self.path.as_deref(), call.path)
    }
}

/// Whether `text` matches `pattern`, in which `*` stands for any text. No pattern matches every text.
pub(crate) fn fits(pattern: Option<&str>, text: &str) -> bool {
    let Some(pattern) = pattern else {
        return true;
    };
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<_> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, expected) in [
            ("a*c", "abbc", true),
            ("a*c", "ac", true),
            ("a*c", "acd", false),
            ("*", "", true),
            ("", "", true),
            ("", "x", false),
            ("a*b*c", "a-b-b-c", true),
            ("ab*bc", "abc", false),
        ] {
            assert_eq!(fits(Some(pattern), text), expected, "{pattern} {text}");
        }
    }
}
