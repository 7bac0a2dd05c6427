//! TLS to consumers: whose cryptography does the work, and which connections check certificates.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock, OnceLock};

use hyper_util::rt::TokioIo;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::certificates::Certificates;
use super::connect::NoTls;
use super::scope::bare;
use super::trust::Trust;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Makes TLS connections. Cheap to clone. The system's certificates are read when the first connection needs them.
#[derive(Clone)]
pub(super) struct Tls(Arc<Shared>);

struct Shared {
    trust: Trust,
    configs: OnceLock<Option<Configs>>,
}

struct Configs {
    strict: Arc<ClientConfig>,
    loopback: Arc<ClientConfig>,
}

impl Tls {
    pub(super) fn new(trust: Trust) -> Self {
        let configs = OnceLock::new();
        Self(Arc::new(Shared { trust, configs }))
    }

    /// Fails if there is no cryptography to make connections with.
    pub(super) fn check(&self) -> Result<(), NoTls> {
        self.configs().map(drop)
    }

    /// Makes a TLS connection over `tcp` to a consumer of this name.
    pub(super) async fn over(
        &self,
        tcp: TokioIo<TcpStream>,
        host: &str,
    ) -> Result<TlsStream<TokioIo<TokioIo<TcpStream>>>, BoxError> {
        let configs = self.configs()?;
        let name = ServerName::try_from(bare(host).to_owned())?;
        let config = configs.for_peer(tcp.inner().peer_addr()?.ip());
        let connector = TlsConnector::from(Arc::clone(config));
        Ok(connector.connect(name, TokioIo::new(tcp)).await?)
    }

    fn configs(&self) -> Result<&Configs, NoTls> {
        let configs = self.0.configs.get_or_init(|| configs(&self.0.trust));
        configs.as_ref().ok_or(NoTls)
    }
}

impl Configs {
    /// What holds for the address of the other end, whatever the URL calls it.
    fn for_peer(&self, address: IpAddr) -> &Arc<ClientConfig> {
        if address.to_canonical().is_loopback() {
            &self.loopback
        } else {
            &self.strict
        }
    }
}

/// `None` if there is no provider of cryptography.
fn configs(trust: &Trust) -> Option<Configs> {
    let provider = provider()?;
    let mut roots = SYSTEM.clone();
    let given: Vec<_> = trust.roots().cloned().collect();
    roots.add_parsable_certificates(given.iter().cloned());
    let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let strict = Certificates {
        // Fails if there are no roots.
        chains: chains.build().ok(),
        given,
        any: false,
        algorithms: provider.signature_verification_algorithms,
    };
    let loopback = Certificates {
        any: trust.any_from_loopback,
        ..strict.clone()
    };
    Some(Configs {
        strict: config(&provider, strict)?,
        loopback: config(&provider, loopback)?,
    })
}

/// `None` if the provider knows no version of TLS that is safe.
fn config(provider: &Arc<CryptoProvider>, verifier: Certificates) -> Option<Arc<ClientConfig>> {
    let config = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .ok()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Some(Arc::new(config))
}

/// The provider that the process has chosen, or else ring where the feature `tls` brings it. The server never installs
/// one: that is the program's to decide.
fn provider() -> Option<Arc<CryptoProvider>> {
    let chosen = CryptoProvider::get_default().cloned();
    #[cfg(feature = "tls")]
    let chosen = chosen.or_else(|| Some(Arc::new(rustls::crypto::ring::default_provider())));
    chosen
}

/// The roots that the system trusts, or those of Mozilla where the system has none, such as an empty container.
static SYSTEM: LazyLock<RootCertStore> = LazyLock::new(|| {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "some of the system's root certificates cannot be read");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let named = ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter();
        let mut named = named.filter(|it| std::env::var_os(it).is_some());
        match named.next() {
            Some(variable) => tracing::warn!("there is no certificate where {variable} points to"),
            None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        }
    }
    roots
});

/// Says what is wrong with a certificate and what to do, if that is what a connection failed for.
pub(super) fn certificate_fault(error: &rustls::Error) -> Option<String> {
    match error {
        wrong @ rustls::Error::InvalidCertificate(_) => Some(format!(
            "the certificate is not trusted: {wrong} (see `--cacert`, and `--insecure` for this computer)"
        )),
        _ => None,
    }
}

#[cfg(all(test, feature = "tls"))]
mod tests {
    use super::*;

    #[test]
    fn certificates_of_other_computers_are_checked_even_where_any_of_this_one_is_accepted() {
        let trust = Trust {
            any_from_loopback: true,
            ..Trust::default()
        };
        let configs = configs(&trust).expect("ring is there");
        for (address, near) in [
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("10.0.0.1", false),
            ("192.168.0.1", false),
            ("fd00::1", false),
            ("8.8.8.8", false),
        ] {
            let config = configs.for_peer(address.parse().expect("an address"));
            assert_eq!(Arc::ptr_eq(config, &configs.loopback), near, "{address}");
            assert_eq!(Arc::ptr_eq(config, &configs.strict), !near, "{address}");
        }
    }
}
