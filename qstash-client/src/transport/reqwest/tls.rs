//! TLS for reqwest: which implementation, which provider, which roots.
//!
//! reqwest itself panics where rustls has no provider, so nothing of that is left to it.

use crate::error::Error;
use crate::transport::setup::TlsBackend;

/// Whether a feature of this crate brings TLS.
pub(crate) const AVAILABLE: bool =
    cfg!(any(feature = "rustls-no-provider", feature = "native-tls"));

pub(crate) const MISSING: &str = "https needs TLS, and this build of qstash-client has none: turn on one of the \
     features `rustls-aws-lc`, `rustls-ring` and `native-tls`, or give the client a transport";

/// Sets TLS up. `needed` says that the base URL is https; without it a system without certificates is no error.
pub(crate) fn set_up(
    builder: ::reqwest::ClientBuilder,
    backend: Option<TlsBackend>,
    roots: &[Vec<u8>],
    needed: bool,
) -> Result<::reqwest::ClientBuilder, Error> {
    if needed && !AVAILABLE {
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
        TlsBackend::NativeTls => native(builder, roots),
        #[cfg(feature = "rustls-no-provider")]
        TlsBackend::Rustls => rustls::set_up(builder, roots, needed),
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
fn native(
    mut builder: ::reqwest::ClientBuilder,
    roots: &[Vec<u8>],
) -> Result<::reqwest::ClientBuilder, Error> {
    for pem in roots {
        let read = ::reqwest::Certificate::from_pem_bundle(pem);
        let read = read.map_err(|error| no_certificate().with_source(error.without_url()))?;
        if read.is_empty() {
            return Err(no_certificate());
        }
        builder = builder.tls_certs_merge(read);
    }
    Ok(builder.tls_backend_native())
}

#[cfg(feature = "rustls-no-provider")]
mod rustls {
    use std::sync::Arc;

    use ::rustls::client::danger::ServerCertVerifier;
    use ::rustls::crypto::CryptoProvider;
    use ::rustls::pki_types::CertificateDer;
    use ::rustls::pki_types::pem::PemObject as _;
    use ::rustls::{ClientConfig, RootCertStore};
    use rustls_platform_verifier::Verifier;

    use crate::error::Error;
    use crate::transport::reqwest::tls::no_certificate;

    pub(crate) fn set_up(
        builder: ::reqwest::ClientBuilder,
        roots: &[Vec<u8>],
        needed: bool,
    ) -> Result<::reqwest::ClientBuilder, Error> {
        let provider = provider()?;
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| {
                Error::config("rustls's provider supports no version of TLS").with_source(error)
            })?;
        let config = match verifier(&read(roots)?, provider) {
            Ok(verifier) => config
                .dangerous()
                .with_custom_certificate_verifier(verifier),
            // Over http nobody asks for certificates, and a small container has none.
            Err(_) if !needed && roots.is_empty() => {
                config.with_root_certificates(RootCertStore::empty())
            }
            Err(error) => return Err(error),
        };
        Ok(builder.tls_backend_preconfigured(config.with_no_client_auth()))
    }

    /// Returns the provider that the program installed, or else that of a feature.
    fn provider() -> Result<Arc<CryptoProvider>, Error> {
        if let Some(installed) = CryptoProvider::get_default() {
            return Ok(Arc::clone(installed));
        }
        #[cfg(feature = "rustls-aws-lc")]
        return Ok(Arc::new(::rustls::crypto::aws_lc_rs::default_provider()));
        #[cfg(all(feature = "rustls-ring", not(feature = "rustls-aws-lc")))]
        return Ok(Arc::new(::rustls::crypto::ring::default_provider()));
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
        Err(Error::config(
            "root certificates cannot be added on Android",
        ))
    }
}
