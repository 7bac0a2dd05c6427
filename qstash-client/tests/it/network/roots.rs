//! When the client reads the certificates that the system trusts: for a server or a proxy with https, and once for all
//! clients with the same settings.

use std::path::PathBuf;
use std::process::Command;

use qstash_client::{Client, ClientBuilder, ErrorKind, RetryPolicy, TlsBackend};

use crate::network::server::{GOOD, ROOT, Server};

/// The implementations of TLS in this build.
const BACKENDS: &[TlsBackend] = &[
    #[cfg(any(feature = "rustls-ring", feature = "rustls-aws-lc"))]
    TlsBackend::Rustls,
    #[cfg(feature = "native-tls")]
    TlsBackend::NativeTls,
];

const CHILD: &str = "QSTASH_CLIENT_TEST_ROOTS";

fn builder(url: &str, backend: TlsBackend) -> ClientBuilder {
    let builder = Client::builder().base_url(url).tls_backend(backend);
    builder.token("t0ken").retry(RetryPolicy::none())
}

async fn call(builder: ClientBuilder) -> Result<(), qstash_client::Error> {
    let client = builder.build()?;
    client.v1().metrics().send().await.map(drop)
}

/// Runs a test again in a process of its own, where the system trusts what stands in a file of its own, for each
/// implementation of TLS. Returns in that process the file and the implementation.
fn alone(name: &str, more: &[(&str, &str)]) -> Option<(PathBuf, TlsBackend)> {
    if let Some(backend) = std::env::var_os(CHILD) {
        let backend = BACKENDS.iter().find(|it| *format!("{it:?}") == *backend);
        let file = std::env::var_os("SSL_CERT_FILE").expect("the parent set it");
        return Some((file.into(), *backend.expect("an implementation")));
    }
    for backend in BACKENDS {
        let file = format!(
            "qstash-client-{name}-{backend:?}-{}.pem",
            std::process::id()
        );
        let file = std::env::temp_dir().join(file);
        std::fs::write(&file, ROOT).expect("writes");
        let mut child = Command::new(std::env::current_exe().expect("a path"));
        for variable in ["SSL_CERT_DIR", "NO_PROXY", "no_proxy", "REQUEST_METHOD"] {
            child.env_remove(variable);
        }
        child.env("SSL_CERT_FILE", &file).envs(more.iter().copied());
        child.env(CHILD, format!("{backend:?}"));
        child.args(["--exact", &format!("network::roots::{name}")]);
        let output = child.output().expect("it starts");
        std::fs::remove_file(&file).ok();
        let said = String::from_utf8_lossy(&output.stdout);
        let passed = output.status.success() && said.contains("1 passed");
        assert!(passed, "{backend:?}: {said}");
    }
    None
}

#[tokio::test]
async fn the_second_client_takes_the_roots_that_the_first_one_read() {
    let name = "the_second_client_takes_the_roots_that_the_first_one_read";
    let Some((file, backend)) = alone(name, &[]) else {
        return;
    };
    let server = Server::start(GOOD);
    let url = format!("https://localhost:{}", server.port);
    call(builder(&url, backend)).await.expect("trusted");
    std::fs::remove_file(file).expect("the roots");
    call(builder(&url, backend)).await.expect("still trusted");
}

#[cfg(any(feature = "rustls-ring", feature = "rustls-aws-lc"))]
#[tokio::test]
async fn a_client_for_http_reads_no_roots() {
    let name = "a_client_for_http_reads_no_roots";
    let Some((file, TlsBackend::Rustls)) = alone(name, &[]) else {
        // The system's TLS does not exist without them.
        return;
    };
    let plain = |url| builder(url, TlsBackend::Rustls);
    plain("http://127.0.0.1:1").build().expect("valid");
    plain("http://q.test").build().expect("valid");
    let proxied = plain("http://q.test").proxy("http://127.0.0.1:1");
    proxied.root_certificates(ROOT).build().expect("valid");
    // If it had read them, they would have been kept for this one.
    std::fs::remove_file(file).expect("the roots");
    let error = plain("https://localhost").build().expect_err("no roots");
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("system trusts"), "{error}");
}

#[tokio::test]
async fn a_proxy_with_https_is_trusted_by_the_roots_even_if_the_server_has_none() {
    for &backend in BACKENDS {
        let proxy = Server::start(GOOD);
        let builder = || {
            let url = format!("https://localhost:{}", proxy.port);
            builder("http://q.test", backend).proxy(url)
        };
        call(builder().root_certificates(ROOT))
            .await
            .expect("trusted");
        proxy.suite();
        let error = call(builder()).await.expect_err("an unknown issuer");
        assert_eq!(error.kind(), ErrorKind::Certificate, "{error}");
    }
}

#[tokio::test]
async fn a_proxy_with_https_may_come_from_the_environment() {
    let name = "a_proxy_with_https_may_come_from_the_environment";
    let proxy = Server::start(GOOD);
    let url = format!("https://localhost:{}", proxy.port);
    let variables = [("HTTP_PROXY", url.as_str()), ("http_proxy", url.as_str())];
    let Some((_, backend)) = alone(name, &variables) else {
        assert_eq!(proxy.connections(), BACKENDS.len());
        return;
    };
    call(builder("http://q.test", backend))
        .await
        .expect("trusted");
}
