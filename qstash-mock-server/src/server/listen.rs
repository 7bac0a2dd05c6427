//! Accepting connections until told to stop.

use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt;

use crate::api::Peer;

/// Headers of one request, before the parser refuses it.
const MAX_HEADERS: usize = 512;
/// How long a connection may take over the head of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// How much, and for how long, is read from a peer that is still sending when its connection ends.
const LINGER_BYTES: usize = 16 << 20;
const LINGER: Duration = Duration::from_secs(5);

/// Serves until `stop` turns true; then closes the listener and lets connections finish their request.
/// Aborting the task closes everything at once.
pub(super) async fn serve(
    listener: TcpListener,
    router: axum::Router,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    let told_later = stop.clone();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let router = router.clone();
                    connections.spawn(connection(stream, Peer(peer), router, told_later.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    // Out of file descriptors, most likely: some must be given back first.
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
    router: axum::Router,
    mut stop: watch::Receiver<bool>,
) {
    // Fails only on a socket that is closed already.
    let _ = stream.set_nodelay(true);
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_headers(MAX_HEADERS);
    let router = router.map_request(move |mut request: http::Request<_>| {
        request.extensions_mut().insert(peer);
        request
    });
    let service = TowerToHyperService::new(router);
    let mut connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        result = &mut connection => {
            if let Err(error) = result {
                tracing::debug!(%error, "a connection ended early");
            }
        }
        () = told(&mut stop) => {
            std::pin::Pin::new(&mut connection).graceful_shutdown();
            // Nothing is left to be told to whom.
            let _ = connection.await;
            return;
        }
    }
    tokio::select! {
        () = linger(connection.into_parts().io.into_inner()) => {}
        () = told(&mut stop) => {}
    }
}

/// Reads what a peer still sends after it was refused. Were the socket closed over unread bytes, the peer
/// would see a broken connection instead of the answer.
async fn linger(mut stream: TcpStream) {
    // Fails only if the peer is gone.
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

/// Returns once it is time to stop, or nobody is left to say so.
async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
