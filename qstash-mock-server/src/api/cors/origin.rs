//! The origins of web pages, as settings name them and as browsers send them.

use std::net::{Ipv4Addr, Ipv6Addr};

use http::HeaderValue;

/// The origin of a web page: scheme, host and port. See
/// [`MockServerBuilder::cors`](crate::MockServerBuilder::cors).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(HeaderValue);

/// Why a text is not an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// The text is not a scheme, `://` and a host.
    #[error("an origin must be SCHEME://HOST or SCHEME://HOST:PORT, such as http://localhost:3000")]
    Shape,
    /// The text means all origins, or all below a host.
    #[error(
        "`*` stands for no origin: whoever calls the API needs a token, so name each page that may have one, such as http://localhost:3000"
    )]
    Wildcard,
    /// The text is the origin of pages that have none.
    #[error(
        "`null` is what all local files and sandboxed frames send: serve the page over HTTP and name its origin, such as http://localhost:3000"
    )]
    Null,
    /// The text has a user or a password.
    #[error("an origin has no user and no password: leave out what stands before the `@`")]
    User,
    /// The text goes on after its host and port.
    #[error(
        "an origin ends with its host or port: leave out the path (a single `/`, too), the query and the fragment"
    )]
    Rest,
    /// The host is not written as browsers write it.
    #[error(
        "HOST must be an ASCII name or an IP address, as `location.origin` shows it in the browser"
    )]
    Host,
    /// The port is not a number that a page can have.
    #[error("PORT must be a number from 1 to 65535")]
    Port,
}

impl Origin {
    /// Reads an origin such as `http://localhost:3000` or `tauri://localhost`. Upper case and the default ports of
    /// http and https make no difference.
    ///
    /// # Errors
    /// `text` is more or less than scheme, host and perhaps port, or is `*` or `null`.
    pub fn new(text: &str) -> Result<Self, OriginError> {
        let (scheme, rest) = text.split_once("://").ok_or(match text {
            "*" => OriginError::Wildcard,
            "null" => OriginError::Null,
            _ => OriginError::Shape,
        })?;
        if !is_scheme(scheme) {
            return Err(OriginError::Shape);
        }
        if rest.contains(['/', '?', '#', '\\']) {
            return Err(OriginError::Rest);
        }
        if rest.contains('@') {
            return Err(OriginError::User);
        }
        if rest.contains('*') {
            return Err(OriginError::Wildcard);
        }
        let (host, port) = split(rest);
        let scheme = scheme.to_ascii_lowercase();
        let host = host.to_ascii_lowercase();
        if !is_host(&host) {
            return Err(OriginError::Host);
        }
        let origin = match (&*scheme, port.map(number).transpose()?) {
            (_, None) | ("http", Some(80)) | ("https", Some(443)) => format!("{scheme}://{host}"),
            (_, Some(port)) => format!("{scheme}://{host}:{port}"),
        };
        let origin = HeaderValue::try_from(origin);
        origin.map(Self).map_err(|_| OriginError::Host)
    }

    /// The origin as a browser sends it.
    pub(super) fn value(&self) -> &HeaderValue {
        &self.0
    }
}

impl std::str::FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        Self::new(text)
    }
}

fn is_scheme(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(plain)
}

/// The host and, if there is one, what follows the colon behind it.
fn split(authority: &str) -> (&str, Option<&str>) {
    let end = authority.find(']').map_or(0, |bracket| bracket + 1);
    match authority[end..].find(':') {
        Some(colon) => {
            let (host, port) = authority.split_at(end + colon);
            (host, Some(&port[1..]))
        }
        None => (authority, None),
    }
}

/// Whether a browser writes a host like this, which is in lower case. It shortens addresses, so an address in a longer
/// form would never match.
fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
        let parsed = address.parse::<Ipv6Addr>();
        // Browsers write no IPv4 address within an IPv6 address.
        return !address.contains('.') && parsed.is_ok_and(|it| it.to_string() == address);
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let last = host.trim_end_matches('.').rsplit('.').next();
    let is_number = last.is_none_or(|label| label.bytes().all(|digit: u8| digit.is_ascii_digit()));
    host.bytes().all(plain) && (!is_number || host.parse::<Ipv4Addr>().is_ok())
}

fn number(port: &str) -> Result<u16, OriginError> {
    let digits = port.bytes().all(|digit| digit.is_ascii_digit());
    let port = port.parse().ok().filter(|port| digits && *port > 0);
    port.ok_or(OriginError::Port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_kept_as_browsers_write_it() {
        for (text, expected) in [
            ("http://localhost:3000", "http://localhost:3000"),
            ("HTTPS://App.Example", "https://app.example"),
            ("https://app.example:443", "https://app.example"),
            ("http://app.example:80", "http://app.example"),
            ("http://app.example:443", "http://app.example:443"),
            ("https://app.example:80", "https://app.example:80"),
            ("http://app.example:08080", "http://app.example:8080"),
            ("http://127.0.0.1:65535", "http://127.0.0.1:65535"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("http://[FD00::A]", "http://[fd00::a]"),
            (
                "https://xn--mnchen-3ya.example",
                "https://xn--mnchen-3ya.example",
            ),
            ("http://dev_1.a-b.example.", "http://dev_1.a-b.example."),
            ("tauri://localhost", "tauri://localhost"),
            ("capacitor://localhost:80", "capacitor://localhost:80"),
            (
                "chrome-extension://abcdefghijklmnop",
                "chrome-extension://abcdefghijklmnop",
            ),
        ] {
            let origin = Origin::new(text).unwrap();
            assert_eq!(origin.value(), expected, "{text}");
        }
    }

    fn assert_refused(expected: OriginError, texts: &[&str]) {
        for text in texts {
            assert_eq!(Origin::new(text), Err(expected), "{text:?}");
        }
    }

    #[test]
    fn what_is_more_or_less_than_scheme_host_and_port_is_refused() {
        assert_refused(
            OriginError::Shape,
            &[
                "",
                "localhost:3000",
                "http:/a",
                "://a",
                "1x://a",
                " http://a",
                "//a",
            ],
        );
        assert_refused(
            OriginError::Rest,
            &[
                "http://a/",
                "http://a/x",
                "http://a?",
                "http://a#x",
                "http://a\\x",
                "file:///",
            ],
        );
        assert_refused(
            OriginError::User,
            &["http://u@a", "http://u:p@a:80", "http://@a"],
        );
    }

    #[test]
    fn all_origins_and_no_origin_are_refused() {
        assert_refused(
            OriginError::Wildcard,
            &["*", "http://*", "https://*.example", "http://localhost:*"],
        );
        assert_refused(OriginError::Null, &["null"]);
    }

    #[test]
    fn a_host_or_a_port_that_no_browser_writes_is_refused() {
        for host in [
            "",
            "a b",
            "a,b",
            "ä.example",
            "a%41",
            "127.1",
            "1",
            "127.0.0.1.",
            "a.256",
            "256.0.0.1",
            "[::1",
            "::1",
            "[0:0::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::1]x",
            ".",
            "a\n",
        ] {
            assert_refused(OriginError::Host, &[&format!("http://{host}")]);
        }
        for port in ["", "0", "65536", "+80", "b", "1:2"] {
            assert_refused(OriginError::Port, &[&format!("http://a:{port}")]);
        }
    }
}
