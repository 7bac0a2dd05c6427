//! What `Upstash-Redact-Fields` hides from API answers (v2.md sections 3.12 and A.4).

use crate::engine::Redaction;

/// Adds the fields that the comma-separated `text` names, with headers in lower case. The error is the rest of a
/// sentence that begins with the header's name.
pub(super) fn add(redaction: &mut Redaction, text: &str) -> Result<(), String> {
    for item in text.split(',') {
        add_one(redaction, item.trim())?;
    }
    Ok(())
}

fn add_one(redaction: &mut Redaction, item: &str) -> Result<(), String> {
    let lower = item.to_ascii_lowercase();
    match lower.as_str() {
        "body" => redaction.body = true,
        "header" | "headers" => redaction.all_headers = true,
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
            if !redaction.headers.iter().any(|it| it == name) {
                redaction.headers.push(name.to_owned());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spellings_of_the_sdks_and_documents_are_read() {
        let mut redaction = Redaction::default();
        let text = "body,header[Authorization], headers[ X-Key ] ,header[x-key]";
        add(&mut redaction, text).unwrap();
        assert_eq!(
            redaction,
            Redaction {
                body: true,
                all_headers: false,
                headers: vec!["authorization".into(), "x-key".into()],
            }
        );
        for text in ["header", "headers", "Headers"] {
            let mut redaction = Redaction::default();
            add(&mut redaction, text).unwrap();
            assert!(redaction.all_headers && !redaction.body, "{text}");
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
            assert!(add(&mut Redaction::default(), text).is_err(), "{text:?}");
        }
    }
}
