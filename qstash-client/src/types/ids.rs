//! Names and ids. Each is checked when it is made, so that no request can be built around a bad one: an empty id in a
//! path would reach another route.

use crate::error::Error;

/// Defines a text newtype with a check that runs before it exists.
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $noun:literal, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks a text and wraps it.
            ///
            /// # Errors
            /// [`InvalidInput`](crate::ErrorKind::InvalidInput), which names the rule that the text breaks.
            pub fn parse(text: impl Into<String>) -> Result<Self, Error> {
                let text = text.into();
                match $check(&text) {
                    Ok(()) => Ok(Self(text)),
                    Err(rule) => Err(Error::invalid_input($noun, &text, rule)),
                }
            }

            /// Returns the text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(&self.0, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self, Error> {
                Self::parse(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = Error;
            fn try_from(text: &str) -> Result<Self, Error> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;
            fn try_from(text: String) -> Result<Self, Error> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

text_type! {
    /// The name of a queue: 1 to 256 characters of `A-Za-z0-9_.-`. It cannot be `.` or `..`, which no URL can carry as
    /// a path segment.
    QueueName, "queue name", check_name
}

text_type! {
    /// The name of a URL group (v2): 1 to 256 characters of `A-Za-z0-9_.-`. It cannot be `.` or `..`.
    UrlGroupName, "URL group name", check_name
}

text_type! {
    /// The id of a schedule (v2), made by the service (`scd_...`) or chosen by you: 1 to 256 characters of
    /// `A-Za-z0-9_.-`. It cannot be `.` or `..`.
    ScheduleId, "schedule id", check_name
}

text_type! {
    /// The id of an entry of the dead-letter list (v2), such as `1725323658779-0`: 1 to 512 visible ASCII characters.
    DlqId, "DLQ id", check_id
}

text_type! {
    /// The key of a flow control (v2): 1 to 512 bytes of text without control characters and without blanks around it.
    /// It cannot be `.` or `..`. A message can only carry a key in ASCII; the service may list others.
    FlowControlKey, "flow control key", check_key
}

text_type! {
    /// The deduplication id of a publish (v2). A second publish with the same id stores nothing within 10 minutes. 1 to
    /// 256 visible ASCII characters without `:`, which the service refuses.
    DeduplicationId, "deduplication id", check_deduplication_id
}

text_type! {
    /// A label of a message (v2): 1 to 256 characters of `A-Za-z0-9_.-`.
    Label, "label", check_label
}

text_type! {
    /// The id of a message, which the server answers to its publish: 1 to 512 visible ASCII characters.
    MessageId, "message id", check_id
}

text_type! {
    /// The id of a lease: 1 to 512 visible ASCII characters.
    LeaseId, "lease id", check_id
}

text_type! {
    /// The idempotency key of a publish (v1). A second publish with the same key to the same queue stores nothing
    /// within 10 minutes. 1 to 256 bytes.
    IdempotencyKey, "idempotency key", check_idempotency_key
}

impl IdempotencyKey {
    /// Makes a key that nobody else has: a random UUID.
    #[must_use]
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().to_string())
    }
}

impl DeduplicationId {
    /// Makes an id that nobody else has: a random UUID.
    #[must_use]
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().to_string())
    }
}

fn check_name(text: &str) -> Result<(), &'static str> {
    check_label(text)?;
    refuse_dots(text)
}

fn check_label(text: &str) -> Result<(), &'static str> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    if text.is_empty() || text.len() > 256 || !text.bytes().all(allowed) {
        return Err("must be 1 to 256 characters of A-Z a-z 0-9 _ . -");
    }
    Ok(())
}

fn check_deduplication_id(text: &str) -> Result<(), &'static str> {
    let allowed = |b: u8| b.is_ascii_graphic() && b != b':';
    if text.is_empty() || text.len() > 256 || !text.bytes().all(allowed) {
        return Err("must be 1 to 256 visible ASCII characters without `:`");
    }
    Ok(())
}

/// Accepts any id that a server makes, as long as it is one path segment that survives a URL parser.
pub(crate) fn check_id(text: &str) -> Result<(), &'static str> {
    if text.is_empty() || text.len() > 512 || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("must be 1 to 512 visible ASCII characters");
    }
    refuse_dots(text)
}

/// Accepts any text that a path segment can hold.
fn check_key(text: &str) -> Result<(), &'static str> {
    if text.is_empty() || text.len() > 512 || text.trim() != text || text.contains(char::is_control)
    {
        return Err("must be 1 to 512 bytes of one line without blanks around it");
    }
    refuse_dots(text)
}

fn refuse_dots(text: &str) -> Result<(), &'static str> {
    match text {
        "." | ".." => Err("must not be `.` or `..`: URL parsers would cut it out of the path"),
        _ => Ok(()),
    }
}

fn check_idempotency_key(text: &str) -> Result<(), &'static str> {
    if text.is_empty() || text.len() > 256 {
        return Err("must be 1 to 256 bytes");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queue_names_are_checked_at_the_limit_and_one_past_it() {
        assert!(QueueName::parse("a".repeat(256)).is_ok());
        for bad in ["", "a/b", "a b", "é", ".", "..", &"a".repeat(257)] {
            assert!(QueueName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_empty_id_cannot_exist_not_even_from_a_server() {
        assert!(MessageId::parse("").is_err());
        assert!(serde_json::from_str::<MessageId>("\"\"").is_err());
        assert!(LeaseId::parse(" ").is_err());
    }

    #[test]
    fn what_the_service_refuses_cannot_be_made() {
        for bad in ["", "a:b", "a b", "é", &"a".repeat(257)] {
            assert!(DeduplicationId::parse(bad).is_err(), "{bad:?}");
        }
        assert!(DeduplicationId::parse("a".repeat(256)).is_ok());
        for bad in ["", "a,b", "a b"] {
            assert!(Label::parse(bad).is_err(), "{bad:?}");
        }
        assert!(UrlGroupName::parse("..").is_err());
        assert!(ScheduleId::parse("a/pause").is_err());
        for good in ["a:b/c", "tenant 7", "müller"] {
            assert!(FlowControlKey::parse(good).is_ok(), "keys are free text");
        }
        for bad in ["", " ", " a", "a\t", "a\nb", ".", "..", &"a".repeat(513)] {
            assert!(FlowControlKey::parse(bad).is_err(), "{bad:?}");
        }
        assert!(DlqId::parse("").is_err());
    }

    #[test]
    fn random_keys_differ() {
        assert_ne!(IdempotencyKey::random(), IdempotencyKey::random());
        assert_ne!(DeduplicationId::random(), DeduplicationId::random());
    }
}
