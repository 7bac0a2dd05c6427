//! Which proxy the requests go through.

use hyper_util::client::proxy::matcher::Matcher;

use crate::base_url::BaseUrl;
use crate::error::Error;
use crate::transport::setup::ProxyChoice;

/// Adds the choice to a client that calls `base`, and returns the proxy's address for errors, without its password.
pub(crate) fn choose(
    builder: ::reqwest::ClientBuilder,
    choice: &ProxyChoice,
    base: Option<&BaseUrl>,
) -> Result<(::reqwest::ClientBuilder, Option<String>), Error> {
    match choice {
        ProxyChoice::Direct => Ok((builder.no_proxy(), None)),
        // `HTTP_PROXY` is for the network; a proxy elsewhere cannot reach this machine's own addresses.
        ProxyChoice::Environment if base.is_some_and(BaseUrl::is_loopback) => {
            Ok((builder.no_proxy(), None))
        }
        ProxyChoice::Environment => {
            let matched = base.and_then(|base| Matcher::from_system().intercept(base.uri()));
            Ok((builder, matched.map(|proxy| address(proxy.uri()))))
        }
        ProxyChoice::Through(url) => {
            // Not shown, nor is the error: it may hold a password.
            let bad = || {
                Error::config(
                    "the proxy must be a URL with http:// or https://, such as http://proxy.example:3128",
                )
            };
            let uri: http::Uri = url.expose().parse().map_err(|_| bad())?;
            if !matches!(uri.scheme_str(), Some("http" | "https"))
                || uri.host().is_none_or(str::is_empty)
            {
                return Err(bad());
            }
            let proxy = ::reqwest::Proxy::all(url.expose()).map_err(|_| bad())?;
            Ok((builder.proxy(proxy), Some(address(&uri))))
        }
    }
}

/// Returns scheme, host and port.
fn address(uri: &http::Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or("http");
    let authority = uri.authority().map_or("", |it| it.as_str());
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::secret::Secret;

    fn named(choice: &ProxyChoice, base: &str) -> Result<Option<String>, Error> {
        let base = BaseUrl::parse(base).expect("a base URL");
        let builder = ::reqwest::Client::builder();
        choose(builder, choice, Some(&base)).map(|(_, name)| name)
    }

    #[test]
    fn a_proxy_is_named_without_its_password() {
        let choice = ProxyChoice::Through(Secret::new("http://u:s3cret@p:3128".to_owned()));
        let name = named(&choice, "https://h").expect("valid");
        assert_eq!(name.as_deref(), Some("http://p:3128"));
        assert!(!format!("{choice:?}").contains("s3cret"));
    }

    #[test]
    fn a_proxy_that_is_no_url_is_refused_and_not_shown() {
        for bad in ["", "s3cret", "http://", "http:// s3cret", "socks5://s3cret"] {
            let choice = ProxyChoice::Through(Secret::new(bad.to_owned()));
            let error = named(&choice, "https://h").expect_err(bad).to_string();
            assert!(
                error.contains("proxy") && !error.contains("s3cret"),
                "{error}"
            );
        }
    }
}
