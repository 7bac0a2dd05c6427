//! Whether the URL that was signed is the one that was called.

use http::Uri;

use crate::{ConfigError, RequestHead};

/// The URL that a token must be for.
#[derive(Clone, Debug)]
pub(crate) enum UrlRule {
    /// The URL is this one, byte for byte.
    Exactly(String),
    /// The URL is this origin, which has no trailing slash, followed by the request's path and query.
    Under {
        origin: String,
        /// How many bytes of the origin are scheme, host and port.
        host_end: usize,
    },
    /// Any URL will do: a request for one route is accepted on every other.
    Any,
}

impl UrlRule {
    pub(crate) fn exactly(url: String) -> Result<Self, ConfigError> {
        if is_http(&url) {
            Ok(Self::Exactly(url))
        } else {
            Err(ConfigError::Url {
                field: "expected_url",
                expected: "an absolute http or https URL",
            })
        }
    }

    pub(crate) fn under(origin: &str) -> Result<Self, ConfigError> {
        let origin = origin.strip_suffix('/').unwrap_or(origin);
        if is_http(origin) && !origin.contains(['?', '#', '@']) {
            let host = origin.find("://").map_or(0, |scheme| scheme + 3);
            let path = origin[host..].find('/');
            Ok(Self::Under {
                host_end: path.map_or(origin.len(), |path| host + path),
                origin: origin.to_owned(),
            })
        } else {
            Err(ConfigError::Url {
                field: "public_origin",
                expected: "an http or https URL such as https://shop.example, without user, query and fragment",
            })
        }
    }

    /// Checks the URL that a token was signed for.
    ///
    /// # Errors
    /// The URL that `signed` should have been.
    pub(crate) fn check(&self, signed: &str, head: &RequestHead<'_>) -> Result<(), String> {
        match self {
            Self::Any => Ok(()),
            Self::Exactly(url) if url == signed => Ok(()),
            Self::Exactly(url) => Err(for_display(url)),
            Self::Under { origin, host_end } => {
                let called = head.path_and_query().unwrap_or("(unknown path)");
                if is_under(origin, *host_end, signed, called) {
                    Ok(())
                } else {
                    Err(for_display(&format!("{origin}{called}")))
                }
            }
        }
    }
}

/// Whether `signed` is `origin` followed by `called`. Scheme and host are compared in any case; a fragment is
/// never sent, and the path of `https://host` is `/` on the wire. Everything else is byte for byte.
fn is_under(origin: &str, host_end: usize, signed: &str, called: &str) -> bool {
    let Some((start, rest)) = signed.split_at_checked(origin.len()) else {
        return false;
    };
    let (host, path) = start.as_bytes().split_at(host_end);
    let (our_host, our_path) = origin.as_bytes().split_at(host_end);
    if !host.eq_ignore_ascii_case(our_host) || path != our_path {
        return false;
    }
    if rest == called {
        // The usual case, before the rest is looked at more closely. A path called begins with a slash.
        return called.starts_with('/');
    }
    let rest = rest.split('#').next().unwrap_or(rest);
    if rest.starts_with('/') {
        rest == called
    } else {
        // No path: `https://host` or `https://host?query`.
        (rest.is_empty() || rest.starts_with('?')) && called.strip_prefix('/') == Some(rest)
    }
}

fn is_http(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else {
        return false;
    };
    matches!(uri.scheme_str(), Some("http" | "https"))
        && uri.host().is_some_and(|host| !host.is_empty())
}

/// Shows a URL as an error may show it: without user and password, and cut if it is long.
pub(crate) fn for_display(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = rest[..end].rfind('@').map_or(0, |at| at + 1);
    let rest = &rest[host..];
    let separator = if scheme.is_empty() { "" } else { "://" };
    let mut shown: String = format!("{scheme}{separator}{rest}");
    if let Some((at, _)) = shown.char_indices().nth(500) {
        shown.truncate(at);
        shown.push('…');
    }
    shown
}
