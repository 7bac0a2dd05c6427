//! Which deliveries are meant, and in what another one differs.

use std::fmt;
use std::iter::once_with;

use uuid::Uuid;

use super::delivery::Delivery;
use crate::engine::MessageId;
use crate::instruments::{fits, masked};
use crate::text::parse_v2_message_id;

/// Which deliveries are meant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) account: Option<String>,
    pub(crate) queue: Option<String>,
    pub(crate) url: Option<String>,
    /// The message's id, in either spelling.
    pub(crate) message: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
}

impl Filter {
    pub(crate) fn matches(&self, delivery: &Delivery) -> bool {
        self.differences(delivery).next().is_none()
    }

    /// What the filter asks for and the delivery does not have, one sentence for each field.
    pub(crate) fn differences<'a>(
        &'a self,
        delivery: &'a Delivery,
    ) -> impl Iterator<Item = String> + 'a {
        let names = [
            ("queue", &self.queue, delivery.queue()),
            ("account", &self.account, Some(delivery.account())),
        ];
        let names = names.into_iter().map(|(field, wanted, is)| {
            let wanted = wanted.as_deref().filter(|wanted| Some(*wanted) != is)?;
            let is = is.unwrap_or("none");
            Some(format!("{field}: asked for `{wanted}`, is `{is}`"))
        });
        let url = || self.other_url(delivery);
        let message = || self.other_message(delivery);
        let header = || {
            let (name, wanted) = self.missing_header(delivery)?;
            let is = delivery.header(name);
            let is = is.map_or_else(|| "absent".to_owned(), |it| quoted(name, &it));
            Some(format!(
                "header {name}: asked for {}, is {is}",
                quoted(name, wanted)
            ))
        };
        names
            .chain(once_with(url))
            .chain(once_with(message))
            .chain(once_with(header))
            .flatten()
    }

    fn other_url(&self, delivery: &Delivery) -> Option<String> {
        let (wanted, is) = (self.url.as_deref()?, delivery.url());
        if fits(Some(wanted), is) {
            return None;
        }
        let (asked, masked_is) = (masked(wanted), masked(is));
        let hidden = if asked == masked_is || fits(Some(&asked), &masked_is) {
            ", with another user or query"
        } else {
            ""
        };
        Some(format!(
            "URL: asked for `{asked}`, is `{masked_is}`{hidden}"
        ))
    }

    fn other_message(&self, delivery: &Delivery) -> Option<String> {
        let wanted = self.message.as_ref()?;
        let id = message_id(wanted);
        if id == Some(delivery.message_id()) {
            return None;
        }
        let unreadable = if id.is_none() {
            ", which is no message id"
        } else {
            ""
        };
        let is = delivery.spelled_id();
        Some(format!(
            "message: asked for `{wanted}`{unreadable}, is `{is}`"
        ))
    }

    /// The first header of the filter that the delivery does not have.
    fn missing_header(&self, delivery: &Delivery) -> Option<&(String, String)> {
        if self.headers.is_empty() {
            return None;
        }
        let sent = delivery.headers();
        self.headers.iter().find(|(name, value)| {
            sent.get_all(name)
                .iter()
                .all(|it| it.as_bytes() != value.as_bytes())
        })
    }
}

/// Reads a message's id in either spelling.
fn message_id(text: &str) -> Option<MessageId> {
    parse_v2_message_id(text).or_else(|| Some(MessageId(Uuid::try_parse(text).ok()?)))
}

/// Whether the name of a header says that its value is a secret.
fn is_secret(name: &str) -> bool {
    const SECRET: [&str; 6] = ["auth", "cookie", "token", "secret", "password", "key"];
    let name = name.to_ascii_lowercase();
    SECRET.iter().any(|it| name.contains(it))
}

/// A header's value in quotes, unless it is a secret.
fn quoted(name: &str, value: &str) -> String {
    if is_secret(name) {
        "a value that is not shown".to_owned()
    } else {
        format!("`{value}`")
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let mut note = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                parts.push(format!("{name} `{value}`"));
            }
        };
        note("account", self.account.as_deref());
        note("queue", self.queue.as_deref());
        note("URL", self.url.as_deref().map(masked).as_deref());
        note("message", self.message.as_deref());
        for (name, value) in &self.headers {
            let value = if is_secret(name) { "…" } else { value };
            parts.push(format!("header `{name}: {value}`"));
        }
        if parts.is_empty() {
            return f.write_str("any");
        }
        f.write_str(&parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_id_has_two_spellings() {
        let id = MessageId(Uuid::from_u128(0x0197_0000_0000_7000_8000_0000_0000_0001));
        let uuid = id.0.to_string();
        for text in [&uuid, &uuid.to_uppercase(), &crate::text::v2_message_id(id)] {
            assert_eq!(message_id(text), Some(id), "{text}");
        }
        assert_eq!(message_id("msg_1"), None);
    }

    #[test]
    fn a_description_has_no_secrets() {
        let filter = Filter {
            url: Some("https://u:s3cret@a.example/x?k=s3cret".into()),
            headers: vec![
                ("Authorization".into(), "Bearer s3cret".into()),
                ("x-kind".into(), "late".into()),
            ],
            ..Filter::default()
        };
        assert_eq!(
            filter.to_string(),
            "URL `https://***@a.example/x?…`, header `Authorization: …`, header `x-kind: late`"
        );
    }
}
