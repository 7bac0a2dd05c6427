//! Which certificates are accepted, and what the caller learns of the others.

use std::time::Duration;

use qstash_client::{Client, ClientBuilder, ErrorKind, RetryPolicy, TlsBackend};

use crate::network::server::{GOOD, ROOT, Server};

/// The implementations of TLS in this build.
const BACKENDS: &[TlsBackend] = &[
    #[cfg(any(feature = "rustls-ring", feature = "rustls-aws-lc"))]
    TlsBackend::Rustls,
    #[cfg(feature = "native-tls")]
    TlsBackend::NativeTls,
];

fn builder(server: &Server) -> ClientBuilder {
    let policy = RetryPolicy {
        base: Duration::ZERO,
        ..RetryPolicy::default()
    };
    Client::builder()
        .base_url(format!("https://localhost:{}", server.port))
        .token("t0ken")
        .retry(policy)
}

#[tokio::test]
async fn a_certificate_of_a_root_that_was_added_is_accepted() {
    for &backend in BACKENDS {
        let server = Server::start(GOOD);
        let builder = builder(&server).tls_backend(backend);
        let client = builder.root_certificates(ROOT).build().expect("valid");
        client.v1().metrics().send().await.expect("trusted");
        // The server's side saw it, too.
        server.suite();
    }
    // Whichever is the default.
    let server = Server::start(GOOD);
    let builder = builder(&server).root_certificates(ROOT);
    let client = builder.build().expect("valid");
    client.v1().metrics().send().await.expect("trusted");
}

#[tokio::test]
async fn a_bad_certificate_is_an_error_of_its_own_that_names_the_cause_and_is_not_retried() {
    let expired: &[u8] = include_bytes!("certificates/expired.pem");
    let early: &[u8] = include_bytes!("certificates/early.pem");
    let other_name: &[u8] = include_bytes!("certificates/other_name.pem");
    let self_signed: &[u8] = include_bytes!("certificates/self_signed.pem");
    for &backend in BACKENDS {
        for (certificate, trusted, cause) in [
            (expired, true, "it has expired"),
            (early, true, "it is not valid yet"),
            (other_name, true, "it is for another name"),
            (GOOD, false, "its issuer is unknown here"),
            // Its own issuer, and a certificate for issuing.
            (self_signed, false, "its issuer is unknown here"),
        ] {
            let server = Server::start(certificate);
            let mut builder = builder(&server).tls_backend(backend);
            if trusted {
                builder = builder.root_certificates(ROOT);
            }
            let client = builder.build().expect("valid");
            let error = client.v1().metrics().send().await.expect_err(cause);
            let text = error.to_string();
            assert_eq!(error.kind(), ErrorKind::Certificate, "{backend:?}: {text}");
            assert!(!error.is_retryable());
            assert_eq!(server.connections(), 1, "{backend:?}: {text}");
            let place = format!("localhost:{}", server.port);
            assert!(
                text.contains(&place) && text.contains(cause),
                "{backend:?}: {text}"
            );
        }
    }
}

#[test]
fn a_root_certificate_that_is_none_is_refused() {
    let key: &[u8] = include_bytes!("certificates/server.key");
    let cut = &ROOT[..ROOT.len() / 2];
    let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for &backend in BACKENDS {
        for bad in [b"", b"no PEM".as_slice(), key, cut, broken] {
            for url in ["https://h", "http://h"] {
                let builder = Client::builder().base_url(url).tls_backend(backend);
                let built = builder.root_certificates(bad).build();
                let error = built.expect_err("no certificate");
                assert_eq!(error.kind(), ErrorKind::Config);
                assert!(error.to_string().contains("root certificate"), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn a_server_without_tls_is_named_as_such() {
    for &backend in BACKENDS {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
        let port = listener.local_addr().expect("bound").port();
        std::thread::spawn(move || {
            use std::io::{Read as _, Write as _};
            for stream in listener.incoming() {
                let mut stream = stream.expect("accepts");
                let mut hello = [0; 64];
                stream.read_exact(&mut hello).ok();
                stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").ok();
                // Until the client is gone: bytes that nobody read would reset the connection before it has the answer.
                std::io::copy(&mut stream, &mut std::io::sink()).ok();
            }
        });
        let url = format!("https://127.0.0.1:{port}");
        let builder = Client::builder().base_url(url).tls_backend(backend);
        let client = builder.retry(RetryPolicy::none()).build().expect("valid");
        let error = client.v1().metrics().send().await.expect_err("no TLS");
        let text = error.to_string();
        assert_eq!(error.kind(), ErrorKind::Connect, "{text}");
        assert!(text.contains("does not speak TLS"), "{backend:?}: {text}");
    }
}
