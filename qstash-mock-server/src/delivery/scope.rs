//! The scope of deliveries. It is checked against the address that a connection is made to, after routes are applied
//! and names are resolved.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Uri;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower::Service;

use super::route;

/// The addresses that the server delivers to. An attempt to another address fails, and its error names the scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(feature = "program", derive(clap::ValueEnum))]
#[serde(rename_all = "lowercase")]
pub enum DeliveryScope {
    /// Loopback addresses only: consumers on this computer.
    #[default]
    Loopback,
    /// Loopback addresses and private ranges (10/8, 172.16/12, 192.168/16, fc00::/7).
    Local,
    /// All addresses.
    Any,
}

/// The error of a delivery to an address outside the scope. What to do about it is in [`advice`], which knows the
/// published URL.
#[derive(Debug)]
pub(super) struct OutOfScope {
    host: String,
    address: IpAddr,
    scope: DeliveryScope,
}

impl std::error::Error for OutOfScope {}

impl std::fmt::Display for OutOfScope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (address, allowed) = (self.address, self.scope.allowed());
        if bare(&self.host) == address.to_string() {
            return write!(
                f,
                "deliveries may only go to {allowed}, and {address} is none of them"
            );
        }
        let host = &self.host;
        write!(
            f,
            "{host} is at {address}, and deliveries may only go to {allowed}"
        )
    }
}

impl OutOfScope {
    /// The smallest scope that allows the address.
    fn needed(&self) -> &'static str {
        if DeliveryScope::Local.allows(self.address) {
            "local"
        } else {
            "any"
        }
    }
}

/// The error of a name that has no address.
#[derive(Debug, thiserror::Error)]
#[error("{host} cannot be resolved: {source}")]
pub(super) struct Unresolved {
    host: String,
    source: io::Error,
}

/// What a person can do about a delivery for `url` that cannot be sent where it should go. `refused` is set if the
/// address is forbidden, `routed` if a route has led there.
pub(super) fn advice(url: &str, refused: Option<&OutOfScope>, routed: bool) -> String {
    let from = route::origin(url).unwrap_or_else(|| "https://HOST".to_owned());
    let to = "http://127.0.0.1:3000";
    let mut advice = if routed {
        format!("change the route of {from} (`--route`; in process: `builder().route(..)`)")
    } else {
        format!(
            "send such deliveries to a consumer on this computer, for example with `--route {from}={to}` (in process: \
             `builder().route(..)`)"
        )
    };
    if let Some(refused) = refused {
        let needed = refused.needed();
        let or =
            format!(", or allow the address with `--deliver {needed}` (`builder().deliver(..)`)");
        advice.push_str(&or);
    }
    advice
}

/// A host without the brackets of an IPv6 address.
pub(super) fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

impl DeliveryScope {
    fn allows(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        // A connection to the unspecified address goes to this computer.
        let near = address.is_loopback() || address.is_unspecified();
        let private = match address {
            IpAddr::V4(address) => address.is_private(),
            IpAddr::V6(address) => address.is_unique_local(),
        };
        match self {
            Self::Any => true,
            Self::Local => near || private,
            Self::Loopback => near,
        }
    }

    const fn allowed(self) -> &'static str {
        match self {
            Self::Loopback => "loopback addresses",
            Self::Local => "loopback and private addresses",
            Self::Any => "every address",
        }
    }

    /// Checks an address that is written out in `uri`. A name is checked when it is resolved.
    pub(super) fn check(self, uri: &Uri) -> Result<(), OutOfScope> {
        let host = uri.host().unwrap_or_default();
        match bare(host).parse() {
            Ok(address) if !self.allows(address) => Err(OutOfScope {
                host: host.to_owned(),
                address,
                scope: self,
            }),
            _ => Ok(()),
        }
    }
}

/// Resolves a name to those of its addresses that are within the scope.
#[derive(Clone, Debug)]
pub(super) struct Resolver {
    system: GaiResolver,
    scope: DeliveryScope,
}

impl Resolver {
    pub(super) fn new(scope: DeliveryScope) -> Self {
        Self {
            system: GaiResolver::new(),
            scope,
        }
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.system.poll_ready(context)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (scope, host) = (self.scope, name.as_str().to_owned());
        let found = self.system.call(name);
        Box::pin(async move {
            let all: Vec<SocketAddr> = match found.await {
                Ok(all) => all.collect(),
                Err(source) => return Err(io::Error::other(Unresolved { host, source })),
            };
            let first = all.first().map(SocketAddr::ip);
            let within = all.into_iter().filter(|it| scope.allows(it.ip()));
            let within: Vec<SocketAddr> = within.collect();
            match first {
                Some(address) if within.is_empty() => Err(io::Error::new(
                    io::ErrorKind::PermissionDenied,
                    OutOfScope {
                        host,
                        address,
                        scope,
                    },
                )),
                _ => Ok(within.into_iter()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scope_allows_its_addresses() {
        use DeliveryScope::{Any, Local, Loopback};
        for (address, nearest) in [
            ("127.0.0.1", Loopback),
            ("127.255.0.9", Loopback),
            ("::1", Loopback),
            ("::ffff:127.0.0.1", Loopback),
            ("0.0.0.0", Loopback),
            ("10.1.2.3", Local),
            ("172.16.0.1", Local),
            ("192.168.1.1", Local),
            ("fd00::1", Local),
            ("172.32.0.1", Any),
            ("169.254.169.254", Any),
            ("fe80::1", Any),
            ("8.8.8.8", Any),
            ("2001:4860:4860::8888", Any),
        ] {
            let address = address.parse().unwrap();
            let allowed = [Loopback, Local, Any].map(|scope| scope.allows(address));
            let expected = match nearest {
                Loopback => [true, true, true],
                Local => [false, true, true],
                Any => [false, false, true],
            };
            assert_eq!(allowed, expected, "{address}");
        }
    }

    #[test]
    fn an_address_that_is_written_out_is_checked_too() {
        let check = |uri: &str| DeliveryScope::Loopback.check(&uri.parse().unwrap());
        assert!(check("http://127.0.0.1:1/").is_ok());
        assert!(check("http://[::1]:1/").is_ok());
        assert!(check("http://a.example/").is_ok());
        let error = check("https://8.8.8.8/x").unwrap_err().to_string();
        assert_eq!(
            error,
            "deliveries may only go to loopback addresses, and 8.8.8.8 is none of them"
        );
        assert!(check("https://[2001:4860:4860::8888]/").is_err());
    }

    #[tokio::test]
    async fn a_name_is_resolved_to_addresses_within_scope() {
        let name: Name = "localhost".parse().unwrap();
        let found = Resolver::new(DeliveryScope::Loopback)
            .call(name)
            .await
            .unwrap();
        assert!(found.len() > 0);
    }
}
