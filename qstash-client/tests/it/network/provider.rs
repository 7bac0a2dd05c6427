//! Which provider of cryptography rustls takes. One test, because a provider is installed for the whole process.

use qstash_client::{Client, TlsBackend};
use rustls::CipherSuite;
use rustls::crypto::{CryptoProvider, ring};

use crate::network::server::{GOOD, ROOT, Server};

#[tokio::test]
async fn rustls_takes_the_provider_of_the_process_and_without_any_the_client_is_refused() {
    let server = Server::start(GOOD);
    let build = || {
        let url = format!("https://localhost:{}", server.port);
        let builder = Client::builder().base_url(url).root_certificates(ROOT);
        builder.tls_backend(TlsBackend::Rustls).build()
    };
    #[cfg(not(any(feature = "rustls-ring", feature = "rustls-aws-lc")))]
    {
        let error = build().expect_err("nobody installed a provider");
        assert_eq!(error.kind(), qstash_client::ErrorKind::Config);
        assert!(error.to_string().contains("install_default"), "{error}");
        let built = Client::builder().base_url("http://localhost").build();
        assert_eq!(
            built.expect_err("none").kind(),
            qstash_client::ErrorKind::Config
        );
    }
    // Recognized by the one suite that it has, which is nobody's first choice.
    let suite = ring::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256;
    let provider = CryptoProvider {
        cipher_suites: vec![suite],
        ..ring::default_provider()
    };
    provider
        .install_default()
        .expect("nobody else installs one");
    let client = build().expect("the provider is there");
    client.v1().metrics().send().await.expect("trusted");
    assert_eq!(server.suite(), CipherSuite::TLS13_CHACHA20_POLY1305_SHA256);
    assert_eq!(server.connections(), 1);
}
