//! A server with TLS and a certificate that a test chooses. All of them are for the same key and of the same root.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{CipherSuite, ServerConfig, ServerConnection, Stream};

/// The root of all the certificates.
pub(crate) const ROOT: &[u8] = include_bytes!("certificates/ca.pem");
/// For `localhost` and 127.0.0.1, until 2126.
pub(crate) const GOOD: &[u8] = include_bytes!("certificates/good.pem");
const KEY: &[u8] = include_bytes!("certificates/server.key");

pub(crate) struct Server {
    pub(crate) port: u16,
    connections: Arc<AtomicUsize>,
    suites: Receiver<CipherSuite>,
}

impl Server {
    /// Answers every request with `{}`.
    pub(crate) fn start(certificate: &[u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
        let port = listener.local_addr().expect("bound").port();
        let connections = Arc::new(AtomicUsize::new(0));
        let (report, suites) = channel();
        let config = config(certificate);
        let count = Arc::clone(&connections);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                count.fetch_add(1, Ordering::SeqCst);
                let (config, report) = (Arc::clone(&config), report.clone());
                let stream = stream.expect("accepts");
                std::thread::spawn(move || answer(stream, config, &report));
            }
        });
        Self {
            port,
            connections,
            suites,
        }
    }

    /// How many connections were made so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Waits for the next request that was answered, and returns its cipher suite.
    pub(crate) fn suite(&self) -> CipherSuite {
        self.suites.recv().expect("a request came")
    }
}

fn config(certificate: &[u8]) -> Arc<ServerConfig> {
    let certificate = CertificateDer::from_pem_slice(certificate).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(KEY).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key);
    Arc::new(config.expect("the key fits"))
}

/// Answers one request; a client that does not like the certificate is gone before.
fn answer(
    mut tcp: std::net::TcpStream,
    config: Arc<ServerConfig>,
    report: &Sender<CipherSuite>,
) -> Option<()> {
    let mut tls = ServerConnection::new(config).ok()?;
    let mut stream = Stream::new(&mut tls, &mut tcp);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
    stream.write_all(reply).ok()?;
    report.send(tls.negotiated_cipher_suite()?.suite()).ok()?;
    tls.send_close_notify();
    tls.write_tls(&mut tcp).ok().map(drop)
}
