//! Where the API is: the base URL as callers write it, and what the client makes of it.

use http::Uri;

use crate::error::Error;

/// What follows `/v1/` or `/v2/` in the API's own routes.
const ROUTES: [&str; 20] = [
    "batch",
    "dlq",
    "enqueue",
    "events",
    "flowControl",
    "globalParallelism",
    "keys",
    "logs",
    "messages",
    "metrics",
    "notify",
    "publish",
    "queues",
    "schedules",
    "signing-secret",
    "topics",
    "trigger",
    "wait",
    "waiters",
    "workflows",
];

/// Where the API is: scheme, authority and perhaps a path prefix, without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BaseUrl {
    text: String,
    uri: Uri,
}

impl BaseUrl {
    /// Accepts an http(s) URL without user, query and fragment. Cuts trailing slashes, and the ends `/v1`, `/v2`,
    /// `/v1/publish` and `/v2/publish`, which callers copy from examples and which the client adds itself.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        // The text is not shown: a token may stand in its place or in its query, and a password before an `@`.
        let bad = |rule: &str| Err(Error::config(format!("base URL {rule}")));
        if text.contains('@') {
            return bad("must not hold a user or password");
        }
        if text.contains(['#', '?']) {
            return bad("must not hold a query or a fragment");
        }
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return bad("must not hold blanks or line ends");
        }
        if text.contains(['"', '\'', '`']) {
            return bad("must not hold quotes");
        }
        let Ok(uri) = text.parse::<Uri>() else {
            return bad("is not a URL");
        };
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return bad("must begin with http:// or https://");
        }
        let host = uri.host().unwrap_or_default();
        // `Uri` reads an invalid port as none, and a user was refused above.
        let after_host = uri.authority().and_then(|it| it.as_str().get(host.len()..));
        let names_port = after_host.is_some_and(|rest| !rest.is_empty());
        if host.is_empty() || (names_port && uri.port_u16().is_none()) {
            return bad("must name a host, and a valid port if it names one");
        }
        if uri.path().split('/').any(is_dot_segment) {
            return bad("must not hold `.` or `..` segments");
        }
        let prefix = prefix(&uri)?;
        let origin = origin(&uri);
        let text = format!("{origin}{prefix}");
        Ok(Self { text, uri })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    #[cfg(feature = "reqwest")]
    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    pub(crate) fn is_https(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    /// Returns the host with its port, for errors.
    pub(crate) fn host_and_port(&self) -> String {
        let host = self.uri.host().unwrap_or_default();
        let usual = if self.is_https() { 443 } else { 80 };
        format!("{host}:{}", self.uri.port_u16().unwrap_or(usual))
    }

    /// Whether the host is this machine by its name or its address, without asking a name server.
    #[cfg(any(test, feature = "reqwest"))]
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.uri.host().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse::<std::net::IpAddr>() {
            return address.to_canonical().is_loopback();
        }
        let name = host.trim_end_matches('.').to_ascii_lowercase();
        name == "localhost" || name.ends_with(".localhost")
    }
}

/// Returns scheme and authority.
fn origin(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or_default();
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    format!("{scheme}://{authority}")
}

/// Returns the path that stands before the API's routes, without what the client adds itself.
fn prefix(uri: &Uri) -> Result<&str, Error> {
    let path = uri.path().trim_end_matches('/');
    let cut_version = |path| cut(path, "v2").or_else(|| cut(path, "v1"));
    let published = cut(path, "publish").and_then(cut_version);
    let path = published.or_else(|| cut_version(path)).unwrap_or(path);
    let fault = match route(path) {
        Some(route) => format!("the route `{route}`"),
        None if !path.is_empty() && is_hosted(uri.host().unwrap_or_default()) => {
            "a path".to_owned()
        }
        None => return Ok(path),
    };
    // Nothing else of the path is shown: it may be a destination with secrets.
    let origin = origin(uri);
    let behind_a_proxy = stands_before(path) && !is_hosted(uri.host().unwrap_or_default());
    let write = if behind_a_proxy {
        "end it before that".to_owned()
    } else {
        format!("write {origin}")
    };
    Err(Error::config(format!(
        "base URL {origin}/.. must not hold {fault}, because the client adds the routes itself; {write}"
    )))
}

/// Cuts this last segment off a path, in any letter case, and the slashes before it.
fn cut<'a>(path: &'a str, last: &str) -> Option<&'a str> {
    let (rest, segment) = path.rsplit_once('/')?;
    segment
        .eq_ignore_ascii_case(last)
        .then(|| rest.trim_end_matches('/'))
}

/// Whether a path begins with something else than a version of the API, such as the prefix of a proxy.
fn stands_before(path: &str) -> bool {
    let first = path.split('/').find(|it| !it.is_empty());
    first.is_some_and(|it| !is_version(it))
}

fn is_version(segment: &str) -> bool {
    segment.eq_ignore_ascii_case("v1") || segment.eq_ignore_ascii_case("v2")
}

/// Finds a route of the API in a path: a version with nothing or with one of the API's words after it.
fn route(path: &str) -> Option<String> {
    let mut segments = path.split('/').filter(|it| !it.is_empty()).peekable();
    while let Some(segment) = segments.next() {
        if !is_version(segment) {
            continue;
        }
        match segments.peek() {
            None => return Some(format!("/{segment}")),
            Some(next) if ROUTES.iter().any(|it| next.eq_ignore_ascii_case(it)) => {
                return Some(format!("/{segment}/{next}"));
            }
            Some(_) => {}
        }
    }
    None
}

/// Whether this is a host of the hosted service, which has its routes at the root.
fn is_hosted(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    host.strip_suffix(".upstash.io")
        .is_some_and(|name| name == "qstash" || name.starts_with("qstash-"))
}

/// Whether URL parsers fold this segment away.
pub(crate) fn is_dot_segment(segment: &str) -> bool {
    let mut dots = 0;
    let mut rest = segment.as_bytes();
    while let [b'.', after @ ..] | [b'%', b'2', b'e' | b'E', after @ ..] = rest {
        (dots, rest) = (dots + 1, after);
    }
    rest.is_empty() && (dots == 1 || dots == 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> String {
        let base = BaseUrl::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        base.as_str().to_owned()
    }

    #[test]
    fn base_urls_are_checked() {
        assert_eq!(
            parsed("https://example.com:8443/qstash/"),
            "https://example.com:8443/qstash"
        );
        assert_eq!(parsed("http://[::1]:8080"), "http://[::1]:8080");
        for bad in [
            "",
            "example.com",
            "ftp://e.com",
            "http://",
            "http://u:p@e.com",
            "http://e.com?x=1",
            "http://e.com#f",
            "http://e.com:99999",
            "http://e.com/a/../b",
            "http://e.com/%2E%2e",
            "http://e.com\n",
            "'http://e.com'",
        ] {
            assert!(BaseUrl::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_url_of_publishing_means_its_origin() {
        for host in [
            "qstash.upstash.io",
            "qstash-us-east-1.upstash.io",
            "localhost:8080",
        ] {
            let origin = format!("https://{host}");
            for end in [
                "",
                "/",
                "//",
                "/v1",
                "/v2",
                "/v2/",
                "/v1/publish",
                "/v2/publish",
                "/v2/publish/",
                "/V2/Publish//",
                "//v2//publish",
            ] {
                assert_eq!(parsed(&format!("{origin}{end}")), origin, "{end}");
            }
        }
        assert_eq!(parsed("https://h/qstash/v2/publish/"), "https://h/qstash");
    }

    #[test]
    fn a_prefix_of_a_reverse_proxy_stays() {
        for prefix in [
            "qstash",
            "api/qstash",
            "v2/qstash",
            "v3",
            "publish",
            "v2x/publish",
        ] {
            let url = format!("https://h/{prefix}");
            assert_eq!(parsed(&format!("{url}/")), url);
        }
    }

    #[test]
    fn a_path_that_would_double_a_route_is_refused_with_what_to_write() {
        let hosted = "https://qstash.upstash.io";
        for (path, named) in [
            ("/v2/queues", "`/v2/queues`"),
            ("/v2/enqueue/s3cret", "`/v2/enqueue`"),
            ("/v2/publish/https://e.com/s3cret", "`/v2/publish`"),
            ("/v2/v1/publish", "`/v2`"),
            ("/v2/flowcontrol/", "`/v2/flowcontrol`"),
            ("/publish", "a path"),
            ("/s3cret", "a path"),
        ] {
            let error = BaseUrl::parse(&format!("{hosted}{path}"))
                .expect_err(path)
                .to_string();
            assert!(error.contains(named), "{error}");
            assert!(
                error.ends_with("write https://qstash.upstash.io"),
                "{error}"
            );
            assert!(!error.contains("s3cret"), "{error}");
        }
        // What stands before the route is a proxy's, and must stay.
        let error = BaseUrl::parse("http://localhost/s3cret/v2/messages").expect_err("a route");
        let error = error.to_string();
        assert!(error.ends_with("; end it before that"), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }

    #[test]
    fn this_machine_is_known_by_names_and_addresses() {
        let base = |host: &str| BaseUrl::parse(&format!("http://{host}")).expect("a base URL");
        for host in [
            "localhost",
            "LOCALHOST.",
            "qstash.localhost:1",
            "127.0.0.1",
            "127.9.9.9:8080",
            "[::1]:1",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(base(host).is_loopback(), "{host}");
        }
        for host in [
            "localhost.example.com",
            "notlocalhost",
            "128.0.0.1",
            "[::2]",
            "127.0.0.1.nip.io",
        ] {
            assert!(!base(host).is_loopback(), "{host}");
        }
    }

    #[test]
    fn errors_name_the_port_also_where_the_url_does_not() {
        let place = |text: &str| BaseUrl::parse(text).expect("a base URL").host_and_port();
        assert_eq!(place("https://h/x"), "h:443");
        assert_eq!(place("http://h"), "h:80");
        assert_eq!(place("http://[::1]:8080"), "[::1]:8080");
    }

    #[test]
    fn dot_segments_are_known_in_every_spelling() {
        for dots in [".", "..", "%2e", "%2E.", ".%2e", "%2e%2E"] {
            assert!(is_dot_segment(dots), "{dots}");
        }
        for other in ["", "...", "%2e%2e%2e", ".a", "a.", "%2f", "%2", "%252e"] {
            assert!(!is_dot_segment(other), "{other}");
        }
    }

    #[test]
    fn a_password_in_a_base_url_is_not_repeated() {
        let error = BaseUrl::parse("http://u:hunter2@e.com").expect_err("user info");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    #[test]
    fn a_token_in_place_of_a_base_url_or_in_its_query_is_not_repeated() {
        for bad in [
            "s3cret",
            "s3cret=",
            "'s3cret'",
            "s3cret\n",
            "https://qstash.upstash.io?qstash_token=s3cret",
            "https://e.com:x/s3cret",
            "https://e.com/s3cret/..",
        ] {
            let error = BaseUrl::parse(bad).expect_err(bad);
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
        }
    }
}
