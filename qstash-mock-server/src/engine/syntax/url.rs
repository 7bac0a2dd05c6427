//! The parts of a URL that filters compare. They are slices of the URL's text, without normalisation.

/// The host of an absolute URL with its port, without user information; empty if there is none.
pub(crate) fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = &rest[..end];
    authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host)
}

/// The path of an absolute URL; `/` if it has none.
pub(crate) fn path(url: &str) -> &str {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let start = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let tail = &rest[start..];
    let end = tail.find(['?', '#']).unwrap_or(tail.len());
    if end == 0 { "/" } else { &tail[..end] }
}

/// Whether `host`, with or without a port, names the host of `url`. Letters are compared in any case.
pub(crate) fn has_host(url: &str, host: &str) -> bool {
    let authority = authority(url);
    let name = match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => authority,
    };
    authority.eq_ignore_ascii_case(host) || name.eq_ignore_ascii_case(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_cut_at_its_first_slash_question_mark_or_hash() {
        for (url, expected_authority, expected_path) in [
            ("https://a.example", "a.example", "/"),
            ("https://a.example/", "a.example", "/"),
            ("https://a.example:8443/x/y?z=/1", "a.example:8443", "/x/y"),
            ("http://u:p@a.example//x", "a.example", "//x"),
            ("http://[::1]:80?x", "[::1]:80", "/"),
            ("nonsense", "", "/"),
        ] {
            assert_eq!(authority(url), expected_authority, "{url}");
            assert_eq!(path(url), expected_path, "{url}");
        }
    }

    #[test]
    fn a_host_is_found_with_and_without_its_port() {
        assert!(has_host("https://A.example:8443/x", "a.example"));
        assert!(has_host("https://a.example:8443/x", "a.example:8443"));
        assert!(has_host("http://[::1]/", "[::1]"));
        assert!(!has_host("https://a.example.evil/", "a.example"));
    }
}
