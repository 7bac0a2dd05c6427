//! The verifier of consumers' certificates: rustls' own, which follows a chain to a root, and beside it trust in given
//! certificates themselves, or, for `--insecure`, in all of them.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

/// Accepts what a root vouches for, and a certificate that is one of those given. The other end must have the key of
/// its certificate, whatever was accepted.
///
/// A certificate that signs itself is usually marked as an authority, because `openssl req -x509` does so. rustls takes
/// no authority for a server, although whoever gave the certificate trusts it more than anything that it could sign.
#[derive(Clone, Debug)]
pub(super) struct Certificates {
    /// Follows a chain to a root. `None` if there are no roots.
    pub(super) chains: Option<Arc<WebPkiServerVerifier>>,
    pub(super) given: Vec<CertificateDer<'static>>,
    /// Whether every certificate is accepted.
    pub(super) any: bool,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Certificates {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.any {
            return Ok(ServerCertVerified::assertion());
        }
        let Some(chains) = &self.chains else {
            return Err(CertificateError::UnknownIssuer.into());
        };
        match chains.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            // The validity was checked before this error, the name was not.
            Err(error) if is_authority(&error) && self.given.contains(certificate) => {
                verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Whether an authority stands where a server's certificate should. rustls has no variant for it.
fn is_authority(error: &Error) -> bool {
    matches!(error, Error::InvalidCertificate(it) if format!("{it:?}").contains("CaUsedAsEndEntity"))
}
