//! What an error that this crate did not make tells a person: one line, without what may be secret.

use std::error::Error as StdError;

/// Levels of the HTTP client's errors that say no more than that there was an error.
const EMPTY_WORDS: [&str; 3] = ["error sending request", "client error (", "builder error"];

/// Joins what the error and its sources say, each thing once. Of URLs it shows scheme and host, because the rest may be
/// secret. An error about JSON says what was expected where, and shows no value.
pub(crate) fn told(error: &(dyn StdError + 'static)) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut level = Some(error);
    while let Some(at) = level {
        let text = match at.downcast_ref::<serde_json::Error>() {
            Some(json) => without_values(&json.to_string()),
            None => without_paths(&at.to_string()),
        };
        let text = text.trim().to_owned();
        let new = !said.iter().any(|earlier| earlier.contains(&text));
        if new && !EMPTY_WORDS.iter().any(|words| text.starts_with(words)) {
            said.push(text);
        }
        level = at.source();
    }
    if said.is_empty() {
        return without_paths(&error.to_string());
    }
    said.join(": ")
}

/// Whether an error is about a certificate. The implementations of TLS have errors of their own types; what they have
/// in common is words.
#[cfg(feature = "reqwest")]
pub(crate) fn is_about_a_certificate(error: &(dyn StdError + 'static)) -> bool {
    told(error).to_ascii_lowercase().contains("certificate")
}

/// Escapes control characters of what a server says, so that it cannot command a terminal or begin a line of a log.
pub(crate) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() {
            out.extend(letter.escape_default());
        } else {
            out.push(letter);
        }
    }
    out
}

/// Says in plain words what is wrong with a certificate.
pub(crate) fn certificate_fault(error: &(dyn StdError + 'static)) -> &'static str {
    let said = told(error).to_ascii_lowercase();
    let faults: [(&[&str], &str); 6] = [
        (&["expired"], "it has expired"),
        (
            &["not valid yet", "not yet valid", "notvalidyet"],
            "it is not valid yet",
        ),
        (
            &[
                "not valid for name",
                "notvalidforname",
                "mismatch",
                "does not match",
            ],
            "it is for another name",
        ),
        (&["revoked"], "it was revoked"),
        (
            &["causedasendentity"],
            "its issuer is unknown here (see `root_certificates`), or it is marked as an authority, which rustls \
             does not accept as a server's certificate",
        ),
        (
            &[
                "unknownissuer",
                "unknown issuer",
                "local issuer",
                "self-signed",
                "self signed",
                "not trusted",
                "untrusted",
            ],
            "its issuer is unknown here (see `root_certificates`)",
        ),
    ];
    let found = faults
        .iter()
        .find(|(words, _)| words.iter().any(|word| said.contains(word)));
    found.map_or("it does not hold", |(_, fault)| fault)
}

/// Returns whether a connection with TLS failed because the server does not speak it, as a development server does not.
pub(crate) fn is_without_tls(error: &(dyn StdError + 'static)) -> bool {
    let said = told(error).to_ascii_lowercase();
    let words = [
        "invalidcontenttype",
        "wrong version number",
        "packet length too long",
    ];
    words.iter().any(|word| said.contains(word))
}

/// Keeps of each URL its scheme and its host with the port.
fn without_paths(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, url) = rest.split_at(at + 3);
        out.push_str(before);
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | ')');
        let (url, after) = url.split_at(url.find(ends).unwrap_or(url.len()));
        let host = url.find(['/', '?', '#', '\\']).unwrap_or(url.len());
        let authority = &url[..host];
        out.push_str(
            authority
                .rsplit_once('@')
                .map_or(authority, |(_, host)| host),
        );
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Cuts the values of a payload out of what serde says: `invalid type: string "secret", expected u64 at line 1 column
/// 9` becomes `invalid type: string, expected u64 at line 1 column 9`. The names of fields stay.
fn without_values(text: &str) -> String {
    if ["missing field", "duplicate field", "the field `"]
        .iter()
        .any(|it| text.starts_with(it))
    {
        return text.to_owned();
    }
    let Some(start) = text.find(['"', '`']) else {
        return text.to_owned();
    };
    // The last ones, because a value may hold these words, too.
    let tail = text
        .rfind(", expected ")
        .or_else(|| text.rfind(" at line "));
    let tail = tail.filter(|&at| at > start).map_or("", |at| &text[at..]);
    format!("{}{tail}", text[..start].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Level(&'static str, #[source] Option<Box<Self>>);

    fn chain(texts: &[&'static str]) -> Level {
        let (first, rest) = texts.split_first().expect("a level");
        let source = (!rest.is_empty()).then(|| Box::new(chain(rest)));
        Level(first, source)
    }

    #[test]
    fn each_level_is_said_once_and_empty_words_are_left_out() {
        let said = |texts: &[&'static str]| told(&chain(texts));
        let levels = [
            "error sending request",
            "client error (Connect)",
            "tcp connect error",
            "refused",
        ];
        assert_eq!(said(&levels), "tcp connect error: refused");
        assert_eq!(said(&["a: b", "b"]), "a: b");
        assert_eq!(said(&["client error (Connect)"]), "client error (Connect)");
    }

    #[test]
    fn of_urls_only_the_host_is_shown() {
        let error = chain(&["for url (https://u:s3cret@h:1/s3cret?t=s3cret) and http://h2/s3cret"]);
        assert_eq!(told(&error), "for url (https://h:1) and http://h2");
    }

    #[test]
    fn errors_about_json_show_no_values() {
        #[derive(Debug, serde::Deserialize)]
        #[expect(dead_code, reason = "only read")]
        struct Order {
            id: u64,
            state: State,
        }
        #[derive(Debug, serde::Deserialize)]
        enum State {
            Open,
        }
        let said = |json| told(&serde_json::from_str::<Order>(json).expect_err("a wrong shape"));
        let text = said(r#"{"id":"s3cret, expected x"}"#);
        assert_eq!(
            text,
            "invalid type: string, expected u64 at line 1 column 26"
        );
        assert_eq!(said("{}"), "missing field `id` at line 1 column 2");
        let text = said(r#"{"id":1,"state":"s3cret"}"#);
        assert_eq!(text, "unknown variant, expected `Open` at line 1 column 24");
        let text = said(r#"{"id":-4711,"state":"Open"}"#);
        assert!(!text.contains("4711"), "{text}");
    }
}
