//! Accepting connections until the server stops.

use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::api::{CorsGate, Peer};
use crate::connection::{Resettable, http1};

/// How many bytes, and for how long, the server reads from a peer that is still sending when its connection ends.
const LINGER_BYTES: usize = 16 << 20;
const LINGER: Duration = Duration::from_secs(5);

/// The first bytes of a caller that assumes HTTP/2, and the answer to it. The HTTP parser answers other malformed
/// requests itself, but closes the connection on this one.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const NO_HTTP2: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// Accepts connections until `stop` is true, then closes the listener and lets connections finish their current
/// request. Aborting the task closes everything at once.
pub(super) async fn serve(
    listener: TcpListener,
    gate: Arc<CorsGate>,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    let told_later = stop.clone();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let gate = Arc::clone(&gate);
                    connections.spawn(connection(stream, Peer(peer), gate, told_later.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    // Most likely there are no file descriptors left: wait until some are closed.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            },
            Some(_) = connections.join_next() => {}
            () = told(&mut stop) => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(
    stream: TcpStream,
    peer: Peer,
    gate: Arc<CorsGate>,
    mut stop: watch::Receiver<bool>,
) {
    let (socket, switch) = Resettable::new(stream);
    let service = service_fn(|mut request| {
        request.extensions_mut().insert(peer);
        let (answer, switch) = (Arc::clone(&gate).answer(request), switch.clone());
        async move { answer.await.inspect_err(|_| switch.set()) }
    });
    let mut connection = http1().serve_connection(socket, service);
    tokio::select! {
        result = &mut connection => {
            if let Err(error) = result {
                tracing::debug!(%error, "a connection ended early");
            }
        }
        () = told(&mut stop) => {
            std::pin::Pin::new(&mut connection).graceful_shutdown();
            // The server is stopping, so nobody is left who could be told of an error.
            let _ = connection.await;
            return;
        }
    }
    if switch.is_set() {
        // Dropping the connection now resets it.
        return;
    }
    let parts = connection.into_parts();
    let last_words = if parts.read_buf.starts_with(HTTP2_PREFACE) {
        NO_HTTP2
    } else {
        b""
    };
    tokio::select! {
        () = linger(parts.io.into_inner(), last_words) => {}
        () = told(&mut stop) => {}
    }
}

/// Reads what a peer still sends after it was refused. If the socket were closed with unread bytes, the peer would
/// see a broken connection instead of the answer.
async fn linger(mut stream: impl AsyncRead + AsyncWrite + Unpin, last_words: &[u8]) {
    // These fail only if the peer is gone.
    let _ = stream.write_all(last_words).await;
    let _ = stream.shutdown().await;
    let read_to_end = async {
        let (mut scrap, mut left) = (vec![0; 16 << 10], LINGER_BYTES);
        while let Ok(read @ 1..) = stream.read(&mut scrap).await {
            left = left.saturating_sub(read);
            if left == 0 {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(LINGER, read_to_end).await;
}

/// Returns once the server stops or is dropped.
async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
