//! Which certificates of consumers are trusted.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Root certificates that deliveries by https trust beside those of the system. See
/// [`MockServerBuilder::root_certificates`](crate::MockServerBuilder::root_certificates).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootCertificates(Vec<CertificateDer<'static>>);

/// Why a text holds no root certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RootsError {
    /// The text has no certificate.
    #[error("there is no certificate in PEM, which begins with `-----BEGIN CERTIFICATE-----`")]
    None,
    /// The certificate at this place, counted from 1, cannot be read.
    #[error("certificate {0} cannot be read")]
    Malformed(usize),
}

impl RootCertificates {
    /// Reads one or more certificates in PEM, such as `mkcert -CAROOT` names, or a certificate that signs itself. Other
    /// sections of the text, such as keys, do not count.
    ///
    /// # Errors
    /// There is no certificate, or one cannot be read.
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Self, RootsError> {
        // Editors put a byte-order mark in front, which belongs to no line.
        let pem = pem.as_ref();
        let pem = pem.strip_prefix(b"\xef\xbb\xbf").unwrap_or(pem);
        let mut found = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let wrong = RootsError::Malformed(found.len() + 1);
            let certificate = certificate.map_err(|_| wrong)?;
            RootCertStore::empty()
                .add(certificate.clone())
                .map_err(|_| wrong)?;
            found.push(certificate);
        }
        if found.is_empty() {
            return Err(RootsError::None);
        }
        Ok(Self(found))
    }
}

/// Which certificates are trusted beside those that the system trusts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trust {
    pub(crate) added: Vec<RootCertificates>,
    /// Whether any certificate from a loopback address is.
    pub(crate) any_from_loopback: bool,
}

impl Trust {
    pub(super) fn roots(&self) -> impl Iterator<Item = &CertificateDer<'static>> {
        self.added.iter().flat_map(|it| &it.0)
    }
}
