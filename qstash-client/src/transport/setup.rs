//! How the default transport is set up. Plain data, so that a build without reqwest can say that it has none.

use std::time::Duration;

use crate::types::secret::Secret;

/// What makes TLS connections. See [`ClientBuilder::tls_backend`](crate::ClientBuilder::tls_backend).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsBackend {
    /// rustls, with the provider that the program installed, or else that of a feature of this crate.
    Rustls,
    /// The TLS of the operating system.
    NativeTls,
}

/// Which proxy the requests go through.
#[derive(Clone, Debug, Default)]
pub(crate) enum ProxyChoice {
    /// The one that the environment names, but none to this machine.
    #[default]
    Environment,
    /// None.
    Direct,
    /// The one at this URL, which may hold a password.
    Through(
        #[cfg_attr(
            not(feature = "reqwest"),
            expect(dead_code, reason = "only reqwest has proxies")
        )]
        Secret,
    ),
}

/// The settings of the default transport.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) connect_timeout: Duration,
    pub(crate) backend: Option<TlsBackend>,
    /// Certificates in PEM that are trusted beside the system's.
    pub(crate) roots: Vec<Vec<u8>>,
    pub(crate) proxy: ProxyChoice,
}

impl Setup {
    pub(crate) fn new(connect_timeout: Duration) -> Self {
        Self {
            connect_timeout,
            backend: None,
            roots: Vec::new(),
            proxy: ProxyChoice::default(),
        }
    }

    /// Returns the first setting that only the default transport can heed.
    pub(crate) fn only_for_default(&self) -> Option<&'static str> {
        if self.backend.is_some() {
            Some("tls_backend")
        } else if !self.roots.is_empty() {
            Some("root_certificates")
        } else if !matches!(self.proxy, ProxyChoice::Environment) {
            Some("proxy or no_proxy")
        } else {
            None
        }
    }
}
