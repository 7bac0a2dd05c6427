//! Language models and e-mail: URLs of providers with the headers that those want. The service sees ordinary publishes
//! (v2 contract, section 2.12).

use http::{HeaderMap, HeaderName};

use crate::error::Error;
use crate::types::secret::Secret;
use crate::types::token::fault;
use crate::v2::callback::Callback;
use crate::v2::destination::{Destination, Target};
use crate::v2::headers::{self, text};
use crate::v2::published::Published;

/// A language model, as a destination. Its answer goes to the callback, so a callback is required.
///
/// ```
/// use qstash_client::v2::{Llm, NewMessage};
/// let question = serde_json::json!({"model": "gpt-5", "messages": [{"role": "user", "content": "Hi"}]});
/// let model = Llm::openai("sk-...", "https://example.com/answers");
/// let message = NewMessage::to(model).json(&question);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Llm {
    base: String,
    route: &'static str,
    callback: Callback,
    headers: Forwarded,
    analytics: Option<Secret>,
}

/// Headers for the provider. `Debug` shows their names only.
#[derive(Clone, Default)]
struct Forwarded(Vec<(&'static str, Says)>);

/// What a header for the provider says.
#[derive(Clone)]
enum Says {
    /// A token after the word `Bearer`.
    Bearer(String),
    /// A token alone.
    Token(String),
    /// Anything else.
    Text(String),
}

impl Llm {
    /// Sends the message to OpenAI's chat completions.
    pub fn openai(token: impl AsRef<str>, callback: impl Into<Callback>) -> Self {
        Self::custom("https://api.openai.com", token, callback)
    }

    /// Sends the message to Anthropic's messages.
    pub fn anthropic(token: impl AsRef<str>, callback: impl Into<Callback>) -> Self {
        Self {
            base: "https://api.anthropic.com".to_owned(),
            route: "v1/messages",
            callback: callback.into(),
            headers: Forwarded(vec![
                ("x-api-key", Says::Token(token.as_ref().to_owned())),
                ("anthropic-version", Says::Text("2023-06-01".to_owned())),
            ]),
            analytics: None,
        }
    }

    /// Sends the message to any provider that speaks OpenAI's chat completions, at `<base>/v1/chat/completions`. The
    /// base URL may already end in `/v1` or `/chat/completions`.
    pub fn custom(
        base_url: impl AsRef<str>,
        token: impl AsRef<str>,
        callback: impl Into<Callback>,
    ) -> Self {
        let base = base_url.as_ref().trim_end_matches('/');
        let base = base.strip_suffix("/chat/completions").unwrap_or(base);
        let base = base.strip_suffix("/v1").unwrap_or(base);
        Self {
            base: base.to_owned(),
            route: "v1/chat/completions",
            callback: callback.into(),
            headers: Forwarded(vec![authorization(token.as_ref())]),
            analytics: None,
        }
    }

    /// Names the organization that OpenAI bills.
    pub fn organization(mut self, organization: impl Into<String>) -> Self {
        let organization = Says::Text(organization.into());
        self.headers.0.push(("openai-organization", organization));
        self
    }

    /// Sends the message by way of Helicone, which records the exchange.
    pub fn helicone(mut self, token: impl Into<String>) -> Self {
        self.analytics = Some(Secret::new(token.into()));
        self
    }
}

impl Destination for Llm {
    type Answer = Published;
    fn into_target(mut self) -> Result<Target, Error> {
        let mut base = self.base;
        if let Some(token) = self.analytics {
            let token = Says::Bearer(token.expose().to_owned());
            self.headers.0.push(("helicone-auth", token));
            let target = Says::Text(base);
            self.headers.0.push(("helicone-target-url", target));
            base = "https://gateway.helicone.ai".to_owned();
        }
        let mut target = Target::url(&format!("{base}/{}", self.route))?;
        target.headers = self.headers.write()?;
        self.callback
            .write(headers::CALLBACK, &mut target.headers)?;
        Ok(target)
    }
}

/// An e-mail provider, as a destination.
///
/// ```
/// use qstash_client::v2::{Email, NewMessage};
/// let mail = serde_json::json!({"from": "a@example.com", "to": ["b@example.com"], "subject": "Hi", "text": "!"});
/// let message = NewMessage::to(Email::resend("re_...")).json(&mail);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Email {
    path: &'static str,
    headers: Forwarded,
}

impl Email {
    /// Sends one mail by Resend.
    pub fn resend(token: impl AsRef<str>) -> Self {
        Self {
            path: "https://api.resend.com/emails",
            headers: Forwarded(vec![authorization(token.as_ref())]),
        }
    }

    /// Sends several mails by Resend. The message's body is an array of them.
    pub fn resend_batch(token: impl AsRef<str>) -> Self {
        Self {
            path: "https://api.resend.com/emails/batch",
            ..Self::resend(token)
        }
    }
}

impl Destination for Email {
    type Answer = Published;
    fn into_target(self) -> Result<Target, Error> {
        let mut target = Target::url(self.path)?;
        target.headers = self.headers.write()?;
        Ok(target)
    }
}

fn authorization(token: &str) -> (&'static str, Says) {
    ("authorization", Says::Bearer(token.to_owned()))
}

impl Forwarded {
    fn write(self) -> Result<HeaderMap, Error> {
        let mut headers = HeaderMap::new();
        for (name, says) in self.0 {
            let (what, fault, value) = match says {
                Says::Bearer(token) => ("token", fault(&token), format!("Bearer {token}")),
                Says::Token(token) => ("token", fault(&token), token),
                Says::Text(text) => ("value", text.is_empty().then_some("is empty"), text),
            };
            if let Some(fault) = fault {
                return Err(Error::invalid(format!(
                    "the header `{name}` needs a {what}, but the {what} {fault}"
                )));
            }
            let mut value = text(name, &value)?;
            value.set_sensitive(true);
            let name = HeaderName::from_bytes(format!("upstash-forward-{name}").as_bytes())
                .map_err(|e| Error::invalid("the header's name is not valid").with_source(e))?;
            headers.append(name, value);
        }
        Ok(headers)
    }
}

impl std::fmt::Debug for Forwarded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(destination: impl Destination) -> String {
        let error = destination.into_target().expect_err("a bad token");
        let text = format!("{error} {error:?}");
        assert!(!text.contains("s3cret"), "{text}");
        text
    }

    #[test]
    fn tokens_of_providers_are_checked_as_that_of_the_service() {
        let to = "https://e.com";
        for (token, reason) in [
            ("", "is empty"),
            ("\"s3cret\"", "quotes"),
            ("s3cret\n", "line end"),
            (" s3cret", "blank"),
        ] {
            for text in [
                refused(Llm::openai(token, to)),
                refused(Llm::anthropic(token, to)),
                refused(Llm::openai("good", to).helicone(token)),
                refused(Email::resend(token)),
            ] {
                assert!(text.contains(reason), "{token:?}: {text}");
            }
        }
        assert!(refused(Llm::openai("good", to).organization("")).contains("organization"));
        assert!(
            Llm::openai("good", to)
                .organization("org-1")
                .into_target()
                .is_ok()
        );
    }
}
