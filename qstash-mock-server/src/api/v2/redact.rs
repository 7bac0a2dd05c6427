//! What `Upstash-Redact-Fields` hides from API answers (v2.md sections 3.12 and A.4).

/// Parts of a message that are shown as a hash of their value. They are delivered in clear.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Redact {
    /// The body.
    pub(super) body: bool,
    /// Every header.
    pub(super) all_headers: bool,
    /// Headers by name, in lower case.
    pub(super) headers: Vec<String>,
}

impl Redact {
    /// Adds what the comma-separated `text` names; the error goes on a sentence that begins with the header's
    /// name.
    pub(super) fn add(&mut self, text: &str) -> Result<(), String> {
        for item in text.split(',') {
            self.add_one(item.trim())?;
        }
        Ok(())
    }

    fn add_one(&mut self, item: &str) -> Result<(), String> {
        let lower = item.to_ascii_lowercase();
        match lower.as_str() {
            "body" => self.body = true,
            "header" | "headers" => self.all_headers = true,
            named => {
                let name = ["headers[", "header["]
                    .iter()
                    .find_map(|prefix| named.strip_prefix(prefix))
                    .and_then(|rest| rest.strip_suffix(']'))
                    .map(str::trim)
                    .filter(|name| http::HeaderName::from_bytes(name.as_bytes()).is_ok())
                    .ok_or_else(|| {
                        format!("knows `body`, `header` and `header[Name]`, not `{item}`")
                    })?;
                if !self.headers.iter().any(|it| it == name) {
                    self.headers.push(name.to_owned());
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spellings_of_the_sdks_and_documents_are_read() {
        let mut redact = Redact::default();
        redact
            .add("body,header[Authorization], headers[ X-Key ] ,header[x-key]")
            .unwrap();
        assert_eq!(
            redact,
            Redact {
                body: true,
                all_headers: false,
                headers: vec!["authorization".into(), "x-key".into()],
            }
        );
        for text in ["header", "headers", "Headers"] {
            let mut redact = Redact::default();
            redact.add(text).unwrap();
            assert!(redact.all_headers && !redact.body, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_hidden_is_named() {
        for text in [
            "",
            "body,",
            "url",
            "header[]",
            "header[a b]",
            "header[a",
            "headera]",
            "body body",
        ] {
            assert!(Redact::default().add(text).is_err(), "{text:?}");
        }
    }
}
