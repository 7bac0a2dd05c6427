//! TLS for reqwest: which implementation, which provider, which roots.
//!
//! reqwest itself panics where rustls has no provider, so nothing of that is left to it.

use crate::base_url::BaseUrl;
use crate::error::Error;
use crate::transport::setup::TlsBackend;

/// Whether a feature of this crate brings TLS.
pub(crate) const AVAILABLE: bool =
    cfg!(any(feature = "rustls-no-provider", feature = "native-tls"));

pub(crate) const MISSING: &str = "https needs TLS, and this build of qstash-client has none: turn on one of the \
     features `rustls-aws-lc`, `rustls-ring` and `native-tls`, or give the client a transport";

/// What a client has TLS for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// For the server. Where the system has no certificates, no client is made.
    Server,
    /// For a proxy, or for a server that is not known yet.
    Perhaps,
    /// For nothing: the server and the proxy have URLs with http, and the client follows no redirects.
    Nothing,
}

impl Need {
    /// What a client of `base`, or of any server if there is no `base`, has TLS for, behind this proxy.
    pub(crate) fn of(base: Option<&BaseUrl>, proxy: Option<&str>) -> Self {
        match base {
            Some(base) if base.is_https() => Self::Server,
            Some(_) if proxy.is_none_or(|proxy| proxy.starts_with("http://")) => Self::Nothing,
            _ => Self::Perhaps,
        }
    }
}

/// Sets TLS up, as far as it is needed.
pub(crate) fn set_up(
    builder: ::reqwest::ClientBuilder,
    backend: Option<TlsBackend>,
    roots: &[Vec<u8>],
    need: Need,
) -> Result<::reqwest::ClientBuilder, Error> {
    if need == Need::Server && !AVAILABLE {
        return Err(Error::config(MISSING));
    }
    // `native-tls` is off unless somebody chose it, and `rustls` is on by default.
    let backend = match backend {
        Some(backend) => backend,
        None if cfg!(feature = "native-tls") => TlsBackend::NativeTls,
        None if cfg!(feature = "rustls-no-provider") => TlsBackend::Rustls,
        None if roots.is_empty() => return Ok(builder),
        None => {
            return Err(Error::config(
                "root certificates need a feature that brings TLS",
            ));
        }
    };
    match backend {
        #[cfg(feature = "native-tls")]
        TlsBackend::NativeTls => native::set_up(builder, roots, need),
        #[cfg(feature = "rustls-no-provider")]
        TlsBackend::Rustls => rustls::set_up(builder, roots, need),
        #[cfg(not(all(feature = "native-tls", feature = "rustls-no-provider")))]
        off => Err(Error::config(format!(
            "the TLS backend {off:?} was chosen, and its feature of qstash-client is off"
        ))),
    }
}

#[cfg(any(feature = "rustls-no-provider", feature = "native-tls"))]
fn no_certificate() -> Error {
    Error::config("a root certificate cannot be read: it must be PEM with at least one certificate")
}

#[cfg(feature = "native-tls")]
mod native {
    use std::time::Instant;

    use native_tls::TlsConnector;

    use crate::error::Error;
    use crate::transport::reqwest::kept::{Kept, Settings};
    use crate::transport::reqwest::tls::{Need, no_certificate};

    static CONNECTORS: Kept<TlsConnector> = Kept::new();

    pub(crate) fn set_up(
        mut builder: ::reqwest::ClientBuilder,
        roots: &[Vec<u8>],
        need: Need,
    ) -> Result<::reqwest::ClientBuilder, Error> {
        for pem in roots {
            let read = ::reqwest::Certificate::from_pem_bundle(pem);
            let read = read.map_err(|error| no_certificate().with_source(error.without_url()))?;
            if read.is_empty() {
                return Err(no_certificate());
            }
            builder = builder.tls_certs_merge(read);
        }
        if roots.is_empty() || need == Need::Nothing {
            let kept = CONNECTORS.get(Settings::new(false, &[]), Instant::now(), connector)?;
            return Ok(builder.tls_backend_preconfigured(kept));
        }
        Ok(builder.tls_backend_native())
    }

    /// Makes a connector as reqwest does for a client without HTTP/2. There is none without the system's certificates,
    /// so even a client that needs no TLS takes this one.
    fn connector() -> Result<TlsConnector, Error> {
        let mut builder = TlsConnector::builder();
        let built = builder.request_alpns(&["http/1.1"]).build();
        built.map_err(|error| Error::config("the system's TLS cannot be set up").with_source(error))
    }
}

#[cfg(feature = "rustls-no-provider")]
mod rustls {
    use std::sync::Arc;
    use std::time::Instant;

    use ::rustls::client::danger::ServerCertVerifier;
    use ::rustls::crypto::CryptoProvider;
    use ::rustls::pki_types::CertificateDer;
    use ::rustls::pki_types::pem::PemObject as _;
    use ::rustls::{ClientConfig, RootCertStore};
    use rustls_platform_verifier::Verifier;

    use crate::error::Error;
    use crate::transport::reqwest::kept::{Kept, Settings};
    use crate::transport::reqwest::tls::{Need, no_certificate};

    /// Only these are shared, because they hold the roots. A configuration also keeps sessions, and clients of
    /// different accounts should not resume each other's.
    static VERIFIERS: Kept<Arc<dyn ServerCertVerifier>> = Kept::new();

    pub(crate) fn set_up(
        builder: ::reqwest::ClientBuilder,
        roots: &[Vec<u8>],
        need: Need,
    ) -> Result<::reqwest::ClientBuilder, Error> {
        let provider = provider()?;
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider.cryptography))
            .with_safe_default_protocol_versions()
            .map_err(|error| {
                Error::config("rustls's provider supports no version of TLS").with_source(error)
            })?;
        let extra = read(roots)?;
        let verifier = match need {
            Need::Nothing => checked(extra).map(|()| None),
            Need::Server | Need::Perhaps => {
                let settings = Settings::new(provider.installed, roots);
                let make = || verifier(&extra, provider.cryptography);
                VERIFIERS.get(settings, Instant::now(), make).map(Some)
            }
        };
        let config = match verifier {
            Ok(Some(verifier)) => config
                .dangerous()
                .with_custom_certificate_verifier(verifier),
            // Nobody is trusted.
            Ok(None) => config.with_root_certificates(RootCertStore::empty()),
            // Over http nobody asks for certificates, and a small container has none.
            Err(_) if need == Need::Perhaps && roots.is_empty() => {
                config.with_root_certificates(RootCertStore::empty())
            }
            Err(error) => return Err(error),
        };
        Ok(builder.tls_backend_preconfigured(config.with_no_client_auth()))
    }

    struct Provider {
        cryptography: Arc<CryptoProvider>,
        /// Whether the program has installed it.
        installed: bool,
    }

    /// Returns the provider that the program installed, or else that of a feature.
    fn provider() -> Result<Provider, Error> {
        if let Some(installed) = CryptoProvider::get_default() {
            return Ok(Provider {
                cryptography: Arc::clone(installed),
                installed: true,
            });
        }
        #[cfg(feature = "rustls-aws-lc")]
        let of_a_feature = ::rustls::crypto::aws_lc_rs::default_provider();
        #[cfg(all(feature = "rustls-ring", not(feature = "rustls-aws-lc")))]
        let of_a_feature = ::rustls::crypto::ring::default_provider();
        #[cfg(any(feature = "rustls-ring", feature = "rustls-aws-lc"))]
        return Ok(Provider {
            cryptography: Arc::new(of_a_feature),
            installed: false,
        });
        #[cfg(not(any(feature = "rustls-ring", feature = "rustls-aws-lc")))]
        Err(Error::config(
            "rustls has no provider of cryptography: install one with `CryptoProvider::install_default` before the \
             client is built, or turn on the feature `rustls-aws-lc` or `rustls-ring` of qstash-client",
        ))
    }

    fn read(roots: &[Vec<u8>]) -> Result<Vec<CertificateDer<'static>>, Error> {
        let mut certificates = Vec::new();
        for pem in roots {
            let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
            let read = read.map_err(|error| no_certificate().with_source(error))?;
            if read.is_empty() {
                return Err(no_certificate());
            }
            certificates.extend(read);
        }
        Ok(certificates)
    }

    /// Checks that these can be roots, without those of the system.
    fn checked(roots: Vec<CertificateDer<'static>>) -> Result<(), Error> {
        #[cfg(target_os = "android")]
        if !roots.is_empty() {
            return Err(none_added());
        }
        let mut store = RootCertStore::empty();
        for root in roots {
            let added = store.add(root);
            added.map_err(|error| no_certificate().with_source(error))?;
        }
        Ok(())
    }

    #[cfg(target_os = "android")]
    fn none_added() -> Error {
        Error::config("root certificates cannot be added on Android")
    }

    /// Checks servers by the roots that the system trusts and by these.
    fn verifier(
        roots: &[CertificateDer<'static>],
        provider: Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ServerCertVerifier>, Error> {
        if roots.is_empty() {
            let verifier = Verifier::new(provider).map_err(|error| {
                Error::config("the certificates that the system trusts cannot be read")
                    .with_source(error)
            })?;
            return Ok(Arc::new(verifier));
        }
        #[cfg(not(target_os = "android"))]
        {
            let extra = roots.iter().cloned();
            let verifier = Verifier::new_with_extra_roots(extra, provider)
                .map_err(|error| no_certificate().with_source(error))?;
            Ok(Arc::new(verifier))
        }
        #[cfg(target_os = "android")]
        Err(none_added())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_is_for_urls_with_https_of_the_server_or_of_the_proxy() {
        let need = |base: &str, proxy| {
            let base = BaseUrl::parse(base).expect("a base URL");
            Need::of(Some(&base), proxy)
        };
        let (plain, secure) = (Some("http://p:3128"), Some("https://p:3128"));
        for proxy in [None, plain, secure] {
            assert_eq!(need("https://h", proxy), Need::Server);
            assert_eq!(need("HTTPS://h", proxy), Need::Server);
            assert_eq!(Need::of(None, proxy), Need::Perhaps);
        }
        assert_eq!(need("http://h", None), Need::Nothing);
        assert_eq!(need("http://h", plain), Need::Nothing);
        assert_eq!(need("http://h", secure), Need::Perhaps);
        // Whatever else it is, it is not http.
        assert_eq!(need("http://h", Some("socks5h://p")), Need::Perhaps);
    }
}
