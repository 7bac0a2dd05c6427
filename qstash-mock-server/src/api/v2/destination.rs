//! Destinations, as a path or an item of a batch has them (v2.md sections 1.9 and 2.3).

use super::super::limits::DESTINATION_BYTES;
use super::error::Refusal;
use super::lines::is_owned;
use crate::engine::QueueName;

/// The destination that the publisher named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    /// A URL, unchanged, with its own query.
    Url(String),
    /// A URL group, by name.
    UrlGroup(String),
    /// `api/<name>`: an API that the service has built in.
    Api(String),
}

impl Destination {
    /// Reads a destination from a request. `path` is the raw path after the route; `query` is the query of the request.
    pub(super) fn parse(path: &str, query: Option<&str>) -> Result<Self, Refusal> {
        if path.is_empty() {
            return Err(Refusal::invalid("a non-empty destination must be provided"));
        }
        if has_http_scheme(path) {
            let whole = with_query(path, query);
            return match url(&whole) {
                Ok(_) => Ok(Self::Url(whole)),
                Err(error) => Err(Refusal::invalid(format!(
                    "invalid destination url: endpoint {error}"
                ))),
            };
        }
        let (name, api) = match path.strip_prefix("api/") {
            Some(rest) => (rest, true),
            None => (path, false),
        };
        let name = name.strip_suffix('/').unwrap_or(name);
        match QueueName::parse(name) {
            None => Err(no_scheme()),
            Some(_) if api => Ok(Self::Api(name.to_owned())),
            Some(_) => Ok(Self::UrlGroup(name.to_owned())),
        }
    }

    /// Reads a destination from an item of a batch, and returns the query, which may contain settings.
    pub(super) fn parse_whole(text: &str) -> Result<(Self, Option<&str>), Refusal> {
        let (path, query) = match text.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (text, None),
        };
        Ok((Self::parse(path, query)?, query))
    }
}

fn no_scheme() -> Refusal {
    Refusal::invalid(
        "invalid destination url: endpoint has invalid scheme, add http:// or https://",
    )
}

fn has_http_scheme(text: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| {
        text.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}

/// `path` with those parameters of `query` that are not the service's, character for character.
fn with_query(path: &str, query: Option<&str>) -> String {
    let Some(query) = query else {
        return path.to_owned();
    };
    let kept: Vec<&str> = query.split('&').filter(|pair| !is_owned(pair)).collect();
    if kept.is_empty() && !query.is_empty() {
        return path.to_owned();
    }
    format!("{path}?{}", kept.join("&"))
}

/// Checks that `text` is an http or https URL that can be called. The error is the rest of a sentence that begins
/// with what the URL is for.
pub(super) fn url(text: &str) -> Result<&str, String> {
    if text.len() > DESTINATION_BYTES {
        return Err(format!("must be at most {DESTINATION_BYTES} bytes long"));
    }
    if !has_http_scheme(text) {
        return Err("has invalid scheme, add http:// or https://".into());
    }
    let uri: http::Uri = text
        .parse()
        .map_err(|_| "is not a URL; characters that a URL cannot hold must be percent-encoded")?;
    let authority = uri.authority().filter(|it| !it.host().is_empty());
    let authority = authority.ok_or("is a URL without a host")?;
    let behind_user = authority.as_str().rsplit('@').next().unwrap_or_default();
    if behind_user != authority.host() && authority.port_u16().is_none() {
        return Err("is a URL with a port that cannot be".into());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(path: &str, query: Option<&str>) -> Result<Destination, String> {
        Destination::parse(path, query).map_err(|error| error.parts().1.to_owned())
    }

    #[test]
    fn a_url_is_kept_character_for_character() {
        for (path, query, expected) in [
            ("https://example.com", None, "https://example.com"),
            (
                "http://h//a/../b;%2F%2f//",
                None,
                "http://h//a/../b;%2F%2f//",
            ),
            (
                "HTTPS://Ex.com/A",
                Some("b=1&B=2&b=3"),
                "HTTPS://Ex.com/A?b=1&B=2&b=3",
            ),
            ("https://h/p", Some(""), "https://h/p?"),
            ("https://h/p", Some("a=%20+&&b"), "https://h/p?a=%20+&&b"),
            (
                "https://h/p",
                Some("u=https://x?y=z"),
                "https://h/p?u=https://x?y=z",
            ),
            ("http://127.0.0.1:8080/x", None, "http://127.0.0.1:8080/x"),
            ("http://[::1]:9/", None, "http://[::1]:9/"),
            ("https://user:pw@h:8443/", None, "https://user:pw@h:8443/"),
        ] {
            assert_eq!(
                parsed(path, query),
                Ok(Destination::Url(expected.into())),
                "{path}"
            );
        }
    }

    #[test]
    fn parameters_of_the_service_do_not_reach_the_destination() {
        let left = |query| parsed("https://h/p", Some(query));
        let url = |text: &str| Ok(Destination::Url(text.into()));
        assert_eq!(
            left("a=1&qstash_token=t&Upstash-Retries=3&b=2"),
            url("https://h/p?a=1&b=2")
        );
        assert_eq!(left("upstash-delay=1h"), url("https://h/p"));
        assert_eq!(left("QSTASH_TOKEN=t&%75pstash-x=1"), url("https://h/p"));
        assert_eq!(
            left("xupstash-a=1&qstash_token2=2"),
            url("https://h/p?xupstash-a=1&qstash_token2=2")
        );
    }

    #[test]
    fn other_names_are_url_groups_and_apis() {
        assert_eq!(
            parsed("my-group_1.x", Some("a=1")),
            Ok(Destination::UrlGroup("my-group_1.x".into()))
        );
        assert_eq!(
            parsed("group/", None),
            Ok(Destination::UrlGroup("group".into()))
        );
        assert_eq!(parsed("api/llm", None), Ok(Destination::Api("llm".into())));
        assert_eq!(parsed("api", None), Ok(Destination::UrlGroup("api".into())));
    }

    #[test]
    fn what_is_no_destination_is_refused_in_the_words_of_the_hosted_service() {
        assert_eq!(
            parsed("", None).unwrap_err(),
            "a non-empty destination must be provided"
        );
        for path in [
            "example.com/x",
            "ftp://h/",
            "https:/h",
            "https%3A%2F%2Fh",
            "a b",
            "api/",
            "api/x/y",
            "/",
            "//h",
            "gr%20p",
        ] {
            let expected =
                "invalid destination url: endpoint has invalid scheme, add http:// or https://";
            assert_eq!(parsed(path, None).unwrap_err(), expected, "{path}");
        }
        for path in [
            "https://",
            "http:///x",
            "http://h:99999/",
            "http://h:/",
            "http://h:x/",
            "http://a b/",
            "http://h/a b",
            "http://h/\u{0}",
        ] {
            let error = parsed(path, None).unwrap_err();
            assert!(
                error.starts_with("invalid destination url: endpoint is "),
                "{path}: {error}"
            );
        }
    }

    #[test]
    fn a_destination_may_be_as_long_as_its_bound_and_no_longer() {
        let url = |length: usize| format!("http://h/{}", "x".repeat(length - 9));
        assert!(parsed(&url(DESTINATION_BYTES), None).is_ok());
        let error = parsed(&url(DESTINATION_BYTES + 1), None).unwrap_err();
        assert!(error.contains("at most"), "{error}");
    }

    #[test]
    fn a_destination_in_one_piece_has_its_settings_in_its_query() {
        let (destination, query) =
            Destination::parse_whole("https://h/p?a=1&upstash-retries=2").unwrap();
        assert_eq!(destination, Destination::Url("https://h/p?a=1".into()));
        assert_eq!(query, Some("a=1&upstash-retries=2"));
    }
}
