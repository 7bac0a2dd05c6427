//! Which URLs a path or a header can carry, and how much of a URL an error may show.

use crate::base_url::is_dot_segment;
use crate::error::Error;

/// Returns the scheme and the host of a URL, with its port. The rest is left out, because it may be secret: user,
/// password, path, query and fragment.
pub(crate) fn origin(url: &str) -> String {
    // Looks at bytes and allocates once: each publish does this, in case it needs an error.
    let bytes = url.as_bytes();
    let in_scheme = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    let scheme = bytes.iter().position(|&b| !in_scheme(b));
    let Some(scheme) = scheme.filter(|&end| bytes[end..].starts_with(b"://")) else {
        return "(no URL)".to_owned();
    };
    let start = scheme + 3;
    let end = bytes[start..]
        .iter()
        .position(|&b| matches!(b, b'/' | b'?' | b'#' | b'\\'));
    let authority = &url[start..end.map_or(url.len(), |end| start + end)];
    let host = authority.bytes().rposition(|b| b == b'@');
    let host = &authority[host.map_or(0, |at| at + 1)..];
    let mut origin = String::with_capacity(start + host.len());
    origin.push_str(&url[..start]);
    origin.push_str(host);
    origin
}

/// Refuses a URL that would not arrive byte for byte in a path. The WHATWG URL parser, which reqwest and most others
/// use, folds dot segments, reads `\` as `/`, drops tabs and fragments, and percent-encodes the rest.
pub(crate) fn check_url(noun: &str, url: &str) -> Result<(), Error> {
    let bad = |rule: String| Err(Error::invalid_input(noun, &origin(url), &rule));
    let Some(rest) = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
    else {
        // Not shown whole: it may be a URL with secrets and a scheme that is misspelt.
        let hint = match noun {
            "destination" => " (a URL group is `Group(name)`)",
            _ => "",
        };
        let rule = format!("{noun} must begin with http:// or https://{hint}");
        return Err(Error::invalid(rule));
    };
    if rest.is_empty() || rest.starts_with(['/', '?', ':', '#']) {
        return bad("names no host".to_owned());
    }
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, query),
        None => (rest, ""),
    };
    let (host, path) = path.split_at(path.find('/').unwrap_or(path.len()));
    for (part, text) in [("host", host), ("path", path), ("query", query)] {
        if let Some(character) = text.chars().find(|&c| !stays(c, part == "query")) {
            return bad(match character {
                '#' => "has a fragment, which is never sent".to_owned(),
                '\\' => format!("has a backslash in its {part}, which URL parsing may read as `/`"),
                _ if part == "host" => format!("has {character:?} in its host; write it in ASCII"),
                _ => format!("has {character:?} in its {part}; percent-encode it"),
            });
        }
    }
    let mut segments = std::iter::once(host).chain(path.split('/'));
    if let Some(segment) = segments.find(|segment| is_dot_segment(segment)) {
        return bad(format!(
            "has the dot segment {segment:?} in its path, which URL parsing would cut out"
        ));
    }
    Ok(())
}

/// Returns the first parameter that the service takes for a setting (v2.md section 1.9), in any spelling.
pub(crate) fn setting_in_query(url: &str) -> Option<&str> {
    let (_, query) = url.split_once('?')?;
    let pairs = query.split('&');
    let mut names = pairs.map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name));
    names.find(|name| {
        let name = percent_decoded(name).to_ascii_lowercase();
        name.starts_with(b"upstash-") || name == b"qstash_token"
    })
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut rest = text.as_bytes();
    let mut decoded = Vec::with_capacity(rest.len());
    while let [first, after @ ..] = rest {
        let digit = |at: usize| char::from(*after.get(at)?).to_digit(16);
        let escaped = digit(0).zip(digit(1)).filter(|_| *first == b'%');
        let escaped = escaped.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        decoded.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() {
            &after[2..]
        } else {
            after
        };
    }
    decoded
}

/// Whether URL parsing leaves this character alone.
fn stays(c: char, in_query: bool) -> bool {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' => true,
        '-' | '.' | '_' | '~' | ':' | '/' | '?' | '@' | '!' | '$' | '&' | '(' | ')' | '*' => true,
        '+' | ',' | ';' | '=' | '%' | '[' | ']' | '|' => true,
        '{' | '}' | '^' | '`' => in_query,
        '\'' => !in_query,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn an_origin_is_scheme_and_host_and_nothing_that_may_be_secret() {
        for (url, shown) in [
            ("https://e.com", "https://e.com"),
            ("http://u:s3cret@e.com:8080/s3cret", "http://e.com:8080"),
            ("https://[::1]:80?k=s3cret", "https://[::1]:80"),
            ("https://e.com#access_token=s3cret", "https://e.com"),
            ("https://e.com#s3cret/x", "https://e.com"),
            ("https://e.com\\s3cret/x", "https://e.com"),
            ("e.com", "(no URL)"),
            ("e.com/s3cret?to=https://b.com", "(no URL)"),
            ("e.com/s3cret://b.com", "(no URL)"),
            ("", "(no URL)"),
        ] {
            assert_eq!(origin(url), shown, "{url:?}");
        }
    }
}
