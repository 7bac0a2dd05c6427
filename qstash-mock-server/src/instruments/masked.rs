//! Texts for reports, without what may be secret in them.

/// The first `most` characters of a text, and `…` if there are more. Control characters are escaped, so that nobody
/// writes into a terminal by them.
pub(crate) fn beginning(text: &str, most: usize) -> String {
    let mut characters = text.chars();
    let mut short = String::new();
    for character in characters.by_ref().take(most) {
        if character.is_control() {
            short.extend(character.escape_default());
        } else {
            short.push(character);
        }
    }
    if characters.next().is_some() {
        short.push('…');
    }
    short
}

/// A path or a sentence without users, passwords, queries and fragments of the URLs in it, also if they are
/// percent-encoded, as in paths of `/v2`. It rather leaves out too much than too little: a malformed URL is one that is
/// refused, and stands in a report.
pub(crate) fn masked(text: &str) -> String {
    without_user(&without_query(text))
}

/// Where `text` has the first of `patterns`, and where that ends. Letters of `text` are compared in any case.
fn first(text: &str, patterns: &[&str]) -> Option<(usize, usize)> {
    let folded = text.to_ascii_lowercase();
    let found = patterns
        .iter()
        .filter_map(|it| Some((folded.find(it)?, it.len())));
    // At the same place the longest one counts.
    let found = found.min_by_key(|(at, length)| (*at, std::cmp::Reverse(*length)));
    found.map(|(at, length)| (at, at + length))
}

fn without_query(text: &str) -> String {
    let Some((at, after)) = first(text, &["?", "#", "%3f", "%23"]) else {
        return text.to_owned();
    };
    let rest = &text[after..];
    let quoted = rest.rfind('`');
    let end = quoted.or_else(|| rest.find(char::is_whitespace));
    let end = end.unwrap_or(rest.len());
    if end == 0 || at == 0 {
        // The end of a sentence.
        return text.to_owned();
    }
    format!("{}?…{}", &text[..at], &rest[end..])
}

fn without_user(text: &str) -> String {
    let folded = text.to_ascii_lowercase();
    let end = ["@", "%40"].iter().filter_map(|it| folded.rfind(it)).max();
    let Some(end) = end else {
        return text.to_owned();
    };
    let schemes = ["://", ":/", "%3a%2f%2f", "%3a%2f", "%3a//", "%3a/"];
    let scheme = first(&text[..end], &schemes).map(|(_, after)| after);
    let segment = || text[..end].rfind(['/', '`', ' ']).map_or(0, |at| at + 1);
    let start = scheme.unwrap_or_else(segment);
    if start == end {
        return text.to_owned();
    }
    format!("{}***{}", &text[..start], &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_queries_are_left_out_however_they_are_written() {
        for (text, expected) in [
            ("/v1/queues/orders/receive", "/v1/queues/orders/receive"),
            ("https://a.example/x?k=s3cret", "https://a.example/x?…"),
            ("https://a.example/x#s3cret", "https://a.example/x?…"),
            ("https://u:s3cret@a.example/x", "https://***@a.example/x"),
            (
                "/v2/publish/https:/u:s3cret@a.example",
                "/v2/publish/https:/***@a.example",
            ),
            (
                "/v2/publish/https%3A%2F%2Fu%3As3cret%40a.example%2Fx%3Fk=s3cret",
                "/v2/publish/https%3A%2F%2F***%40a.example%2Fx?…",
            ),
            (
                "/v2/publish/u:s3cret@a.example",
                "/v2/publish/***@a.example",
            ),
            ("https://u:s3/cret@a.example/x", "https://***@a.example/x"),
            (
                "`https://u:s3`s3cret@a.example/x?k=s3 `s3cret` is no URL",
                "`https://***@a.example/x?…` is no URL",
            ),
            (
                "see https://a.example/?k=s3cret for more",
                "see https://a.example/?… for more",
            ),
            (
                "`@every` is no cron expression",
                "`@every` is no cron expression",
            ),
            ("did you mean `orders`?", "did you mean `orders`?"),
        ] {
            assert_eq!(masked(text), expected);
        }
    }

    #[test]
    fn a_beginning_is_short_and_cannot_write_into_a_terminal() {
        assert_eq!(beginning("abc", 3), "abc");
        assert_eq!(beginning("äöüß", 3), "äöü…");
        assert_eq!(beginning("\u{1b}[2J\n", 9), "\\u{1b}[2J\\n");
    }
}
