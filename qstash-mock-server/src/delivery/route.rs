//! Routes: deliveries for one URL go to another one, so that production URLs can be tested without a tunnel.
//!
//! A route changes only the address that the request goes to. The signed URL, the `Host` header, the log and the
//! replies of the API keep the published URL.

use std::borrow::Cow;

use http::Uri;

/// Sends deliveries whose URL begins with one origin or prefix to another one instead. See
/// [`MockServerBuilder::route`](crate::MockServerBuilder::route).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Scheme and authority in lower case, without a default port.
    origin: String,
    /// The path with which URLs must begin, without a slash at its end.
    path: String,
    to: String,
}

/// Why a text is not a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// The text is not two URLs with `=` between them.
    #[error("a route must be FROM=TO, two http or https URLs")]
    Shape,
    /// The first part is not an origin or prefix.
    #[error(
        "FROM must be an http or https origin, perhaps with a path, and have no user, query or fragment"
    )]
    From,
    /// The second part is not an origin or prefix.
    #[error(
        "TO must be an http or https origin, perhaps with a path, and have no user, query or fragment"
    )]
    To,
}

impl Route {
    /// A route from an origin, or a prefix of URLs, to another one. `from` matches whole origins and whole path
    /// segments; what follows it in a URL is kept.
    ///
    /// # Errors
    /// `from` or `to` is not an http or https URL, or has a user, a query or a fragment.
    pub fn new(from: &str, to: &str) -> Result<Self, RouteError> {
        let (origin, path) = prefix(from).ok_or(RouteError::From)?;
        prefix(to).ok_or(RouteError::To)?;
        Ok(Self {
            origin,
            path: path.trim_end_matches('/').to_owned(),
            to: to.trim_end_matches('/').to_owned(),
        })
    }

    /// The URL that deliveries for `url` go to, if the route matches it.
    fn apply(&self, url: &str) -> Option<String> {
        let (origin, rest) = split(url)?;
        let rest = (origin == self.origin).then(|| rest.strip_prefix(&*self.path))??;
        let whole = rest.is_empty() || rest.starts_with(['/', '?', '#']);
        whole.then(|| format!("{}{rest}", self.to))
    }
}

impl std::str::FromStr for Route {
    type Err = RouteError;

    /// Reads `FROM=TO`.
    fn from_str(text: &str) -> Result<Self, RouteError> {
        let found = ["=http://", "=https://"]
            .iter()
            .filter_map(|it| text.find(it));
        let at = found.min().ok_or(RouteError::Shape)?;
        Self::new(&text[..at], &text[at + 1..])
    }
}

/// The URL that deliveries for `url` go to, by the longest route that matches it.
pub(super) fn resolve<'a>(routes: &[Route], url: &'a str) -> Cow<'a, str> {
    let found = routes
        .iter()
        .filter_map(|route| Some((route.path.len(), route.apply(url)?)))
        .max_by_key(|(length, _)| *length);
    found.map_or(Cow::Borrowed(url), |(_, to)| Cow::Owned(to))
}

/// The origin of a URL, as a route names it: without a user and a default port.
pub(super) fn origin(url: &str) -> Option<String> {
    split(url).map(|(origin, _)| origin)
}

/// The origin and the path of a URL that has nothing else.
fn prefix(url: &str) -> Option<(String, &str)> {
    let uri: Uri = url.parse().ok()?;
    let plain = uri.host().is_some_and(|host| !host.is_empty()) && !url.contains(['?', '#', '@']);
    plain.then(|| split(url))?
}

/// The origin in lower case, without a user and a default port, and the rest of the URL.
fn split(url: &str) -> Option<(String, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let default_port = match &*scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return None,
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    // The user is no part of an origin: `https://user:secret@a.example` has the origin of a.example.
    let host = rest[..end].rsplit('@').next().unwrap_or_default();
    let authority = host.to_ascii_lowercase();
    let authority = authority.strip_suffix(default_port).unwrap_or(&authority);
    Some((format!("{scheme}://{authority}"), &rest[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routed(routes: &[&str], url: &str) -> String {
        let routes: Vec<Route> = routes.iter().map(|it| it.parse().unwrap()).collect();
        resolve(&routes, url).into_owned()
    }

    #[test]
    fn a_route_matches_whole_origins_and_whole_segments() {
        let origin = "https://a.example=http://127.0.0.1:3000";
        let prefix = "https://a.example/api/=http://127.0.0.1:4000/v1/";
        for (route, url, expected) in [
            (origin, "https://a.example", "http://127.0.0.1:3000"),
            (
                origin,
                "https://A.Example:443/x//y?z=%2F",
                "http://127.0.0.1:3000/x//y?z=%2F",
            ),
            (origin, "https://a.example?x", "http://127.0.0.1:3000?x"),
            (
                origin,
                "https://a.example.evil/x",
                "https://a.example.evil/x",
            ),
            (
                origin,
                "https://a.example@evil/x",
                "https://a.example@evil/x",
            ),
            (
                origin,
                "https://a.example:443@evil/x",
                "https://a.example:443@evil/x",
            ),
            (
                origin,
                "https://evil/@a.example/x",
                "https://evil/@a.example/x",
            ),
            (
                origin,
                "https://user:secret@A.example/x?y=@z",
                "http://127.0.0.1:3000/x?y=@z",
            ),
            (
                origin,
                "https://a.example:8443/x",
                "https://a.example:8443/x",
            ),
            (origin, "https://a.example./x", "https://a.example./x"),
            (origin, "HTTPS://a.example/X", "http://127.0.0.1:3000/X"),
            (
                prefix,
                "https://a.example/api?x=/y",
                "http://127.0.0.1:4000/v1?x=/y",
            ),
            (origin, "http://a.example/x", "http://a.example/x"),
            (
                prefix,
                "https://a.example/api/x",
                "http://127.0.0.1:4000/v1/x",
            ),
            (prefix, "https://a.example/api", "http://127.0.0.1:4000/v1"),
            (prefix, "https://a.example/apis", "https://a.example/apis"),
            (prefix, "https://a.example/Api/x", "https://a.example/Api/x"),
        ] {
            assert_eq!(routed(&[route], url), expected, "{route} for {url}");
        }
    }

    #[test]
    fn the_longest_route_wins() {
        let routes = [
            "https://a.example=http://127.0.0.1:1",
            "https://a.example/api=http://127.0.0.1:2",
        ];
        assert_eq!(
            routed(&routes, "https://a.example/api/x"),
            "http://127.0.0.1:2/x"
        );
        assert_eq!(
            routed(&routes, "https://a.example/x"),
            "http://127.0.0.1:1/x"
        );
    }

    #[test]
    fn what_is_no_route_is_refused() {
        for text in [
            "",
            "https://a.example",
            "a.example=http://b.example",
            "https://a.example/?x=http://b.example",
            "https://a.example=http://b.example/?x",
            "https://u@a.example=http://b.example",
            "ftp://a=http://b.example",
            "https://a.example=http://",
        ] {
            assert!(text.parse::<Route>().is_err(), "{text}");
        }
    }
}
